"""What varies within a benchmark: a corruption at a severity, an epsilon at a number of steps, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CONDITION_KEYS = (
    "corruption",
    "perturbation",
    "severity",
    "epsilon",
    "steps",
    "surrogate",
    "category",
    "group",
    "protocol",
    "decision",
)
"""The order in which these keys are shown, whatever the order in which they were given."""


class Condition(Mapping[str, Any]):
    """An immutable, hashable mapping; ``Condition()`` is that of plain benchmarks.

    A benchmark may use any key. Those of `CONDITION_KEYS` come first, in that order, then the others by the alphabet,
    so that two conditions of the same values are equal, however they were written.
    """

    __slots__ = ("_pairs",)

    def __init__(self, **values: str | int | float) -> None:
        known = tuple(key for key in CONDITION_KEYS if key in values)
        others = tuple(sorted(values.keys() - set(CONDITION_KEYS)))
        self._pairs = tuple((key, values[key]) for key in known + others)

    def __getitem__(self, key: str) -> Any:
        for name, value in self._pairs:
            if name == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self._pairs == other._pairs

    def __repr__(self) -> str:
        return f"Condition({', '.join(f'{key}={value!r}' for key, value in self._pairs)})"

    def __str__(self) -> str:
        return " ".join(f"{key}={value}" for key, value in self._pairs)
