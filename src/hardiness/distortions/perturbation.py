"""What a perturbation is, and where all of them are found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from hardiness.core import ArgumentError, Image, Registry
from hardiness.distortions.corruption import versions
from hardiness.imaging.resize import Window
from hardiness.reference import compared_with_first

L = TypeVar("L", bound=NamedTuple)
D = TypeVar("D")

SIDE_PX = 224
"""Side of a frame."""

DIFFICULTIES = (1, 2, 3)


class SequenceSource(NamedTuple):
    """What a sequence is made of.

    Attributes:
        whole: ``uint8 (H, W, 3)``, the photograph with its shorter side at 256 pixels.
        window: where the central crop lies on it.
        crop: ``uint8 (224, 224, 3)``, a copy of that part.
    """

    whole: Image
    window: Window
    crop: Image


def no_draws(rng: np.random.Generator, level: Any) -> None:
    """``None``: a perturbation that uses no random numbers draws none."""


@dataclass(frozen=True)
class Perturbation(Generic[L, D]):
    """One perturbation; drawing and applying are apart, so that draws can be replayed.

    Attributes:
        name: registered name.
        group: ``noise``, ``blur``, ``weather`` or ``digital``.
        levels: a row of named parameters for each difficulty that it has, difficulty 1 first.
        frames: how many a sequence has.
        draw: ``(rng, level)`` to everything random that a sequence needs; where that is much, an iterator of it.
        apply: ``(source, level, draws)`` to the frames, in turn; uses no generator and leaves its source alone.
        version: raised whenever it gives other bytes for the same image, difficulty, seed and id; part of the keys of
            the runs that use it, and of no others.
    """

    name: str
    group: str
    levels: tuple[L, ...]
    frames: int
    draw: Callable[[np.random.Generator, L], D]
    apply: Callable[[SequenceSource, L, D], Iterator[Image]]
    version: int = 1

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

    @property
    def compared_with_first(self) -> bool:
        """Whether each frame is compared with the first, which is clean, and not with the one before."""
        return compared_with_first(self.name)

    def level(self, difficulty: int) -> L:
        """The row of one difficulty.

        Raises:
            ArgumentError: it does not have that difficulty.
        """
        if isinstance(difficulty, bool) or difficulty not in range(1, len(self.levels) + 1):
            have = "difficulty 1 alone" if len(self.levels) == 1 else f"difficulties 1 to {len(self.levels)}"
            raise ArgumentError(f"{self.name} has {have}, was asked for {difficulty!r}")
        return self.levels[int(difficulty) - 1]


perturbations: Registry[Perturbation[Any, Any]] = Registry(
    "perturbation", "hardiness.distortions.moving", "hardiness.perturbations"
)
"""Every perturbation, by name."""


def perturbation(
    group: str,
    levels: tuple[L, ...],
    draw: Callable[[np.random.Generator, L], D],
    frames: int = 31,
    *,
    version: int = 1,
) -> Callable[[Callable[[SequenceSource, L, D], Iterator[Image]]], Perturbation[L, D]]:
    """Decorator that registers ``apply`` under the function's own name.

    Args:
        group, levels, draw, frames, version: as in `Perturbation`.
    """

    def decorate(apply: Callable[[SequenceSource, L, D], Iterator[Image]]) -> Perturbation[L, D]:
        entry = Perturbation(apply.__name__, group, levels, frames, draw, apply, version)
        perturbations.register(entry.name, entry, f"{apply.__module__}:{apply.__name__}")
        return entry

    return decorate


def perturbation_versions(names: Iterable[str]) -> int | dict[str, int]:
    """The versions of some perturbations, for keys: 1 where all are at their first, else those of the others."""
    return versions({name: perturbations.get(name).version for name in names})
