"""What varies within a benchmark: a corruption at a severity, an epsilon at a number of steps, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Condition(Mapping[str, Any]):
    """An immutable, hashable mapping under any keys; ``Condition()`` is that of plain benchmarks.

    Keys stay in the order in which they were given, which makes no difference to equality. How they are called and in
    which order they are shown is said by the card that scores them.
    """

    __slots__ = ("_hash", "_values")

    def __init__(self, **values: str | int | float) -> None:
        self._values = values
        self._hash = hash(frozenset(values.items()))

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
        """Hashes of texts differ from process to process, so that another one makes its own."""
        return _of, (self._values,)

    def __repr__(self) -> str:
        return f"Condition({', '.join(f'{key}={value!r}' for key, value in self._values.items())})"

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self._values.items())


def _of(values: dict[str, Any]) -> Condition:
    return Condition(**values)
