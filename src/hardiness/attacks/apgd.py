"""Auto-PGD: projected gradient descent with momentum that halves its own step where it makes no progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from hardiness.attacks.kit import (
    CheckedAttack,
    Iterate,
    LogitsRatio,
    Problem,
    Slope,
    TargetedLogitsRatio,
    check_samples,
    labels_of,
    likeliest_others,
    picked,
    registry,
)
from hardiness.attacks.threats.norm_balls import steepest
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_MOMENTUM = 0.25
_ENOUGH_PROGRESS = 0.75
_FIRST_STEP = 2.0


@registry.add("apgd")
@dataclass(frozen=True)
class APGD(CheckedAttack):
    """Auto-PGD from one random start; samples on which it has succeeded leave the batch.

    The step begins at twice epsilon. At checkpoints that come ever closer, a sample whose loss fell in fewer than three
    quarters of the steps since the last one, or which has found nothing better since while its step is unchanged, goes
    back to its best point and halves its step.

    Attributes:
        loss: ``"ce"``, the criterion's own (cross-entropy), or ``"dlr"``, the difference-of-logits ratio.
        samples: passes that each gradient is a mean of, for a model that draws at random (EOT).

    Source: Croce & Hein 2020, arXiv:2003.01690, algorithm 1.

    Differs: the start is uniform in the ball where the authors' code scales it to the surface, which in 150,000
        dimensions is the same; the first step's progress is counted from the start, not from an empty entry;
        checkpoints follow each sample's own number of steps.
    """

    loss: Literal["ce", "dlr"] = "ce"
    samples: int = 1

    def __post_init__(self) -> None:
        check_samples(self.samples)
        if self.loss not in ("ce", "dlr"):
            raise ArgumentError(f'loss must be "ce" or "dlr", was {self.loss!r}')

    def run(self, problem: Problem) -> Iterator[Iterate]:
        if self.loss == "dlr":
            labels = labels_of(problem.criterion, 'apgd with loss "dlr"')
            problem = replace(problem, criterion=LogitsRatio(labels))
        return _descend(problem.averaged(self.samples))


@registry.add("apgd-t")
@dataclass(frozen=True)
class TargetedAPGD(CheckedAttack):
    """Auto-PGD on the targeted difference-of-logits ratio, one likely class after the other.

    It ends where any class but the label is reached. The budget's steps are those towards each class; `Iterate.step`
    begins again at 1 with each.

    Attributes:
        targets: how many classes are tried: the most likely ones at the clean image, the label aside.

    Source: Croce & Hein 2020, arXiv:2003.01690, section 4.
    """

    can_target: ClassVar[bool] = False

    targets: int = 9

    def __post_init__(self) -> None:
        if self.targets < 1:
            raise ArgumentError(f"targets must be at least 1, was {self.targets}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        labels = labels_of(problem.criterion, "apgd-t")
        clean = problem.forward(problem.pixels, graph=False, first=True)
        others = likeliest_others(clean.logits, labels, self.targets)

        def towards(rank: int, left: Problem) -> Iterator[Iterate]:
            rows = problem.places(left)
            return _descend(replace(left, criterion=TargetedLogitsRatio(labels[rows], others[rows, rank])))

        yield from problem.attempts([partial(towards, rank) for rank in range(others.shape[1])])


def _descend(problem: Problem) -> Iterator[Iterate]:
    """From one start of each sample to its end."""
    at = problem.random_start().clamp_(0, 1)
    passed = problem.forward(at, graph=True, first=True)
    state = _State.begun(problem, passed.loss.detach(), passed.slope(problem.budget.steps > 0), at)
    for step in range(1, int(problem.budget.steps.max()) + 1):
        at = state.next(problem, momentum=step > 1)
        passed = problem.forward(at, graph=bool((problem.budget.steps > step).any()))
        reached = problem.criterion.reached(passed.logits)
        yield passed.iterate(step, problem.index, reached, state.led)
        goes_on = (problem.budget.steps > step) & ~reached
        if not bool(goes_on.any()):
            return
        found = passed.slope(goes_on)
        problem, state = problem.rows(goes_on), state.rows(goes_on)
        state = state.arrived(picked(at, goes_on), picked(passed.loss.detach(), goes_on), found, step)


def checkpoints(steps: int) -> dict[int, int]:
    """The steps after which progress is looked at, each with the number of steps since the one before.

    Source: Croce & Hein 2020, section 3.2: intervals of 22 % of all steps, then 3 % less each time, at least 6 %.
    """
    interval, at, found = max(int(0.22 * steps), 1), 0, {}
    while at + interval <= steps:
        at += interval
        found[at] = interval
        interval = max(interval - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    return found


@dataclass(frozen=True, eq=False)
class _State:
    """Where each sample stands; every field has one entry per sample.

    Attributes:
        at, before: this iterate and the one before it.
        gradient: that leads on from ``at``.
        zeros, finite: of the last gradient, as in `Slope`.
        loss: at ``at``.
        best, best_gradient, best_loss: of the iterate with the lowest loss.
        step: length of the step.
        falls: how often the loss fell since the last checkpoint.
        checked_loss: best loss at the last checkpoint.
        halved: whether the last checkpoint halved the step.
        windows: ``(M, steps + 1)``, at a checkpoint's step the number of steps since the one before, else 0.
    """

    at: Tensor
    before: Tensor
    gradient: Tensor
    zeros: Tensor
    finite: Tensor
    loss: Tensor
    best: Tensor
    best_gradient: Tensor
    best_loss: Tensor
    step: Tensor
    falls: Tensor
    checked_loss: Tensor
    halved: Tensor
    windows: Tensor

    @classmethod
    def begun(cls, problem: Problem, loss: Tensor, slope: Slope, at: Tensor) -> _State:
        """At the start."""
        import torch

        none = torch.zeros(len(problem), dtype=torch.long, device=at.device)
        step = torch.full((len(problem), 1, 1, 1), _FIRST_STEP * problem.budget.epsilon, device=at.device)
        here = (at, at, slope.gradient, slope.zeros, slope.finite, loss, at, slope.gradient, loss)
        return cls(*here, step, none, loss, none == 0, _windows(problem.budget.steps))

    @property
    def led(self) -> Slope:
        """The gradient that leads to the next iterate."""
        return Slope(self.gradient, self.zeros, self.finite)

    def rows(self, kept: Tensor) -> _State:
        """Some of the samples, by mask."""
        return _State(*(picked(getattr(self, field.name), kept) for field in fields(self)))

    def next(self, problem: Problem, *, momentum: bool) -> Tensor:
        """The next iterate: a step, and a quarter of the way that the last one went in place of a quarter of it."""
        stepped = problem.projected(self.at, steepest(problem.budget.norm, self.gradient).mul_(-self.step))
        if not momentum:
            return stepped
        moved = stepped.sub_(self.at).mul_(1 - _MOMENTUM).add_(self.at - self.before, alpha=_MOMENTUM)
        return problem.projected(self.at, moved)

    def arrived(self, at: Tensor, loss: Tensor, slope: Slope, step: int) -> _State:
        """After ``step`` steps, at its next iterate."""
        better = loss < self.best_loss
        wide = better[:, None, None, None]
        moved = replace(
            self,
            at=at,
            before=self.at,
            gradient=slope.gradient,
            zeros=slope.zeros,
            finite=slope.finite,
            loss=loss,
            best=at.where(wide, self.best),
            best_gradient=slope.gradient.where(wide, self.best_gradient),
            best_loss=loss.where(better, self.best_loss),
            falls=self.falls + (loss < self.loss),
        )
        window = self.windows[:, step]
        return moved._looked_at(window) if bool((window > 0).any()) else moved

    def _looked_at(self, window: Tensor) -> _State:
        """After a checkpoint of the samples whose ``window`` is not 0."""
        due = window > 0
        restless = self.falls <= _ENOUGH_PROGRESS * window
        stuck = ~self.halved & (self.checked_loss <= self.best_loss)
        halve = due & (restless | stuck)
        wide = halve[:, None, None, None]
        return replace(
            self,
            at=self.best.where(wide, self.at),
            gradient=self.best_gradient.where(wide, self.gradient),
            step=(self.step / 2).where(wide, self.step),
            falls=self.falls.where(~due, self.falls.new_zeros(())),
            checked_loss=self.best_loss.where(due, self.checked_loss),
            halved=halve.where(due, self.halved),
        )


def _windows(steps: Tensor) -> Tensor:
    import torch

    rows = torch.zeros(len(steps), int(steps.max()) + 1, dtype=torch.long)
    for row, count in zip(rows, steps.tolist(), strict=True):
        for at, interval in checkpoints(count).items():
            row[at] = interval
    return rows.to(steps.device)
