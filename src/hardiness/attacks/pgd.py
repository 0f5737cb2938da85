"""Projected gradient descent, and its single step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from hardiness.attacks.kit import (
    CheckedAttack,
    Iterate,
    Problem,
    check_samples,
    picked,
    registry,
)
from hardiness.attacks.threats.norm_balls import steepest
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor


@registry.add("pgd")
@dataclass(frozen=True)
class PGD(CheckedAttack):
    """Projected gradient descent: a step along the steepest direction, back into the ball, back into [0, 1].

    Iterates are judged from the first step on, not the start. k steps cost k+1 forward and k backward passes, because
    the pass that judges an iterate is the one that leaves it. Samples that are done leave the batch, so that later
    passes are over smaller tensors.

    Attributes:
        step: length of a step, in units of the [0, 1] range; ``None``: relative to epsilon.
        relative_step: length of a step as a multiple of epsilon, where ``step`` is ``None``.
        random_start: begin uniformly in the ball, by each sample's own generator; else at the image.
        clip_start: clip that start to [0, 1]. Off is what Orhan 2019 ran (foolbox 1.8), for the first gradient alone.
        stop: samples whose criterion holds leave the batch.
        loss: ``"ce"``, the criterion's own (cross-entropy), or ``"margin"``, the lead of the label over the best other
            class (of the best other over the target): large logits cannot hide its gradient.
        samples: passes that each gradient, and each iterate's logits, are a mean of: more than 1 for a model that draws
            at random (EOT; Athalye et al. 2018).

    Source: Madry et al. 2018, arXiv:1706.06083; order of foolbox: start, then gradient, step, project, clip, predict.
    """

    step: float | None = None
    relative_step: float = 0.25
    random_start: bool = True
    clip_start: bool = True
    stop: bool = True
    loss: Literal["ce", "margin"] = "ce"
    samples: int = 1

    def __post_init__(self) -> None:
        check_samples(self.samples)
        if self.loss not in ("ce", "margin"):
            raise ArgumentError(f'loss must be "ce" or "margin", was {self.loss!r}')
        for name, value in (("step", self.step), ("relative_step", self.relative_step)):
            if value is not None and not value > 0:
                raise ArgumentError(f"{name} must be positive, was {value}")

    def run(self, problem: Problem) -> Iterator[Iterate]:
        problem = (problem.with_margin() if self.loss == "margin" else problem).averaged(self.samples)
        length = self.relative_step * problem.budget.epsilon if self.step is None else self.step
        at, found, step = self._start(problem), None, 0
        while True:
            goes_on = problem.budget.steps > step
            passed = problem.forward(at, graph=bool(goes_on.any()), first=step == 0)
            if found is not None:
                reached = problem.criterion.reached(passed.logits)
                yield passed.iterate(step, problem.index, reached, found)
                goes_on = goes_on & ~reached if self.stop else goes_on
            if not bool(goes_on.any()):
                return
            found = passed.slope(goes_on)
            problem, at = problem.rows(goes_on), picked(at, goes_on)
            at = problem.projected(at, steepest(problem.budget.norm, found.gradient), -length)
            step += 1

    def _start(self, problem: Problem) -> Tensor:
        if not self.random_start:
            return problem.pixels
        start = problem.random_start()
        return start.clamp_(0, 1) if self.clip_start else start


@registry.add("fgsm")
@dataclass(frozen=True)
class FGSM(CheckedAttack):
    """The fast gradient method: one step of length epsilon from the image, whatever steps the budget allows.

    Source: Goodfellow et al. 2015, arXiv:1412.6572 (L∞: the sign; L2: the normalised gradient).
    """

    def run(self, problem: Problem) -> Iterator[Iterate]:
        """The only iterate of a checked problem."""
        once = replace(problem.budget, steps=problem.budget.steps.clamp(max=1))
        return PGD(relative_step=1.0, random_start=False).run(replace(problem, budget=once))
