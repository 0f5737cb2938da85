"""Turns and shifts, tried one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.kit import (
    Iterate,
    Problem,
    no_gradient,
    registry,
)
from hardiness.attacks.threats.spatial import places, transform


@registry.add("spatial")
@dataclass(frozen=True)
class SpatialGrid(CheckedAttack):
    """The grid of rotations and translations.

    With 775 steps it is the whole grid.

    Source: Engstrom et al. 2019, arXiv:1712.02779, the grid attack and the worst of k.
    """

    summary: ClassVar[str] = (
        "Rotations and translations of a grid, tried in a random order for each sample. Steps are tries."
    )
    threats: ClassVar[tuple[str, ...]] = ("spatial",)
    gradients: ClassVar[bool] = False

    def run(self, problem: Problem) -> Iterator[Iterate]:
        grid = places(problem.budget.epsilon)
        orders = [generator.permutation(len(grid)) for generator in problem.generators]
        for step in range(1, min(int(problem.budget.steps.max()), len(grid)) + 1):
            rows = grid[[order[step - 1] for order in orders]]
            passed = problem.forward(transform(problem.pixels, rows), graph=False, first=step == 1)
            reached = problem.criterion.reached(passed.logits)
            yield passed.iterate(step, problem.index, reached, no_gradient(reached))
            goes_on = (problem.budget.steps > step) & ~reached
            if not bool(goes_on.any()):
                return
            orders = [order for order, stays in zip(orders, goes_on.tolist(), strict=True) if stays]
            problem = problem.rows(goes_on)
