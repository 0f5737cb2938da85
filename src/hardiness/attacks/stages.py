"""An ensemble of attacks, each run on the samples that none before has fooled."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.criteria import labels_of
from hardiness.attacks.kit import Iterate, Problem


class Stage(NamedTuple):
    """A member of an ensemble: an attack, its steps, and further starts on the samples that are left."""

    attack: CheckedAttack
    steps: int
    again: Sequence[CheckedAttack] = ()


class StagedAttack(CheckedAttack):
    """Base of ensembles: one iterate at the end of each member, about all samples that entered it.

    ``step`` counts the members from 1, and the budget's steps are how many of them are run. A sample that was not
    reached has its last iterate there.
    """

    title: ClassVar[str]
    """The name in messages."""

    @abstractmethod
    def stages(self) -> tuple[Stage, ...]:
        """Its members in the order in which they are run."""

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
        labels_of(problem.criterion, self.title)
        for number, stage in enumerate(self.stages(), start=1):
            problem = problem.rows(problem.budget.steps >= number)
            if not len(problem):
                return
            outcome = first[number - 1] if number <= len(first) else _run_stage(problem, stage)._replace(step=number)
            yield outcome
            problem = problem.without(outcome.index[outcome.reached])


@dataclass(frozen=True)
class _LaterStages(CheckedAttack):
    whole: StagedAttack
    ended: tuple[Iterate, ...]

    def run(self, problem: Problem) -> Iterator[Iterate]:
        return self.whole.after(self.ended, problem)


def _run_stage(problem: Problem, stage: Stage) -> Iterate:
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
