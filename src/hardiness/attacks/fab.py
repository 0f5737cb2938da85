"""Fast adaptive boundary: to the nearest point of a decision boundary, taken as a hyperplane at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.criteria import TargetedMargin, labels_of, likeliest_others
from hardiness.attacks.kit import Iterate, Pass, Problem, Slope, check_logits, pick, registry
from hardiness.attacks.threats.norm_balls import distance, onto_hyperplane, steepest
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_OVERSHOOT = 1.05
_BACK = 0.9
_MOST_BIAS = 0.1
_LEAST_LENGTH = 1e-8

Aim = Callable[[Problem, "Tensor", bool], tuple["Slope", "Tensor"]]
"""A function from where the samples stand to the gradient of the lead that is to be lowered, and that lead ``(N,)``."""


@registry.add("fab-t")
@dataclass(frozen=True)
class TargetedFAB(CheckedAttack):
    """The targeted fast adaptive boundary attack.

    It looks for the nearest misclassified point, wherever that is. An iterate that is not misclassified or not within
    epsilon is yielded as the clean image, not reached. The budget's steps are those towards each class; `Iterate.step`
    begins again at 1 with each.

    Attributes:
        targets: how many classes are tried: the most likely ones at the clean image, the label aside.

    Source: Croce & Hein 2020, arXiv:1907.02044, algorithm 1; targets as in arXiv:2003.01690, section 5.

    Differs: a sample is done as soon as it is misclassified within epsilon, where the authors go on to the nearest such
        point: for one epsilon the outcome is the same.
    """

    summary: ClassVar[str] = (
        "The targeted fast adaptive boundary attack, one likely class after the other; nothing is random."
    )
    can_target: ClassVar[bool] = False

    targets: int = 9

    def __post_init__(self) -> None:
        if self.targets < 1:
            raise ArgumentError(f"targets must be at least 1, was {self.targets}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        labels = labels_of(problem.criterion, "fab-t")
        clean = problem.forward(problem.pixels, graph=False, first=True)
        others = likeliest_others(clean.logits, labels, self.targets)

        def towards(rank: int, remaining: Problem) -> Iterator[Iterate]:
            rows = problem.places(remaining)
            targeted = replace(remaining, criterion=TargetedMargin(labels[rows], others[rows, rank]))
            return _approach(targeted, clean.logits[rows], remaining.pixels, _to_chosen)

        yield from problem.attempts([partial(towards, rank) for rank in range(others.shape[1])])


@registry.add("fab")
@dataclass(frozen=True)
class FAB(CheckedAttack):
    """The fast adaptive boundary attack.

    Iterates are those of ``fab-t``. Each step costs a backward pass for each class that is looked at.

    Attributes:
        classes: how many classes are looked at, the likeliest at each point: all others of ten.
        random_start: begin within half of epsilon, by each sample's own generator, instead of at the image.

    Source: Croce & Hein 2020, arXiv:1907.02044, algorithm 1.

    Differs: of more classes the authors look at all, at a thousand backward passes a step on ImageNet; the rest as of
        ``fab-t``.
    """

    summary: ClassVar[str] = (
        "The fast adaptive boundary attack: each step goes to the class boundary that is nearest by the gradients."
    )
    can_target: ClassVar[bool] = False

    classes: int = 9
    random_start: bool = False

    def __post_init__(self) -> None:
        if self.classes < 1:
            raise ArgumentError(f"classes must be at least 1, was {self.classes}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        labels_of(problem.criterion, "fab")
        clean = problem.forward(problem.pixels, graph=False, first=True)
        start = problem.pixels
        if self.random_start:
            start = (start + (problem.random_start() - start) / 2).clamp_(0, 1)
        yield from _approach(problem, clean.logits, start, partial(_to_nearest, classes=self.classes))


def _to_chosen(problem: Problem, at: Tensor, first: bool) -> tuple[Slope, Tensor]:
    """The lead over the class that the criterion names."""
    passed = problem.forward(at, graph=True, first=first)
    return passed.slope(problem.budget.steps > 0), passed.loss.detach()


def _to_nearest(problem: Problem, at: Tensor, first: bool, classes: int) -> tuple[Slope, Tensor]:
    """The lead over the class whose boundary, taken as a hyperplane, is nearest; one backward pass for each class."""
    import torch

    norm, labels = problem.budget.norm, problem.criterion.classes
    with torch.enable_grad():
        leaf = at.detach().requires_grad_()
        logits = problem.logits(leaf)
    if first:
        check_logits(logits, problem.criterion, differentiable=True)
    others = likeliest_others(logits.detach(), labels, classes)
    best: tuple[Slope, Tensor] | None = None
    nearest = torch.full_like(logits[:, 0].detach(), float("inf"))
    for rank in range(others.shape[1]):
        aim = TargetedMargin(labels, others[:, rank])
        with torch.enable_grad():
            passed = Pass(leaf, logits.detach(), aim.loss(logits))
        slope = passed.slope(problem.budget.steps > 0, again=rank + 1 < others.shape[1])
        lead = passed.loss.detach()
        steepness = (slope.gradient * steepest(norm, slope.gradient)).sum(dim=(1, 2, 3))
        away = lead.abs() / steepness.clamp(min=_LEAST_LENGTH)
        best = (slope, lead) if best is None else _merge(best, (slope, lead), away < nearest)
        nearest = nearest.minimum(away)
    assert best is not None, "a model has two classes or more"
    return best


def _merge(one: tuple[Slope, Tensor], other: tuple[Slope, Tensor], better: Tensor) -> tuple[Slope, Tensor]:
    """Take the other's gradient and lead for the samples where it is better, and the one's for the rest."""
    wide = better[:, None, None, None]
    gradient = other[0].gradient.where(wide, one[0].gradient)
    zeros, finite = (b.where(better, a) for a, b in zip(one[0][1:], other[0][1:], strict=True))
    return Slope(gradient, zeros, finite), other[1].where(better, one[1])


def _approach(problem: Problem, clean_logits: Tensor, start: Tensor, aim: Aim) -> Iterator[Iterate]:
    """The iterates on the way from the start to the nearest point beyond a boundary."""
    at, norm = start, problem.budget.norm
    for step in range(1, int(problem.budget.steps.max()) + 1):
        slope, lead = aim(problem, at, step == 1)
        at = _nearer(problem, at, slope.gradient, lead)
        judged = problem.forward(at, graph=False)
        crossed = problem.criterion.reached(judged.logits)
        reached = crossed & (distance(norm, at - problem.pixels) <= problem.budget.epsilon)
        yield _claimed_pass(problem, judged, clean_logits, reached).iterate(step, problem.index, reached, slope)
        at = (problem.pixels + _BACK * (at - problem.pixels)).where(crossed[:, None, None, None], at)
        goes_on = (problem.budget.steps > step) & ~reached
        if not bool(goes_on.any()):
            return
        problem, at, clean_logits = problem.rows(goes_on), pick(at, goes_on), pick(clean_logits, goes_on)


def _nearer(problem: Problem, at: Tensor, gradient: Tensor, lead: Tensor) -> Tensor:
    """A point a little past the hyperplane, mostly on the way from ``at``, in part on that from the clean image."""
    clean, norm = problem.pixels, problem.budget.norm
    forth = onto_hyperplane(norm, at, gradient, lead)
    back = onto_hyperplane(norm, clean, gradient, lead + (gradient * (clean - at)).sum(dim=(1, 2, 3)))
    here, there = (distance(norm, move).clamp(min=_LEAST_LENGTH) for move in (forth, back))
    bias = (here / (here + there)).clamp(max=_MOST_BIAS)[:, None, None, None]
    return ((1 - bias) * (at + _OVERSHOOT * forth) + bias * (clean + _OVERSHOOT * back)).clamp_(0, 1)


def _claimed_pass(problem: Problem, judged: Pass, clean_logits: Tensor, reached: Tensor) -> Pass:
    """The pass that is yielded: the one that was judged for samples that it reached, the clean image for the rest."""
    logits = judged.logits.where(reached[:, None], clean_logits)
    pixels = judged.pixels.where(reached[:, None, None, None], problem.pixels)
    return Pass(pixels, logits, problem.criterion.loss(logits))
