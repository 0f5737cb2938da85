"""Whether a runtime computes what plain fp32 torch computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardiness.core import ModelError

if TYPE_CHECKING:
    from torch import Tensor

MAX_ERROR = 1e-4
"""Largest max|Δ| / max|logit| that a runtime may have in fp32."""

MAX_GRADIENT_ERROR = 1e-2
"""Largest |Δ| / |gradient|, Euclidean, of a network that gradients may go through: kinks close by move by rounding."""

REFERENCE_IMAGES = 4
"""How many of the first images a runtime is compared on."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A runtime against plain, unfolded, eager fp32 torch on the first images it was given.

    Attributes:
        max_error: max|Δ| / max|logit|.
        top1: share of images with the same top-1 class.
        n: images compared; 0 where nothing was, as for ONNX, whose runtime is its own reference.
        fallback: why a faster runtime is not used, or ``None``.
    """

    max_error: float
    top1: float
    n: int
    fallback: str | None = None

    @property
    def exact(self) -> bool:
        """Whether images were compared and are close enough for fp32: `MAX_ERROR`, and every top-1 equal."""
        return self.n > 0 and self.max_error <= MAX_ERROR and self.top1 == 1.0

    def __str__(self) -> str:
        return f"max|Δ|/max|logit| {self.max_error:.1e}, {self.top1:.0%} of {self.n} top-1 equal"


def compare(found: Tensor, reference: Tensor) -> Agreement:
    """Agreement of logits ``(n, K)`` with the reference's.

    A row that is not finite in the reference is not counted, but it must not be finite in ``found`` either: there
    a runtime would answer where the network does not.

    Raises:
        ModelError: the shapes differ.
    """
    if found.shape != reference.shape:
        raise ModelError(f"a runtime returned logits {tuple(found.shape)} where torch returns {tuple(reference.shape)}")
    rows = reference.isfinite().all(1)
    invented = bool(found[~rows].isfinite().all(1).any())
    found, reference = found[rows].double(), reference[rows].double()
    if not len(reference):
        return Agreement(float("inf"), 0.0, 0)
    scale = max(reference.abs().max().item(), 1e-30)
    error = (found - reference).abs().max().item() / scale
    top1 = (found.argmax(1) == reference.argmax(1)).double().mean().item()
    # A NaN compares false with everything, so it must not pass as a small error.
    return Agreement(float("inf") if invented or error != error else error, top1, len(reference))


def same_gradient(found: Callable[[Tensor], Tensor], reference: Callable[[Tensor], Tensor], pixels: Tensor) -> bool:
    """Whether two functions of pixels to logits ``(n, K)`` have the same gradient of each image's largest logit."""
    import torch

    def gradient(function: Callable[[Tensor], Tensor]) -> Tensor:
        given = pixels.detach().requires_grad_()
        with torch.enable_grad():
            outputs = function(given)
            if not outputs.requires_grad:
                return torch.zeros_like(pixels)
            (slope,) = torch.autograd.grad(outputs.amax(1).sum(), given, allow_unused=True)
        return torch.zeros_like(pixels) if slope is None else slope

    one, other = gradient(found).double(), gradient(reference).double()
    if not bool(other.isfinite().all()):
        return True
    return float((one - other).norm()) <= MAX_GRADIENT_ERROR * float(other.norm())
