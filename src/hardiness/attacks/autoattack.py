"""AutoAttack's standard ensemble: four attacks without parameters, each on images that none before has fooled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

from hardiness.attacks.apgd import APGD, TargetedAPGD
from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.criteria import labels_of
from hardiness.attacks.fab import FAB, TargetedFAB
from hardiness.attacks.kit import Iterate, Problem, registry
from hardiness.attacks.square import Square
from hardiness.core.bounds import MOST_STEPS, require_within
from hardiness.core.errors import UnknownNameError

SAMPLES, RESTARTS = 20, 5


@registry.add("autoattack")
@dataclass(frozen=True)
class AutoAttack(CheckedAttack):
    """APGD on the cross-entropy, targeted APGD, targeted FAB and Square, each on images that none before has fooled.

    One iterate at the end of each attack, about all samples that entered it: ``step`` counts them from 1, and the
    budget's steps are how many of them are run. A sample that was not reached has its last iterate there.

    Attributes:
        iterations: of the first three, for each target.
        targets: how many classes the targeted two try.
        queries: of Square.
        variant: ``"standard"``; ``"rand"``, for models that draw at random: APGD on the cross-entropy and on DLR, each
            gradient a mean of 20; ``"plus"``: APGD on both losses and FAB, five starts each, then Square, targeted
            APGD and targeted FAB.

    Source: Croce & Hein 2020, arXiv:2003.01690, section 5, the standard version: 100 iterations, one start, 9 targets,
        5,000 queries; the other two as in its code (fra31/auto-attack).

    Differs: restarts are taken one after the other by each attack on who is left.
    """

    version: ClassVar[int] = 2
    threats: ClassVar[tuple[str, ...]] = ("linf", "l2")
    can_target: ClassVar[bool] = False

    iterations: int = 100
    targets: int = 9
    queries: int = 5000
    variant: Literal["standard", "rand", "plus"] = "standard"

    def __post_init__(self) -> None:
        for name in ("iterations", "targets", "queries"):
            require_within(name, getattr(self, name), 1, MOST_STEPS)
        if self.variant not in ("standard", "rand", "plus"):
            raise UnknownNameError("variant of autoattack", self.variant, ("standard", "rand", "plus"))

    def run(self, problem: Problem) -> Iterator[Iterate]:
        return self.after((), problem)

    def resumed(self, ended: Sequence[Iterate]) -> CheckedAttack:
        """This attack without its first members: how each of them ended is given, and yielded again.

        Args:
            ended: their iterates on the very same batch, in their order; generators must be as they were after these.
        """
        return _LaterStages(self, tuple(ended))

    def after(self, first: Sequence[Iterate], problem: Problem) -> Iterator[Iterate]:
        """The iterates of a checked problem, of which the first are known."""
        labels_of(problem.criterion, "autoattack")
        for number, stage in enumerate(self._stages(), start=1):
            problem = problem.rows(problem.budget.steps >= number)
            if not len(problem):
                return
            outcome = first[number - 1] if number <= len(first) else _run_stage(problem, stage)._replace(step=number)
            yield outcome
            problem = problem.without(outcome.index[outcome.reached])

    def _stages(self) -> tuple[_Stage, ...]:
        targeted = (
            _Stage(TargetedAPGD(self.targets), self.iterations),
            _Stage(TargetedFAB(self.targets), self.iterations),
        )
        square = _Stage(Square(), self.queries)
        if self.variant == "rand":
            return tuple(_Stage(APGD(loss, SAMPLES), self.iterations) for loss in ("ce", "dlr"))
        if self.variant == "plus":
            first = (_Stage(APGD(loss), self.iterations, [APGD(loss)] * (RESTARTS - 1)) for loss in ("ce", "dlr"))
            near = _Stage(FAB(self.targets), self.iterations, [FAB(self.targets, random_start=True)] * (RESTARTS - 1))
            return (*first, near, square, *targeted)
        return (_Stage(APGD(), self.iterations), *targeted, square)


@dataclass(frozen=True)
class _LaterStages(CheckedAttack):
    whole: AutoAttack
    ended: tuple[Iterate, ...]

    def run(self, problem: Problem) -> Iterator[Iterate]:
        return self.whole.after(self.ended, problem)


class _Stage(NamedTuple):
    attack: CheckedAttack
    steps: int
    again: Sequence[CheckedAttack] = ()


def _run_stage(problem: Problem, stage: _Stage) -> Iterate:
    """Run one attack and return where it ended for each sample: where it was reached, else its last iterate."""
    import torch

    steps = torch.full_like(problem.budget.steps, stage.steps)
    entered = replace(problem, budget=replace(problem.budget, steps=steps))
    ended: Iterate | None = None
    for iterate in entered.attempts([stage.attack.run, *(attack.run for attack in stage.again)]):
        if ended is None:  # the first iterate is about all samples
            ended = Iterate(iterate.step, *(values.clone() for values in iterate[1:]))
            continue
        rows = torch.searchsorted(problem.index, iterate.index)
        for all_values, new_values in zip(ended[2:], iterate[2:], strict=True):
            all_values[rows] = new_values
    assert ended is not None, "an attack on some samples yields"
    return ended._replace(loss=problem.criterion.loss(ended.logits))
