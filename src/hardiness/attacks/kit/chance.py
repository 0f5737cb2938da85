"""Expectation over a model's own chance: logits and gradients as means of several passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardiness.attacks.kit.problem import Problem
from hardiness.core import require_within

if TYPE_CHECKING:
    from torch import Tensor


def check_samples(samples: int) -> None:
    """Raise an error unless this is a number of passes.

    Raises:
        ArgumentError: it is below 1, or above 10,000.
    """
    require_within("samples", samples, 1, 10_000)


def expected(problem: Problem, samples: int) -> Problem:
    """The problem with logits that are the mean of so many passes; itself for 1.

    Memory is that of one pass: passes are computed again, one by one, when their gradient is asked for, with the chance
    that they had.

    Source: Athalye et al. (2018), arXiv:1802.00420, section 4.2, the gradient of an expectation.
    """
    if samples == 1:
        return problem
    import torch

    logits = problem.logits
    with torch.no_grad():
        logits(problem.pixels)  # a model may try gradients at its first look, which no checkpoint takes

    def mean(pixels: Tensor) -> Tensor:
        from torch.utils.checkpoint import checkpoint, set_checkpoint_early_stop

        def once() -> Tensor:
            if not torch.is_grad_enabled() or not pixels.requires_grad:
                return logits(pixels)
            # Ending a pass early is done by an exception, which a model's wrapper would take for its own.
            with set_checkpoint_early_stop(False):
                found: Tensor = checkpoint(logits, pixels, use_reentrant=False, preserve_rng_state=True)
            return found

        total = once()
        for _ in range(samples - 1):
            total = total + once()
        return total / samples

    return replace(problem, logits=mean)
