"""HopSkipJump: along the boundary by the decisions alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.kit import (
    Iterate,
    Problem,
    no_gradient,
    registry,
)
from hardiness.attacks.threats.norm_balls import distance, steepest
from hardiness.core.bounds import require_within

if TYPE_CHECKING:
    from torch import Tensor

_STARTS = 10_000
"""Pictures of noise that are tried for a start, as in the code of the paper; and no more than the budget."""
_FIRST_PROBE = 0.1
_LEAST_PROBE = 1e-4
"""A probe moves each value by at least this, in the root mean square. The paper's probes move values of a 224 canvas by
less than 1e-6, and near the image by less than 1e-8: pixels and logits in float32 are rounded by as much."""
_PART = 64
_KEPT_BACK = 30
"""Queries that a gradient leaves for its step and the bisection after it."""


@registry.add("hopskipjump")
@dataclass(frozen=True)
class HopSkipJump(CheckedAttack):
    """HopSkipJump.

    From noise that is misclassified it walks along the boundary to the image, by a gradient estimated from the
    decisions on random steps to either side. A sample is done once a misclassified picture is within epsilon; until
    then the iterate is the clean image, not reached.

    Attributes:
        first: decisions that the first gradient is estimated from; the k-th takes that times the root of k.
        most: decisions at most for one gradient.

    Source: Chen, Jordan & Wainwright 2020, arXiv:1904.02144, algorithm 2, untargeted: its probes, its steps, and its
        bisection, which goes on until what is left of it moves the picture towards the boundary by less than a probe.

    Differs: a probe changes each value by at least 0.0001 in the root mean square, since float32 holds no less.
    """

    summary: ClassVar[str] = (
        "A decision-based attack: it sees which class comes out and nothing else. Steps are queries."
    )
    version: ClassVar[int] = 3
    gradients: ClassVar[bool] = False
    decisions_alone: ClassVar[bool] = True
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
            mask = torch.zeros(len(problem), dtype=torch.bool, device=problem.index.device)
            mask[row] = True
            yield _Walk(problem.rows(mask), self).end()


class _Walk:
    """One sample's way, with its queries counted."""

    def __init__(self, problem: Problem, options: HopSkipJump) -> None:
        self.problem, self.options = problem, options
        self.clean, self.generator = problem.pixels, problem.generators[0]
        self.remaining, self.spent = int(problem.budget.steps[0]), 0
        self.euclidean = problem.budget.norm == "l2"
        self.dimensions = self.clean.numel()

    def end(self) -> Iterate:
        """Its only iterate: the nearest misclassified picture where that is within epsilon, else the image itself."""
        at, hop = self._start(), 0
        while at is not None and self._distance(at) > self.problem.budget.epsilon and self.remaining > 0:
            hop += 1
            at = self._hop(at, hop)
        if at is None or self._distance(at) > self.problem.budget.epsilon:
            at = self.clean
        last = self.problem.forward(at, graph=False, first=True)
        reached = self.problem.criterion.reached(last.logits)
        queries = max(1, min(self.spent, int(self.problem.budget.steps[0])))
        return last.iterate(queries, self.problem.index, reached, no_gradient(reached))

    def _distance(self, at: Tensor) -> float:
        return float(distance(self.problem.budget.norm, at - self.clean))

    def _wrong(self, pixels: Tensor) -> Tensor:
        """Ask the model which of the pictures are misclassified, bool ``(M,)``; each is a query."""
        import torch

        self.remaining, self.spent = self.remaining - len(pixels), self.spent + len(pixels)
        with torch.no_grad():
            logits = self.problem.logits(pixels)
        return self.problem.criterion.rows(torch.zeros(len(pixels), dtype=torch.long)).reached(logits)

    def _start(self) -> Tensor | None:
        import torch

        for _ in range(min(_STARTS, self.remaining)):
            noise = torch.from_numpy(self.generator.random(tuple(self.clean.shape), np.float32)).to(self.clean.device)
            if bool(self._wrong(noise)[0]):
                return self._onto_boundary(noise, 1)
        return None

    def _probe(self, away: float, hop: int) -> float:
        """Length in L2 of the random steps of a hop that begins ``away`` from the image."""
        # The paper's root of d times theta (L2) and d times theta (L-infinity), with its thetas, are both 1 / d.
        return _FIRST_PROBE if hop == 1 else max(away / self.dimensions, _LEAST_PROBE * math.sqrt(self.dimensions))

    def _between(self, far: Tensor, share: float) -> Tensor:
        """A picture ``share`` of the way from the image to ``far``: on the straight line, or by clipping (L∞)."""
        if self.euclidean:
            return self.clean + share * (far - self.clean)
        reach = share * float((far - self.clean).abs().max())
        return self.clean + (far - self.clean).clamp(-reach, reach)

    def _onto_boundary(self, far: Tensor, hop: int) -> Tensor:
        """The misclassified picture between ``far`` and the image that is as near to the boundary as ``hop`` probes."""
        low, high, length = 0.0, 1.0, self._distance(far)
        # Of a random step of length 1 the part along any one direction is 1 / root d; a change of all values by h, as
        # clipping makes, is root d times h long.
        part = math.sqrt(self.dimensions) if self.euclidean else self.dimensions
        while self.remaining > 0 and (high - low) * length > self._probe(high * length, hop) / part:
            middle = (low + high) / 2
            low, high = (low, middle) if bool(self._wrong(self._between(far, middle))[0]) else (middle, high)
        return self._between(far, high)

    def _hop(self, at: Tensor, hop: int) -> Tensor:
        """Go along the estimated gradient, as far as it stays misclassified, and back onto the boundary."""
        count = min(int(self.options.first * math.sqrt(hop)), self.options.most)
        away = self._distance(at)
        direction = self._gradient(at, self._probe(away, hop), max(2, min(count, self.remaining - _KEPT_BACK)))
        length = away / math.sqrt(hop)
        while self.remaining > 0 and length > 1e-5:
            tried = (at + length * direction).clamp(0, 1)
            if bool(self._wrong(tried)[0]):
                return self._onto_boundary(tried, hop + 1)
            length /= 2
        return at

    def _gradient(self, at: Tensor, size: float, count: int) -> Tensor:
        """The direction into the misclassified side, of length 1, from decisions on random steps of such a size."""
        import torch

        steps, signed, agreed = torch.zeros_like(at), torch.zeros_like(at), 0.0
        for offset in range(0, count, _PART):
            tried = (at + size * self._directions(min(_PART, count - offset))).clamp(0, 1)
            moved = (tried - at) / size
            signs = 2 * self._wrong(tried).float() - 1
            steps, signed = steps + moved.sum(0), signed + (signs[:, None, None, None] * moved).sum(0)
            agreed += float(signs.sum())
        mean = agreed / count
        estimate = signed if abs(mean) == 1 else signed - mean * steps
        return steepest(self.problem.budget.norm, estimate)

    def _directions(self, count: int) -> Tensor:
        """Random steps ``(count, 3, H, W)`` of length 1 in L2: normal, or uniform values (L∞)."""
        import torch

        shape = (count, *self.clean.shape[1:])
        if self.euclidean:
            drawn = self.generator.standard_normal(shape, np.float32)
        else:
            drawn = 2 * self.generator.random(shape, np.float32) - 1
        steps = torch.from_numpy(drawn).to(self.clean.device)
        lengths: Tensor = steps.flatten(1).norm(dim=1)
        return steps / lengths[:, None, None, None]
