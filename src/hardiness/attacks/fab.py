"""Fast adaptive boundary: to the nearest point of a decision boundary, taken as a hyperplane at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hardiness.attacks.kit.attack import Iterate, registry
from hardiness.attacks.kit.checks import labels_of
from hardiness.attacks.kit.gradient import Pass, forward, picked, slope
from hardiness.attacks.kit.margins import TargetedMargin, likeliest_others
from hardiness.attacks.kit.norms import crossing, distance
from hardiness.attacks.kit.problem import CheckedAttack, Problem, attempts
from hardiness.core import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_OVERSHOOT = 1.05
_BACK = 0.9
_MOST_BIAS = 0.1
_LEAST_LENGTH = 1e-8


@registry.add("fab-t")
@dataclass(frozen=True)
class TargetedFAB(CheckedAttack):
    """The targeted fast adaptive boundary attack, one likely class after the other; it uses no chance.

    It looks for the nearest misclassified point, wherever that is. An iterate that is not misclassified or not within
    epsilon is told as the clean image, not reached. The budget's steps are those towards each class; `Iterate.step`
    begins again at 1 with each.

    Attributes:
        targets: how many classes are tried: the most likely ones at the clean image, the label aside.

    Source: Croce & Hein 2020, arXiv:1907.02044, algorithm 1; targets as in arXiv:2003.01690, section 5.

    Differs: a sample is done as soon as it is misclassified within epsilon, where the authors go on to the nearest such
        point: for one epsilon the outcome is the same.
    """

    can_target: ClassVar[bool] = False

    targets: int = 9

    def __post_init__(self) -> None:
        if self.targets < 1:
            raise ArgumentError(f"targets must be at least 1, was {self.targets}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        """The iterates of a checked problem."""
        labels = labels_of(problem.criterion, "fab-t")
        clean = forward(problem.logits, problem.pixels, problem.criterion, graph=False, first=True)
        others = likeliest_others(clean.logits, labels, self.targets)

        def towards(rank: int, left: Problem) -> Iterator[Iterate]:
            rows = problem.places(left)
            aimed = replace(left, criterion=TargetedMargin(labels[rows], others[rows, rank]))
            return _approach(aimed, clean.logits[rows])

        yield from attempts(problem, [partial(towards, rank) for rank in range(others.shape[1])])


def _approach(problem: Problem, clean_logits: Tensor) -> Iterator[Iterate]:
    """From the clean images towards one class each."""
    at, norm = problem.pixels, problem.budget.norm
    for step in range(1, int(problem.budget.steps.max()) + 1):
        passed = forward(problem.logits, at, problem.criterion, graph=True, first=step == 1)
        found = slope(passed, problem.budget.steps > 0)
        at = _nearer(problem, at, found.gradient, passed.loss.detach())
        judged = forward(problem.logits, at, problem.criterion, graph=False)
        crossed = problem.criterion.reached(judged.logits)
        reached = crossed & (distance(norm, at - problem.pixels) <= problem.budget.epsilon)
        yield _told(problem, judged, clean_logits, reached).iterate(step, problem.index, reached, found)
        at = (problem.pixels + _BACK * (at - problem.pixels)).where(crossed[:, None, None, None], at)
        goes_on = (problem.budget.steps > step) & ~reached
        if not bool(goes_on.any()):
            return
        problem, at, clean_logits = problem.of(goes_on), picked(at, goes_on), picked(clean_logits, goes_on)


def _nearer(problem: Problem, at: Tensor, gradient: Tensor, lead: Tensor) -> Tensor:
    """A little past the hyperplane: mostly on the way from ``at``, in part on that from the clean image."""
    clean, norm = problem.pixels, problem.budget.norm
    forth = crossing(norm, at, gradient, lead)
    back = crossing(norm, clean, gradient, lead + (gradient * (clean - at)).sum(dim=(1, 2, 3)))
    here, there = (distance(norm, move).clamp(min=_LEAST_LENGTH) for move in (forth, back))
    bias = (here / (here + there)).clamp(max=_MOST_BIAS)[:, None, None, None]
    return ((1 - bias) * (at + _OVERSHOOT * forth) + bias * (clean + _OVERSHOOT * back)).clamp_(0, 1)


def _told(problem: Problem, judged: Pass, clean_logits: Tensor, reached: Tensor) -> Pass:
    """What was judged where it counts, else the clean image."""
    logits = judged.logits.where(reached[:, None], clean_logits)
    pixels = judged.pixels.where(reached[:, None, None, None], problem.pixels)
    return Pass(pixels, logits, problem.criterion.loss(logits))
