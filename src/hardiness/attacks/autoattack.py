"""AutoAttack's standard ensemble: four attacks without parameters, each on the survivors of those before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from hardiness.attacks.apgd import APGD, TargetedAPGD
from hardiness.attacks.fab import TargetedFAB
from hardiness.attacks.kit.attack import Iterate, registry
from hardiness.attacks.kit.checks import labels_of
from hardiness.attacks.kit.problem import CheckedAttack, Problem
from hardiness.attacks.square import Square
from hardiness.core import ArgumentError


@registry.add("autoattack")
@dataclass(frozen=True)
class AutoAttack(CheckedAttack):
    """APGD on the cross-entropy, targeted APGD, targeted FAB, Square: each on the survivors of those before.

    One iterate at the end of each attack, about all samples that entered it: ``step`` is 1 to 4, and the budget's
    steps are how many of the four are run. Of a sample that was not reached it tells the last iterate.

    Attributes:
        iterations: of the first three, for each target.
        targets: how many classes the targeted two try.
        queries: of Square.

    Source: Croce & Hein 2020, arXiv:2003.01690, section 5, the standard version: 100 iterations, one start, 9 targets,
        5,000 queries.
    """

    iterations: int = 100
    targets: int = 9
    queries: int = 5000

    def __post_init__(self) -> None:
        for name in ("iterations", "targets", "queries"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name} must be at least 1, was {getattr(self, name)}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        """The iterates of a checked problem."""
        labels_of(problem.criterion, "autoattack")
        stages = (
            _Stage(APGD(), self.iterations),
            _Stage(TargetedAPGD(self.targets), self.iterations),
            _Stage(TargetedFAB(self.targets), self.iterations),
            _Stage(Square(), self.queries),
        )
        for number, stage in enumerate(stages, start=1):
            problem = problem.of(problem.budget.steps >= number)
            if not len(problem):
                return
            ended = _ended(problem, stage)._replace(step=number)
            yield ended
            problem = problem.without(ended.index[ended.reached])


class _Stage(NamedTuple):
    attack: CheckedAttack
    steps: int


def _ended(problem: Problem, stage: _Stage) -> Iterate:
    """How one attack ended for each sample: where it was reached, else its last iterate."""
    import torch

    steps = torch.full_like(problem.budget.steps, stage.steps)
    entered = replace(problem, budget=replace(problem.budget, steps=steps))
    ended: Iterate | None = None
    for iterate in stage.attack.run(entered):
        if ended is None:  # the first iterate is about all samples
            ended = Iterate(iterate.step, *(values.clone() for values in iterate[1:]))
            continue
        rows = torch.searchsorted(problem.index, iterate.index)
        for whole, part in zip(ended[2:], iterate[2:], strict=True):
            whole[rows] = part
    assert ended is not None, "an attack on some samples yields"
    return ended._replace(loss=problem.criterion.loss(ended.logits))
