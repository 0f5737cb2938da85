"""Auto-PGD: projected gradient descent with momentum that halves its own step where it makes no progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hardiness.attacks.bases import CheckedAttack, GradientAttack, Position
from hardiness.attacks.criteria import LogitsRatio, TargetedLogitsRatio, labels_of, likeliest_others
from hardiness.attacks.kit import Iterate, Problem, check_samples, pick, registry
from hardiness.attacks.threats.norm_balls import steepest
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_MOMENTUM = 0.25
_ENOUGH_PROGRESS = 0.75
_FIRST_STEP = 2.0


class AutoPGD(GradientAttack):
    """The steps of Auto-PGD along the criterion's own loss, from one random start, which both registered ones share."""

    def start(self, problem: Problem) -> Tensor:
        return problem.random_start().clamp_(0, 1)

    def move(self, problem: Problem, at: Position, memory: dict[str, Any]) -> Tensor:
        state: _State | None = memory.get("state")
        state = _State.begin(problem, at) if state is None else state.arrive(at)
        memory["state"] = state
        return state.next(problem, momentum=at.step > 0)


@registry.add("apgd")
@dataclass(frozen=True)
class APGD(AutoPGD):
    """Auto-PGD.

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

    summary: ClassVar[str] = "Auto-PGD from one random start; samples on which it has succeeded leave the batch."

    loss: Literal["ce", "dlr"] = "ce"
    samples: int = 1

    def __post_init__(self) -> None:
        check_samples(self.samples)
        if self.loss not in ("ce", "dlr"):
            raise ArgumentError(f'loss must be "ce" or "dlr", was {self.loss!r}')

    def prepared(self, problem: Problem) -> Problem:
        if self.loss == "dlr":
            labels = labels_of(problem.criterion, 'apgd with loss "dlr"')
            problem = replace(problem, criterion=LogitsRatio(labels))
        return problem.averaged(self.samples)


@registry.add("apgd-t")
@dataclass(frozen=True)
class TargetedAPGD(CheckedAttack):
    """Targeted Auto-PGD.

    It ends where any class but the label is reached. The budget's steps are those towards each class; `Iterate.step`
    begins again at 1 with each.

    Attributes:
        targets: how many classes are tried: the most likely ones at the clean image, the label aside.

    Source: Croce & Hein 2020, arXiv:2003.01690, section 4.
    """

    summary: ClassVar[str] = "Auto-PGD on the targeted difference-of-logits ratio, one likely class after the other."
    can_target: ClassVar[bool] = False

    targets: int = 9

    def __post_init__(self) -> None:
        if self.targets < 1:
            raise ArgumentError(f"targets must be at least 1, was {self.targets}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        labels = labels_of(problem.criterion, "apgd-t")
        clean = problem.forward(problem.pixels, graph=False, first=True)
        others = likeliest_others(clean.logits, labels, self.targets)

        def towards(rank: int, remaining: Problem) -> Iterator[Iterate]:
            rows = problem.places(remaining)
            targeted = replace(remaining, criterion=TargetedLogitsRatio(labels[rows], others[rows, rank]))
            return AutoPGD().run(targeted)

        yield from problem.attempts([partial(towards, rank) for rank in range(others.shape[1])])


def checkpoints(steps: int) -> dict[int, int]:
    """The steps after which progress is looked at, each with the number of steps since the one before.

    Source: Croce & Hein 2020, section 3.2: intervals of 22 % of all steps, then 3 % less each time, at least 6 %.
    """
    interval, at, windows = max(int(0.22 * steps), 1), 0, {}
    while at + interval <= steps:
        at += interval
        windows[at] = interval
        interval = max(interval - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    return windows


@dataclass(frozen=True, eq=False)
class _State:
    """Where each sample stands; every field has one entry per sample.

    Attributes:
        at, before: this iterate and the one before it.
        gradient: that leads on from ``at``.
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
    def begin(cls, problem: Problem, start: Position) -> _State:
        """The state before the first step."""
        import torch

        at, none = start.pixels, torch.zeros(len(problem), dtype=torch.long, device=start.pixels.device)
        step = torch.full((len(problem), 1, 1, 1), _FIRST_STEP * problem.budget.epsilon, device=at.device)
        here = (at, at, start.gradient, start.loss, at, start.gradient, start.loss)
        return cls(*here, step, none, start.loss, none == 0, _windows(problem.budget.steps))

    def rows(self, mask: Tensor) -> _State:
        """The state of some of the samples, by mask."""
        return _State(*(pick(getattr(self, field.name), mask) for field in fields(self)))

    def next(self, problem: Problem, *, momentum: bool) -> Tensor:
        """The next iterate's pixels: a step, or with momentum three quarters of it and a quarter of the last way."""
        stepped = problem.projected(self.at, steepest(problem.budget.norm, self.gradient).mul_(-self.step))
        if not momentum:
            return stepped
        moved = stepped.sub_(self.at).mul_(1 - _MOMENTUM).add_(self.at - self.before, alpha=_MOMENTUM)
        return problem.projected(self.at, moved)

    def arrive(self, point: Position) -> _State:
        """The state at the iterate that the last step led to."""
        is_lower = point.loss < self.best_loss
        is_lower_image = is_lower[:, None, None, None]
        moved = replace(
            self,
            at=point.pixels,
            before=self.at,
            gradient=point.gradient,
            loss=point.loss,
            best=point.pixels.where(is_lower_image, self.best),
            best_gradient=point.gradient.where(is_lower_image, self.best_gradient),
            best_loss=point.loss.where(is_lower, self.best_loss),
            falls=self.falls + (point.loss < self.loss),
        )
        window = self.windows[:, point.step]
        return moved._check_progress(window) if bool((window > 0).any()) else moved

    def _check_progress(self, window: Tensor) -> _State:
        """The state after a checkpoint of the samples whose ``window`` is not 0."""
        due = window > 0
        restless = self.falls <= _ENOUGH_PROGRESS * window
        stuck = ~self.halved & (self.checked_loss <= self.best_loss)
        halve = due & (restless | stuck)
        halve_image = halve[:, None, None, None]
        return replace(
            self,
            at=self.best.where(halve_image, self.at),
            gradient=self.best_gradient.where(halve_image, self.gradient),
            step=(self.step / 2).where(halve_image, self.step),
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
