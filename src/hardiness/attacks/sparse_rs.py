"""Sparse-RS: a search at random for a few pixels, which asks for no gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import CheckedAttack, Iterate, Pass, Problem, no_gradient, registry
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_SCHEDULE = (
    (0, 1),
    (50, 2),
    (200, 4),
    (500, 5),
    (1000, 6),
    (2000, 8),
    (4000, 10),
    (6000, 12),
    (8000, 15),
    (10_000, 20),
)
"""Up to which of 10,000 exchanges the first share is divided by what: the numbers of the authors' code for L0."""


@dataclass
class _Pixels:
    """One sample's changed pixels: where, int64 ``(k,)``, and their colours ``(3, k)``, each 0 or 1."""

    places: NDArray[np.int64]
    colours: NDArray[np.float32]

    def exchanged(self, count: int, positions: int, generator: np.random.Generator) -> _Pixels:
        """The same with ``count`` of them elsewhere, in new colours."""
        count = min(max(count, 1), len(self.places))
        out = generator.choice(len(self.places), count, replace=False)
        free = np.setdiff1d(np.arange(positions), self.places, assume_unique=True)
        places, colours = self.places.copy(), self.colours.copy()
        moved = min(count, len(free))
        places[out[:moved]] = generator.choice(free, moved, replace=False)
        colours[:, out] = generator.integers(0, 2, (3, count))
        return _Pixels(places, colours)

    def on(self, image: Tensor) -> Tensor:
        """The image ``(3, H, W)`` with these pixels."""
        import torch

        found = image.clone()
        found.flatten(1)[:, torch.from_numpy(self.places)] = torch.from_numpy(self.colours).to(image.device)
        return found


@registry.add("sparse-rs")
@dataclass(frozen=True)
class SparseRS(CheckedAttack):
    """Exchange some of the changed pixels at random, and keep that if it lowers the margin. Steps are queries.

    Attributes:
        share: of the changed pixels; the first exchanges take a half of it, the last a twentieth.

    Source: Croce et al. 2022, arXiv:2006.12834, algorithm 1 for L0: colours from the corners of the cube; how the share
        falls with the queries is the authors' code's (``p_selection`` of fra31/sparse-rs).
    """

    version: ClassVar[int] = 2
    threats: ClassVar[tuple[str, ...]] = ("l0",)
    gradients: ClassVar[bool] = False

    share: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ArgumentError(f"share must be above 0 and at most 1, was {self.share}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        import torch

        problem = problem.with_margin()
        positions = problem.pixels.shape[2] * problem.pixels.shape[3]
        count = min(int(problem.budget.epsilon), positions)
        best = [_begun(count, positions, generator) for generator in problem.generators]
        lowest = torch.full((len(problem),), float("inf"), device=problem.index.device)
        for step in range(1, int(problem.budget.steps.max()) + 1):
            tried = best if step == 1 or not count else [
                each.exchanged(int(count * self._share(step, steps)), positions, generator)
                for each, steps, generator in zip(best, problem.budget.steps.tolist(), problem.generators, strict=True)
            ]  # fmt: skip
            pixels = torch.stack([each.on(image) for each, image in zip(tried, problem.pixels, strict=True)])
            passed = problem.forward(pixels, graph=False, first=step == 1)
            reached = problem.criterion.reached(passed.logits)
            better = (passed.loss < lowest) | reached
            best = [new if taken else old for new, old, taken in zip(tried, best, better.tolist(), strict=True)]
            lowest = passed.loss.where(better, lowest)
            if bool(better.any()):
                kept = Pass(*(each[better] for each in passed))
                yield kept.iterate(step, problem.index[better], reached[better], no_gradient(reached[better]))
            goes_on = (problem.budget.steps > step) & ~reached
            if not bool(goes_on.any()):
                return
            best = [each for each, stays in zip(best, goes_on.tolist(), strict=True) if stays]
            problem, lowest = problem.rows(goes_on), lowest[goes_on]

    def _share(self, step: int, steps: int) -> float:
        """The share of pixels that a query exchanges: the first query is the start, the second the first exchange."""
        exchange = int((step - 1) / steps * 10_000)
        return self.share / next(divisor for last, divisor in _SCHEDULE if exchange <= last)


def _begun(count: int, positions: int, generator: np.random.Generator) -> _Pixels:
    places = generator.choice(positions, count, replace=False)
    return _Pixels(places, generator.integers(0, 2, (3, count)).astype(np.float32))
