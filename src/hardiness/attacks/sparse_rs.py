"""Sparse-RS: a search at random for a few pixels, which asks for no gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.bases import Lowest, RandomSearch
from hardiness.attacks.kit import Problem, registry
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
"""The last of 10,000 exchanges, and the number that the first share is divided by until then: as the authors' code for
L0 has them."""


@dataclass
class _Pixels:
    """One sample's changed pixels: where, int64 ``(k,)``, and their colours ``(3, k)``, each 0 or 1."""

    places: NDArray[np.int64]
    colours: NDArray[np.float32]

    def exchange(self, count: int, positions: int, generator: np.random.Generator) -> _Pixels:
        """The changed pixels with ``count`` of them elsewhere, in new colours."""
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

        changed = image.clone()
        changed.flatten(1)[:, torch.from_numpy(self.places)] = torch.from_numpy(self.colours).to(image.device)
        return changed


@registry.add("sparse-rs")
@dataclass(frozen=True)
class SparseRS(RandomSearch):
    """Sparse random search.

    Attributes:
        share: of the changed pixels; the first exchanges take a half of it, the last a twentieth.

    Source: Croce et al. 2022, arXiv:2006.12834, algorithm 1 for L0: colours from the corners of the cube; how the share
        falls with the queries is the authors' code's (``p_selection`` of fra31/sparse-rs).
    """

    summary: ClassVar[str] = (
        "Exchange some of the changed pixels at random, and keep that if it lowers the margin. Steps are queries."
    )
    version: ClassVar[int] = 2
    threats: ClassVar[tuple[str, ...]] = ("l0",)

    share: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ArgumentError(f"share must be above 0 and at most 1, was {self.share}")

    def prepared(self, problem: Problem) -> Problem:
        return problem.with_margin()

    def propose(self, problem: Problem, lowest: Lowest, memory: dict[str, Any]) -> Tensor:
        """The images with some of the changed pixels exchanged; ``memory`` has the best ones and those tried last."""
        import torch

        positions = problem.pixels.shape[2] * problem.pixels.shape[3]
        count, query = min(int(problem.budget.epsilon), positions), lowest.step + 1
        if query == 1:
            best = tried = [_draw_pixels(count, positions, generator) for generator in problem.generators]
        else:
            is_new = (lowest.query == lowest.step).tolist()
            candidates = zip(memory["tried"], memory["best"], is_new, strict=True)
            best = tried = [new if is_better else old for new, old, is_better in candidates]
        if query > 1 and count:
            tried = [
                pixels.exchange(int(count * self._share(query, steps)), positions, generator)
                for pixels, steps, generator in zip(
                    best, problem.budget.steps.tolist(), problem.generators, strict=True
                )
            ]
        memory.update(best=best, tried=tried)
        return torch.stack([pixels.on(image) for pixels, image in zip(tried, problem.pixels, strict=True)])

    def _share(self, step: int, steps: int) -> float:
        """The share of pixels that a query exchanges: the first query is the start, the second the first exchange."""
        exchange = int((step - 1) / steps * 10_000)
        return self.share / next(divisor for last, divisor in _SCHEDULE if exchange <= last)


def _draw_pixels(count: int, positions: int, generator: np.random.Generator) -> _Pixels:
    places = generator.choice(positions, count, replace=False)
    return _Pixels(places, generator.integers(0, 2, (3, count)).astype(np.float32))
