"""HopSkipJump: along the boundary by the decisions alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks.kit.attack import Iterate, registry
from hardiness.attacks.kit.gradient import forward, no_gradient
from hardiness.attacks.kit.norms import distance, steepest
from hardiness.attacks.kit.problem import CheckedAttack, Problem
from hardiness.core import require_within

if TYPE_CHECKING:
    from torch import Tensor

_STARTS = 100
_HALVINGS = 10


@registry.add("hopskipjump")
@dataclass(frozen=True)
class HopSkipJump(CheckedAttack):
    """A decision-based attack: it sees which class comes out and nothing else. Steps are queries.

    From noise that is misclassified it walks along the boundary to the image, by a gradient estimated from the
    decisions on random steps to either side. A sample is done once a misclassified picture is within epsilon; until
    then it is told as the clean image, not reached.

    Attributes:
        first: decisions that the first gradient is estimated from; the k-th takes that times the root of k.
        most: decisions at most for one gradient.

    Source: Chen, Jordan & Wainwright 2020, arXiv:1904.02144, algorithm 2, untargeted.

    Differs: a bisection is always of ten decisions.
    """

    gradients: ClassVar[bool] = False
    can_target: ClassVar[bool] = False

    first: int = 100
    most: int = 1000

    def __post_init__(self) -> None:
        for name in ("first", "most"):
            require_within(name, getattr(self, name), 2, 10_000)  # so many pictures are held at once

    def run(self, problem: Problem) -> Iterator[Iterate]:
        """The iterates of a checked problem: one sample after the other, since each walks by its own chance."""
        import torch

        for row in range(len(problem)):
            alone = torch.zeros(len(problem), dtype=torch.bool, device=problem.index.device)
            alone[row] = True
            yield _Walk(problem.of(alone), self).end()


class _Walk:
    """One sample's way, with its queries counted."""

    def __init__(self, problem: Problem, options: HopSkipJump) -> None:
        self.problem, self.options = problem, options
        self.clean, self.generator = problem.pixels, problem.generators[0]
        self.left, self.spent = int(problem.budget.steps[0]), 0
        self.euclidean = problem.budget.norm == "l2"

    def end(self) -> Iterate:
        """Its only iterate: the nearest misclassified picture where that is within epsilon, else the image itself."""
        at = self._start()
        round_ = 0
        while at is not None and not self._near(at) and self.left > 0:
            round_ += 1
            at = self._hop(at, round_)
        if at is None or not self._near(at):
            at = self.clean
        last = forward(self.problem.logits, at, self.problem.criterion, graph=False, first=True)
        reached = self.problem.criterion.reached(last.logits)
        queries = max(1, min(self.spent, int(self.problem.budget.steps[0])))
        return last.iterate(queries, self.problem.index, reached, no_gradient(reached))

    def _near(self, at: Tensor) -> bool:
        return float(distance(self.problem.budget.norm, at - self.clean)) <= self.problem.budget.epsilon

    def _wrong(self, pixels: Tensor) -> Tensor:
        """Which of the pictures are misclassified, bool ``(M,)``; as many queries."""
        import torch

        self.left, self.spent = self.left - len(pixels), self.spent + len(pixels)
        with torch.no_grad():
            decided = self.problem.logits(pixels)
        return self.problem.criterion.of(torch.zeros(len(pixels), dtype=torch.long)).reached(decided)

    def _start(self) -> Tensor | None:
        import torch

        for _ in range(min(_STARTS, self.left)):
            noise = torch.from_numpy(self.generator.random(tuple(self.clean.shape), np.float32)).to(self.clean.device)
            if bool(self._wrong(noise)[0]):
                return self._onto_boundary(noise)
        return None

    def _between(self, far: Tensor, share: float) -> Tensor:
        """A picture ``share`` of the way from the image to ``far``: on the straight line, or by clipping (L∞)."""
        if self.euclidean:
            return self.clean + share * (far - self.clean)
        reach = share * float((far - self.clean).abs().max())
        return self.clean + (far - self.clean).clamp(-reach, reach)

    def _onto_boundary(self, far: Tensor) -> Tensor:
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self.left <= 0:
                break
            low, high = (low, middle) if bool(self._wrong(self._between(far, middle))[0]) else (middle, high)
        return self._between(far, high)

    def _hop(self, at: Tensor, round_: int) -> Tensor:
        """Along the estimated gradient, as far as it stays misclassified, and back onto the boundary."""
        count = max(2, min(int(self.options.first * math.sqrt(round_)), self.options.most, self.left))
        direction = self._gradient(at, count)
        length = float(distance(self.problem.budget.norm, at - self.clean)) / math.sqrt(round_)
        while self.left > 0 and length > 1e-5:
            tried = (at + length * direction).clamp(0, 1)
            if bool(self._wrong(tried)[0]):
                nearer = self._onto_boundary(tried)
                norm = self.problem.budget.norm
                closer = float(distance(norm, nearer - self.clean)) <= float(distance(norm, at - self.clean))
                return nearer if closer else at
            length /= 2
        return at

    def _gradient(self, at: Tensor, count: int) -> Tensor:
        """The direction into the misclassified side, of length 1, from decisions on random steps around ``at``."""
        import torch

        dimensions = at.numel()
        shape = (count, *at.shape[1:])
        drawn = self.generator.standard_normal(shape) if self.euclidean else self.generator.uniform(-1, 1, shape)
        steps = torch.from_numpy(drawn.astype(np.float32)).to(at.device)
        steps = steps / steps.flatten(1).norm(dim=1)[:, None, None, None]
        span = float((at - self.clean).norm() if self.euclidean else (at - self.clean).abs().max())
        size = span / dimensions if not self.euclidean else span / math.sqrt(dimensions)
        size = max(size * (1 if self.euclidean else math.sqrt(dimensions)), 1e-4)
        tried = (at + size * steps).clamp(0, 1)
        steps = (tried - at) / size
        signs = torch.cat([2 * self._wrong(part).float() - 1 for part in tried.split(64)])
        mean = signs.mean()
        weights = signs if float(mean.abs()) == 1 else signs - mean
        found = (weights[:, None, None, None] * steps).mean(0, keepdim=True)
        return steepest(self.problem.budget.norm, found)
