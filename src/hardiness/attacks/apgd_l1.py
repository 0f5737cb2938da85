"""Auto-PGD for L1: sparse steps within the L1 ball and the box at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks.bases import CheckedAttack
from hardiness.attacks.kit import (
    Iterate,
    Problem,
    check_samples,
    pick,
    registry,
)
from hardiness.core.errors import ArgumentError

if TYPE_CHECKING:
    from torch import Tensor

_BISECTIONS = 40
_CHECKED_EVERY = 0.04
_FIRST_SHARE, _MOST_SHARE = 0.2, 1.0


@registry.add("apgd-l1")
@dataclass(frozen=True)
class APGDL1(CheckedAttack):
    """Auto-PGD in the L1 ball.

    It begins with a fifth of the values and a step of epsilon. After each 4 % of the steps (each step where that is
    less than one) it goes on from the best point, and moves two thirds as many values as the best change holds. Where
    that number has fallen by 5 % or more, the step is epsilon again; where it has not, the step is divided by 1.5, down
    to a tenth of epsilon.

    Attributes:
        loss: ``"ce"`` or ``"margin"``, as in PGD.
        samples: passes that each gradient is a mean of.

    Source: Croce & Hein 2021, arXiv:2103.01208, "Mind the box", algorithm 1 and its projection.

    Differs: one phase within epsilon, without those from larger balls that its authors put before. Where the number of
        values has not fallen, their code goes on from where it stands, not from the best point.
    """

    summary: ClassVar[str] = (
        "Steps along the largest values of the gradient, each projected into the L1 ball and [0, 1] together."
    )
    threats: ClassVar[tuple[str, ...]] = ("l1",)

    loss: str = "ce"
    samples: int = 1

    def __post_init__(self) -> None:
        check_samples(self.samples)
        if self.loss not in ("ce", "margin"):
            raise ArgumentError(f'loss must be "ce" or "margin", was {self.loss!r}')

    def run(self, problem: Problem) -> Iterator[Iterate]:
        import torch

        problem = (problem.with_margin() if self.loss == "margin" else problem).averaged(self.samples)
        epsilon, dimensions = problem.budget.epsilon, problem.pixels[0].numel()
        at = project_l1(_start(problem), problem.pixels, epsilon)
        passed = problem.forward(at, graph=True, first=True)
        best, lowest = at, passed.loss.detach()
        share = torch.full((len(problem),), _FIRST_SHARE, device=at.device)
        length = torch.full((len(problem),), float(epsilon), device=at.device)
        interval = max(int(_CHECKED_EVERY * int(problem.budget.steps.max())), 1)
        for step in range(1, int(problem.budget.steps.max()) + 1):
            slope = passed.slope(problem.budget.steps > 0)
            move = _sparse(slope.gradient, share * dimensions)
            at = project_l1(at - length[:, None, None, None] * move, problem.pixels, epsilon)
            passed = problem.forward(at, graph=True)
            reached = problem.criterion.reached(passed.logits)
            yield passed.iterate(step, problem.index, reached, slope)
            is_lower = passed.loss.detach() < lowest
            best = at.where(is_lower[:, None, None, None], best)
            lowest = passed.loss.detach().where(is_lower, lowest)
            goes_on = (problem.budget.steps > step) & ~reached
            if not bool(goes_on.any()):
                return
            is_due = step % interval == 0
            if is_due:
                next_share = ((best - problem.pixels).abs() > 1e-6).flatten(1).float().mean(1) / 1.5
                is_settled = (next_share / share.clamp(min=1e-9)) > 0.95
                length = (length / 1.5).clamp(min=epsilon / 10).where(is_settled, length.new_full((), float(epsilon)))
                share = next_share.clamp(1 / dimensions, _MOST_SHARE)
                at = best
            if is_due or not bool(goes_on.all()):
                problem, at = problem.rows(goes_on), pick(at, goes_on)
                best, lowest, share, length = (pick(values, goes_on) for values in (best, lowest, share, length))
                passed = problem.forward(at, graph=True)


def project_l1(at: Tensor, clean: Tensor, epsilon: float) -> Tensor:
    """The nearest points to ``at`` within the L1 ball around ``clean`` and within [0, 1], by bisection.

    Source: Croce & Hein 2021, proposition 2.1: each change is shortened by one number and cut at the border of the box.
    """
    import torch

    delta = at - clean
    room = torch.where(delta > 0, 1 - clean, clean)
    size = delta.abs()
    low = torch.zeros(len(at), device=at.device, dtype=torch.float64)
    high = size.flatten(1).amax(1).double()

    def total(cut: Tensor) -> Tensor:
        shortened = (size - cut[:, None, None, None].float()).clamp(min=0).minimum(room)
        return shortened.sum(dim=(1, 2, 3), dtype=torch.float64)

    inside = total(low) <= epsilon
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        over = total(middle) > epsilon
        low, high = middle.where(over, low), high.where(over, middle)
    cut = low.new_zeros(()).where(inside, high)
    change = (size - cut[:, None, None, None].float()).clamp(min=0).minimum(room)
    return (clean + delta.sign() * change).clamp(0, 1)


def _sparse(gradient: Tensor, counts: Tensor) -> Tensor:
    """The signs of each gradient's largest values, so many of them, over their number: of L1 length 1."""
    import torch

    rows = []
    for values, count in zip(gradient, counts.tolist(), strict=True):
        flat = values.flatten()
        chosen = flat.abs().topk(min(max(int(count), 1), len(flat))).indices
        move = torch.zeros_like(flat)
        move[chosen] = flat[chosen].sign() / len(chosen)
        rows.append(move.view_as(values))
    return torch.stack(rows)


def _start(problem: Problem) -> Tensor:
    """A change drawn from the L1 ball around each image."""
    import torch

    drawn = [
        generator.laplace(size=tuple(problem.pixels.shape[1:])).astype(np.float32) for generator in problem.generators
    ]
    noise = torch.from_numpy(np.stack(drawn)).to(problem.pixels.device)
    return problem.pixels + problem.budget.epsilon * noise / noise.abs().sum(dim=(1, 2, 3), keepdim=True)
