"""The one place where pixels in [0, 1] become what a network was trained on, and a canvas becomes its input size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hardiness.core import View

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Normalisation:
    """A view's numbers per RGB channel of pixels in [0, 1]: ``(pixel - mean) / std``, then perhaps reversed."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    reverse: bool

    @classmethod
    def of(cls, view: View) -> Normalisation:
        """The same map as the view's, whose mean and std are in the model's own range and channel order."""
        full = 255.0 if view.range == "0..255" else 1.0
        reverse = view.channel_order == "BGR"
        step = -1 if reverse else 1
        return cls(
            mean=tuple(value / full for value in view.mean[::step]),
            std=tuple(value / full for value in view.std[::step]),
            reverse=reverse,
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Network input for RGB ``pixels (N, 3, H, W)`` in [0, 1], differentiable, same memory layout."""
        mean, std = (_channels(values, pixels.dtype, pixels.device) for values in (self.mean, self.std))
        normalised = (pixels - mean) / std
        return normalised.flip(1) if self.reverse else normalised


@dataclass(frozen=True, slots=True)
class InputPolicy:
    """How a fixed canvas is fed to a network: as it is, or resized to the network's own size.

    Attributes:
        canvas_px: side of the canvas.
        input_px: side of what the network sees.
    """

    canvas_px: int
    input_px: int

    @property
    def resized(self) -> bool:
        """Whether the canvas is not fed as it is."""
        return self.canvas_px != self.input_px

    def __str__(self) -> str:
        return (
            f"{self.canvas_px} px, bicubic to {self.input_px} px" if self.resized else f"{self.canvas_px} px as it is"
        )

    def __call__(self, pixels: Tensor) -> Tensor:
        """Pixels ``(N, 3, input_px, input_px)`` in [0, 1] from canvas pixels; differentiable.

        Source: cubic convolution with antialiasing, as in PIL (``torch.nn.functional.interpolate``).
        """
        from torch.nn import functional

        if not self.resized:
            return pixels
        size = (self.input_px, self.input_px)
        return functional.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)


@cache
def _channels(values: tuple[float, ...], dtype: Any, device: Any) -> Tensor:
    """A number a channel, ``(1, 3, 1, 1)``; copied to a device once, since the copy waits for all that it computes."""
    import torch

    with torch.inference_mode(False):  # gradients may go by them later
        return torch.tensor(values, dtype=dtype, device=device).view(1, 3, 1, 1)
