"""Projected gradient descent, and its single step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from hardiness.attacks.bases import GradientAttack, Position
from hardiness.attacks.kit import Problem, check_samples, registry
from hardiness.attacks.threats.norm_balls import steepest
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor


@registry.add("pgd")
@dataclass(frozen=True)
class PGD(GradientAttack):
    """Projected gradient descent.

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

    summary: ClassVar[str] = (
        "Projected gradient descent: a step along the steepest direction, back into the ball, back into [0, 1]."
    )

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

    def prepared(self, problem: Problem) -> Problem:
        return (problem.with_margin() if self.loss == "margin" else problem).averaged(self.samples)

    def start(self, problem: Problem) -> Tensor:
        if not self.random_start:
            return problem.pixels
        start = problem.random_start()
        return start.clamp_(0, 1) if self.clip_start else start

    def move(self, problem: Problem, at: Position, memory: dict[str, Any]) -> Tensor:
        length = self.relative_step * problem.budget.epsilon if self.step is None else self.step
        return problem.projected(at.pixels, self.direction(problem, at.gradient), -length)

    def direction(self, problem: Problem, gradient: Tensor) -> Tensor:
        """Where the loss rises, as new memory ``(M, 3, H, W)`` of length 1 in the budget's norm; a step goes back."""
        return steepest(problem.budget.norm, gradient)


@registry.add("fgsm")
@dataclass(frozen=True)
class FGSM(GradientAttack):
    """The fast gradient method.

    Source: Goodfellow et al. 2015, arXiv:1412.6572 (L∞: the sign; L2: the normalised gradient).
    """

    summary: ClassVar[str] = (
        "The fast gradient method: one step of length epsilon from the image, whatever steps the budget allows."
    )

    def prepared(self, problem: Problem) -> Problem:
        return replace(problem, budget=replace(problem.budget, steps=problem.budget.steps.clamp(max=1)))

    def move(self, problem: Problem, at: Position, memory: dict[str, Any]) -> Tensor:
        return problem.projected(at.pixels, steepest(problem.budget.norm, at.gradient), -problem.budget.epsilon)
