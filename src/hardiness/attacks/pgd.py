"""Projected gradient descent, and its single step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hardiness.attacks.attack import Budget, Iterate, registry
from hardiness.attacks.checks import check_arguments
from hardiness.attacks.criteria import Criterion
from hardiness.attacks.gradient import forward, slope
from hardiness.attacks.norms import project, steepest, uniform
from hardiness.core import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor


@registry.add("pgd")
@dataclass(frozen=True)
class PGD:
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
        restarts: how often those that have not got there begin anew (with ``stop`` off: all), with their generators'
            next draws.

    Source: Madry et al. 2018, arXiv:1706.06083; order of foolbox: start, then gradient, step, project, clip, predict.
    """

    step: float | None = None
    relative_step: float = 0.25
    random_start: bool = True
    clip_start: bool = True
    stop: bool = True
    restarts: int = 1

    def __post_init__(self) -> None:
        for name, value in (("step", self.step), ("relative_step", self.relative_step)):
            if value is not None and not value > 0:
                raise ArgumentError(f"{name} must be positive, was {value}")
        if self.restarts < 1:
            raise ArgumentError(f"restarts must be at least 1, was {self.restarts}")

    def __call__(
        self,
        logits: Callable[[Tensor], Tensor],
        pixels: Tensor,
        criterion: Criterion,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        """Its iterates; see `Attack`."""
        check_arguments(pixels, criterion, budget, generators)
        return self._run(logits, pixels, criterion, budget, generators)

    def _run(
        self,
        logits: Callable[[Tensor], Tensor],
        pixels: Tensor,
        criterion: Criterion,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        import torch

        budget = replace(budget, steps=budget.steps.to(pixels.device))
        index = torch.arange(len(pixels), device=pixels.device)
        reached = torch.zeros(len(pixels), dtype=torch.bool, device=pixels.device)
        for _ in range(self.restarts):
            if not len(index):
                return
            start = _Standing(index, pixels[index], criterion.of(index), budget.steps[index])
            noises = [generators[row] for row in index.tolist()]
            for iterate in self._descend(logits, start, budget, noises):
                reached[iterate.index] |= iterate.reached
                yield iterate
            index = index[~reached[index]] if self.stop else index

    def _descend(
        self,
        logits: Callable[[Tensor], Tensor],
        standing: _Standing,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        """One start of some samples, each to its own end."""
        length = self.relative_step * budget.epsilon if self.step is None else self.step
        at, found, step = self._start(standing.clean, budget, generators), None, 0
        while True:
            goes_on = standing.steps > step
            passed = forward(logits, at, standing.criterion, graph=bool(goes_on.any()), first=step == 0)
            if found is not None:
                reached = standing.criterion.reached(passed.logits)
                yield Iterate(
                    step, standing.index, at, passed.logits, passed.loss.detach(), reached, found.zeros, found.finite
                )
                goes_on = goes_on & ~reached if self.stop else goes_on
            if not bool(goes_on.any()):
                return
            found = slope(passed, goes_on)
            if not bool(goes_on.all()):
                standing, at = standing.of(goes_on), at[goes_on]
            at, step = descended(standing.clean, at, found.gradient, budget, length), step + 1

    def _start(self, clean: Tensor, budget: Budget, generators: Sequence[np.random.Generator]) -> Tensor:
        if not self.random_start:
            return clean
        noise = uniform(budget.norm, clean.shape, generators).to(clean.device)
        start = clean + budget.epsilon * noise
        return start.clamp(0, 1) if self.clip_start else start


def descended(clean: Tensor, at: Tensor, gradient: Tensor, budget: Budget, length: float) -> Tensor:
    """The point one step down the gradient, in the ball around ``clean`` and in [0, 1]; a new tensor."""
    moved = at - length * steepest(budget.norm, gradient)
    return (clean + project(budget.norm, moved - clean, budget.epsilon)).clamp(0, 1)


@registry.add("fgsm")
@dataclass(frozen=True)
class FGSM:
    """The fast gradient method: one step of length epsilon from the image, whatever steps the budget allows.

    Source: Goodfellow et al. 2015, arXiv:1412.6572 (L∞: the sign; L2: the normalised gradient).
    """

    def __call__(
        self,
        logits: Callable[[Tensor], Tensor],
        pixels: Tensor,
        criterion: Criterion,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        """Its only iterate; see `Attack`."""
        once = replace(budget, steps=budget.steps.clamp(max=1))
        return PGD(relative_step=1.0, random_start=False)(logits, pixels, criterion, once, generators)


@dataclass(frozen=True, eq=False)
class _Standing:
    """The samples that are still in the batch."""

    index: Tensor
    clean: Tensor
    criterion: Criterion
    steps: Tensor

    def of(self, mask: Tensor) -> _Standing:
        return _Standing(self.index[mask], self.clean[mask], self.criterion.of(mask), self.steps[mask])
