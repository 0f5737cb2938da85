"""Comparison of a faster form of a network with plain fp32 torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardiness.core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

MAX_ERROR = 1e-4
"""Largest max|Δ| / max|logit| that a runtime may have in fp32."""

MAX_GRADIENT_ERROR = 1e-2
"""Largest |Δ| / |gradient|, Euclidean, of a network that gradients may go through: kinks close by move by rounding."""

REFERENCE_IMAGES = 4
"""Number of the first images on which a runtime is compared."""


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


def compare(logits: Tensor, reference: Tensor) -> Agreement:
    """Agreement of logits ``(n, K)`` with the reference's.

    A row that is not finite in the reference is not counted, but it must not be finite in ``logits`` either: there
    a runtime would answer where the network does not.

    Raises:
        ModelError: the shapes differ.
    """
    if logits.shape != reference.shape:
        raise ModelError(
            f"a runtime returned logits {tuple(logits.shape)} where torch returns {tuple(reference.shape)}"
        )
    rows = reference.isfinite().all(1)
    invented = bool(logits[~rows].isfinite().all(1).any())
    logits, reference = logits[rows].double(), reference[rows].double()
    if not len(reference):
        return Agreement(float("inf"), 0.0, 0)
    scale = max(reference.abs().max().item(), 1e-30)
    error = (logits - reference).abs().max().item() / scale
    top1 = (logits.argmax(1) == reference.argmax(1)).double().mean().item()
    # A NaN compares false with everything, so it must not pass as a small error.
    return Agreement(float("inf") if invented or error != error else error, top1, len(reference))


def same_gradient(logits: Callable[[Tensor], Tensor], reference: Callable[[Tensor], Tensor], pixels: Tensor) -> bool:
    """Whether two functions of pixels to logits ``(n, K)`` have the same gradient of each image's largest logit."""
    import torch

    def gradient(function: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = pixels.detach().requires_grad_()
        with torch.enable_grad():
            outputs = function(leaf)
            if not outputs.requires_grad:
                return torch.zeros_like(pixels)
            (slope,) = torch.autograd.grad(outputs.amax(1).sum(), leaf, allow_unused=True)
        return torch.zeros_like(pixels) if slope is None else slope

    one, other = gradient(logits).double(), gradient(reference).double()
    if not bool(other.isfinite().all()):
        return True
    return float((one - other).norm()) <= MAX_GRADIENT_ERROR * float(other.norm())


@dataclass(frozen=True)
class Reference:
    """Plain fp32 torch on the first images of one size, and which norms follow which convolutions."""

    pixels: Tensor
    logits: Tensor
    foldable: dict[str, str]
