"""What a corruption is, and where all of them are found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from hardiness.core import ArgumentError, Image, Registry

Shape = tuple[int, int, int]

L = TypeVar("L", bound=NamedTuple)
D = TypeVar("D")

SEVERITIES = (1, 2, 3, 4, 5)
"""Of most corruptions; one may have fewer or more."""


def no_draws(rng: np.random.Generator, shape: Shape, level: Any) -> None:
    """``None``: a corruption that uses no random numbers draws none."""


def nothing_needed() -> None:
    """Requires no data files: the corruption is made of the image alone."""


@dataclass(frozen=True)
class Corruption(Generic[L, D]):
    """One corruption at several severities; drawing and applying are apart, so that draws can be replayed.

    Attributes:
        name: registered name.
        group: the kind of distortion, for listings: ``noise``, ``blur``, ``weather``, ``digital`` or another word.
        levels: a row of named parameters for each severity, severity 1 first; most have five.
        draw: ``(rng, shape, level)`` to everything random that an image of that shape needs.
        apply: ``(image, level, draws)`` to the corrupted image; uses no generator and leaves its input alone.
        version: raised whenever it gives other bytes for the same image, severity, seed and id; part of the keys of
            the runs that use it, and of no others.
        require: raises a `DataError` where something it reads (pictures, a font) is not there.
    """

    name: str
    group: str
    levels: tuple[L, ...]
    draw: Callable[[np.random.Generator, Shape, L], D]
    apply: Callable[[Image, L, D], Image]
    version: int = 1
    require: Callable[[], None] = nothing_needed

    def __post_init__(self) -> None:
        assert self.levels, f"{self.name}: a row of parameters for each severity"

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities that it has, 1 first."""
        return tuple(range(1, len(self.levels) + 1))

    @property
    def deterministic(self) -> bool:
        """Whether it draws nothing."""
        return self.draw is no_draws

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.apply.__doc__ or "").strip().partition("\n")[0]

    @property
    def parameters(self) -> tuple[dict[str, Any], ...]:
        """The rows of parameters as plain mappings, for listings."""
        return tuple(level._asdict() for level in self.levels)

    def level(self, severity: int) -> L:
        """The row of one severity.

        Raises:
            ArgumentError: it does not have that severity.
        """
        if isinstance(severity, bool) or severity not in self.severities:
            raise ArgumentError(
                f"severity must be a whole number from 1 to {len(self.levels)}, was {severity!r}"
                if len(self.levels) > 1
                else f"{self.name} has severity 1 alone, was asked for {severity!r}"
            )
        return self.levels[int(severity) - 1]


corruptions: Registry[Corruption[Any, Any]] = Registry(
    "corruption", "hardiness.distortions.still", "hardiness.corruptions"
)
"""Every corruption, by name."""


def corruption(
    group: str,
    levels: tuple[L, ...],
    draw: Callable[[np.random.Generator, Shape, L], D],
    *,
    version: int = 1,
    require: Callable[[], None] = nothing_needed,
) -> Callable[[Callable[[Image, L, D], Image]], Corruption[L, D]]:
    """Decorator that registers ``apply`` under the function's own name.

    Args:
        group, levels, draw, version, require: as in `Corruption`.
    """

    def decorate(apply: Callable[[Image, L, D], Image]) -> Corruption[L, D]:
        entry = Corruption(apply.__name__, group, levels, draw, apply, version, require)
        corruptions.register(entry.name, entry, f"{apply.__module__}:{apply.__name__}")
        return entry

    return decorate


def corruption_versions(names: Iterable[str]) -> int | dict[str, int]:
    """The versions of some corruptions, for keys: 1 where all are at their first, else the versions of the others."""
    return versions({name: corruptions.get(name).version for name in names})


def versions(found: Mapping[str, int]) -> int | dict[str, int]:
    """1 where every version is 1, else those that are not, by name."""
    return {name: found[name] for name in sorted(found) if found[name] != 1} or 1
