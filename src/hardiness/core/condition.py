"""Conditions: everything but the picture that a row is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hardiness.core.forms import FormError

_VALUE_TYPES = {str, int, float, bool}


class Condition(Mapping[str, Any]):
    """An immutable, hashable mapping under any keys; ``Condition()`` is that of plain benchmarks.

    Keys stay in the order in which they were given, which makes no difference to equality. How they are called and in
    which order they are shown is said by the card that scores them.
    """

    __slots__ = ("_hash", "_values")

    def __init__(self, **values: str | int | float) -> None:
        self._values = values
        self._hash = hash(frozenset(values.items()))

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return dict(self._values)

    @classmethod
    def from_dict(cls, form: Any) -> Condition:
        """The condition that `as_dict` gave."""
        if not isinstance(form, Mapping) or not {*map(type, form.values())} <= _VALUE_TYPES:
            raise FormError(f"must be an object of texts and numbers, and is {form!r:.60}")
        return cls(**form)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self._values == other._values

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Condition], tuple[dict[str, Any]]]:
        """The values alone: hashes of texts differ from process to process, so that each makes its own."""
        return _condition, (self._values,)

    def __repr__(self) -> str:
        return f"Condition({', '.join(f'{key}={value!r}' for key, value in self._values.items())})"

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self._values.items())


def _condition(values: dict[str, Any]) -> Condition:
    return Condition(**values)
