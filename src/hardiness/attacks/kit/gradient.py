"""One pass of a model under attack: the logits that judge a point and, later, the gradient that leaves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from hardiness.attacks.kit.attack import Iterate
from hardiness.attacks.kit.checks import check_logits
from hardiness.attacks.kit.criteria import Criterion
from hardiness.core import ModelError

if TYPE_CHECKING:
    from torch import Tensor


class Pass(NamedTuple):
    """What one forward pass gave.

    Attributes:
        pixels: where it was computed; the leaf of the graph, if there is one.
        logits: without graph.
        loss: ``(M,)``, with the graph if one was asked for.
    """

    pixels: Tensor
    logits: Tensor
    loss: Tensor

    def iterate(self, step: int, index: Tensor, reached: Tensor, led_here: Slope) -> Iterate:
        """It as a judged iterate, to which the gradient ``led_here`` led."""
        return Iterate(
            step,
            index,
            self.pixels.detach(),
            self.logits,
            self.loss.detach(),
            reached,
            led_here.zeros,
            led_here.finite,
        )


class Slope(NamedTuple):
    """A gradient made safe to step along.

    Attributes:
        gradient: of the loss with respect to the pixels, ``(M, 3, H, W)``; values that were not finite are 0.
        zeros: float32 ``(M,)``, share of values that the model gave as exactly 0.
        finite: bool ``(M,)``, whether all values were finite.
    """

    gradient: Tensor
    zeros: Tensor
    finite: Tensor


def no_gradient(reached: Tensor) -> Slope:
    """What led to iterates of an attack that asks for no gradient: nothing hidden, nothing broken."""
    nothing = reached.new_zeros(len(reached)).float()
    return Slope(nothing, nothing, nothing == 0)


def forward(
    logits: Callable[[Tensor], Tensor], pixels: Tensor, criterion: Criterion, *, graph: bool, first: bool = False
) -> Pass:
    """One forward pass at ``pixels``.

    Args:
        logits: of the model.
        pixels: ``(M, 3, H, W)``.
        criterion: of these samples.
        graph: whether a gradient will be asked for.
        first: whether the model has not been looked at before, so that its logits are checked.

    Raises:
        ModelError, ArgumentError: as `check_logits`.
    """
    import torch

    with torch.set_grad_enabled(graph):
        leaf = pixels.detach().requires_grad_(graph)
        found = logits(leaf)
        if first:
            check_logits(found, criterion, graph)
        return Pass(leaf, found.detach(), criterion.loss(found))


def slope(passed: Pass, of: Tensor, *, again: bool = False) -> Slope:
    """The gradient at some of a pass's samples, by mask; the pass's graph is used up, unless it is needed again.

    Raises:
        ModelError: the logits do not depend on the pixels at all.
    """
    import torch

    # Only the pixels' gradient is asked for, so nothing is computed or kept for the parameters.
    (gradient,) = torch.autograd.grad(
        passed.loss, passed.pixels, of.to(passed.loss.dtype), retain_graph=again, allow_unused=True
    )
    if gradient is None:
        raise ModelError("logits do not depend on the pixels, so there is nothing to attack; is the model detached?")
    gradient = picked(gradient, of)
    return _safe(gradient)


def _safe(gradient: Tensor) -> Slope:
    import torch

    # Row by row no memory is needed; a comparison's would cost more than the step.
    others = torch.stack([torch.count_nonzero(row) for row in gradient])
    zeros = 1 - others / gradient[0].numel()
    finite = gradient.sum(dim=(1, 2, 3)).isfinite()
    if bool(finite.all()):
        return Slope(gradient, zeros, finite)
    finite = gradient.isfinite().flatten(1).all(1)
    return Slope(gradient.nan_to_num(0.0, 0.0, 0.0), zeros, finite)


def picked(values: Tensor, kept: Tensor) -> Tensor:
    """Some samples of ``values (M, …)``, by mask; the tensor itself where all are kept."""
    return values if bool(kept.all()) else values[kept]
