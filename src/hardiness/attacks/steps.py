"""Where an attack begins and where a step may lead: in the ball around the image and in [0, 1]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardiness.attacks.norms import project, uniform
from hardiness.attacks.problem import Problem

if TYPE_CHECKING:
    from torch import Tensor


def anywhere(problem: Problem) -> Tensor:
    """A point drawn uniformly from the ball around each image, by its own generator; not clipped to [0, 1]."""
    noise = uniform(problem.budget.norm, tuple(problem.pixels.shape), problem.generators)
    return problem.pixels + problem.budget.epsilon * noise.to(problem.pixels.device)


def allowed(problem: Problem, pixels: Tensor) -> Tensor:
    """``pixels (N, 3, H, W)`` brought into the ball around each image, then into [0, 1]; a new tensor."""
    clean = problem.pixels
    return (clean + project(problem.budget.norm, pixels - clean, problem.budget.epsilon)).clamp_(0, 1)
