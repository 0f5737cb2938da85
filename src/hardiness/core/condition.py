"""What varies within a benchmark: a corruption at a severity, an epsilon at a number of steps, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hardiness.core.errors import ArgumentError

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
"""The only keys a condition may have, in the order in which they are shown."""


class Condition(Mapping[str, Any]):
    """An immutable, hashable mapping over `CONDITION_KEYS`; ``Condition()`` is that of plain benchmarks."""

    __slots__ = ("_pairs",)

    def __init__(self, **values: str | int | float) -> None:
        unknown = sorted(set(values) - set(CONDITION_KEYS))
        if unknown:
            raise ArgumentError(f"a condition has no key {unknown[0]!r}; keys: {', '.join(CONDITION_KEYS)}")
        self._pairs = tuple((key, values[key]) for key in CONDITION_KEYS if key in values)

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
