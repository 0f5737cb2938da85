"""Random movements of pictures before each step of an optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardiness.core.bounds import require_within
from hardiness.core.errors import ArgumentError
from hardiness.core.options import option

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Transforms:
    """How far pictures are moved at random before each step.

    Attributes:
        jitter: largest shift along each axis, as a fraction of the side.
        rotate_deg: largest turn either way, in degrees.
        scale: largest zoom either way, as a fraction of the size.

    Raises:
        ArgumentError: one is negative, or ``scale`` is not below 1.

    Source: Olah, Mordvintsev & Schubert 2017, doi:10.23915/distill.00007, section "Transformation Robustness".
    """

    jitter: float = option("Largest random shift before each step.", 0.1, metavar="FRACTION")
    rotate_deg: float = option("Largest random turn.", 20.0, name="--rotate", metavar="DEGREES")
    scale: float = option("Largest random zoom.", 0.35, metavar="FRACTION")

    def __post_init__(self) -> None:
        if self.scale >= 1:
            raise ArgumentError(f"scale must be below 1, was {self.scale}")
        for name, most in {"jitter": 1, "rotate_deg": 360, "scale": 1}.items():
            require_within(name, getattr(self, name), 0, most)

    @property
    def any(self) -> bool:
        """Whether pictures are moved at all."""
        return bool(self.jitter or self.rotate_deg or self.scale)

    def draw(self, generator: np.random.Generator) -> NDArray[np.float32]:
        """Draw where one picture is looked at: an affine map ``(2, 3)`` of coordinates in [-1, 1]."""
        turn, zoom, right, down = generator.uniform(-1, 1, 4)
        angle, size = np.deg2rad(turn * self.rotate_deg), 1 + zoom * self.scale
        cosine, sine = np.cos(angle) / size, np.sin(angle) / size
        shift = 2 * self.jitter
        return np.array([[cosine, -sine, right * shift], [sine, cosine, down * shift]], np.float32)


def move(pixels: Tensor, maps: Sequence[NDArray[np.float32]]) -> Tensor:
    """Each of ``pixels (N, 3, H, W)`` looked at through its own map, mirrored beyond the border; differentiable."""
    import torch
    from torch.nn import functional

    theta = torch.from_numpy(np.stack(maps)).to(pixels)
    grid = functional.affine_grid(theta, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
