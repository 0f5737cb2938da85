"""Where an attack begins and where a step may lead: in the ball around the image and in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.attacks.kit.norms import is_box, project_, uniform
from hardiness.attacks.kit.problem import Problem

if TYPE_CHECKING:
    from torch import Tensor


def anywhere(problem: Problem) -> Tensor:
    """A point drawn uniformly from the ball around each image, by its own generator; not clipped to [0, 1]."""
    noise = uniform(problem.budget.norm, tuple(problem.pixels.shape), problem.generators).to(problem.pixels.device)
    return noise.mul_(problem.budget.epsilon).add_(problem.pixels)


def allowed(problem: Problem, at: Tensor, step: Tensor, scale: float = 1.0) -> Tensor:
    """``at + scale * step``, brought into the ball around each image, then into [0, 1]; in the memory of ``step``."""
    import torch

    norm, clean = problem.budget.norm, problem.pixels
    moved = torch.add(at, step, alpha=scale, out=step)
    if not is_box(norm):
        moved = project_(norm, moved.sub_(clean), problem.budget.epsilon).add_(clean)
    low, high = problem.box
    return torch.clamp(moved, low, high, out=moved)
