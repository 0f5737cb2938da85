"""What a corruption is, and where all of them are found by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np

from hardiness.core import ArgumentError, Image, Registry

Group = Literal["noise", "blur", "weather", "digital", "extra"]

Shape = tuple[int, int, int]

L = TypeVar("L", bound=NamedTuple)
D = TypeVar("D")

SEVERITIES = (1, 2, 3, 4, 5)

CORRUPTIONS_VERSION = 1
"""Raised whenever a corruption gives other bytes for the same image, name, severity, seed and id; part of run keys."""


def no_draws(rng: np.random.Generator, shape: Shape, level: Any) -> None:
    """``None``: a corruption that uses no random numbers draws none."""


@dataclass(frozen=True)
class Corruption(Generic[L, D]):
    """One corruption at five severities; drawing and applying are apart, so that draws can be replayed.

    Attributes:
        name: registered name.
        group: ``noise``, ``blur``, ``weather``, ``digital`` (the 15) or ``extra`` (the 4).
        levels: five rows of named parameters, severity 1 first.
        draw: ``(rng, shape, level)`` to everything random that an image of that shape needs.
        apply: ``(image, level, draws)`` to the corrupted image; uses no generator and leaves its input alone.
    """

    name: str
    group: Group
    levels: tuple[L, ...]
    draw: Callable[[np.random.Generator, Shape, L], D]
    apply: Callable[[Image, L, D], Image]

    def __post_init__(self) -> None:
        assert len(self.levels) == len(SEVERITIES), f"{self.name}: one row of parameters for each severity"

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
        """The five rows as plain mappings, for listings."""
        return tuple(level._asdict() for level in self.levels)

    def level(self, severity: int) -> L:
        """The row of one severity.

        Raises:
            ArgumentError: the severity is not one of 1 to 5.
        """
        if isinstance(severity, bool) or severity not in SEVERITIES:
            raise ArgumentError(f"severity must be a whole number from 1 to 5, was {severity!r}")
        return self.levels[int(severity) - 1]


corruptions: Registry[Corruption[Any, Any]] = Registry(
    "corruption", "hardiness.distortions.still", "hardiness.corruptions"
)
"""Every corruption, by name."""


def corruption(
    group: Group, levels: tuple[L, ...], draw: Callable[[np.random.Generator, Shape, L], D]
) -> Callable[[Callable[[Image, L, D], Image]], Corruption[L, D]]:
    """Decorator that registers ``apply`` under the function's own name.

    Args:
        group, levels, draw: as in `Corruption`.
    """

    def decorate(apply: Callable[[Image, L, D], Image]) -> Corruption[L, D]:
        entry = Corruption(apply.__name__, group, levels, draw, apply)
        corruptions.register(entry.name, entry, f"{apply.__module__}:{apply.__name__}")
        return entry

    return decorate
