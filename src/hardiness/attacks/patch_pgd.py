"""A square patch for each picture, where the gradient is largest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.kit import (
    Iterate,
    Problem,
    pick,
    registry,
)
from hardiness.attacks.threats.patch import side
from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor


@registry.add("patch-pgd")
@dataclass(frozen=True)
class PatchPGD(CheckedAttack):
    """Projected gradient descent on a patch.

    The budget's steps are those at each place; `Iterate.step` begins again at 1 with each.

    Attributes:
        places: how many squares are tried, none overlapping another by more than half its side.
        step: length of a step, in units of the [0, 1] range.

    Source: Brown et al. 2017, arXiv:1712.09665, for patches; places by the gradient as in Rao et al. 2020,
        arXiv:2005.02313.

    Differs: a patch for each picture, without transformations; a universal one would be weaker on each.
    """

    summary: ClassVar[str] = (
        "Projected gradient descent within one square, at the places where the image's gradient is largest, in turn."
    )
    threats: ClassVar[tuple[str, ...]] = ("patch",)

    places: int = 3
    step: float = 0.05

    def __post_init__(self) -> None:
        require_within("places", self.places, 1, 100)  # a mask of the whole picture each
        if not self.step > 0:
            raise ArgumentError(f"step must be positive, was {self.step}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        import torch

        passed = problem.forward(problem.pixels, graph=True, first=True)
        weight = passed.slope(torch.ones_like(problem.index, dtype=torch.bool)).gradient.abs().sum(1)
        masks = _masks(weight, side(problem.budget.epsilon, *weight.shape[1:]), self.places)

        def at_place(rank: int, remaining: Problem) -> Iterator[Iterate]:
            return self._descend(remaining, masks[problem.places(remaining), rank][:, None])

        yield from problem.attempts([partial(at_place, rank) for rank in range(masks.shape[1])])

    def _descend(self, problem: Problem, mask: Tensor) -> Iterator[Iterate]:
        at, step = problem.pixels, 0
        passed = problem.forward(at, graph=True)
        while True:
            slope = passed.slope(problem.budget.steps > 0)
            step += 1
            at = (at - self.step * slope.gradient.sign() * mask).clamp(0, 1)
            passed = problem.forward(at, graph=True)
            reached = problem.criterion.reached(passed.logits)
            yield passed.iterate(step, problem.index, reached, slope)
            goes_on = (problem.budget.steps > step) & ~reached
            if not bool(goes_on.any()):
                return
            if not bool(goes_on.all()):
                problem, at, mask = problem.rows(goes_on), pick(at, goes_on), pick(mask, goes_on)
                passed = problem.forward(at, graph=True)


def _masks(weight: Tensor, length: int, count: int) -> Tensor:
    """Squares with the largest sums of ``weight (N, H, W)``, best first: bool ``(N, count, H, W)``."""
    import torch
    from torch.nn import functional

    n, height, width = weight.shape
    masks = torch.zeros(n, count, height, width, device=weight.device)
    if not length:
        return masks[:, :1]
    sums = functional.avg_pool2d(weight[:, None], length, stride=1)[:, 0]
    for image in range(n):
        for rank in range(count):
            row, column = divmod(int(sums[image].argmax()), sums.shape[2])
            masks[image, rank, row : row + length, column : column + length] = 1
            half = max(length // 2, 1)
            sums[image, max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = -1
    return masks
