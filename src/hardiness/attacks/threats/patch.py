"""One square of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.threats import Threat, threat_models

if TYPE_CHECKING:
    from torch import Tensor


@threat_models.add("patch")
class Patch(Threat):
    """A square patch."""

    summary: ClassVar[str] = "One square may change, to anything; epsilon is its share of the picture's area."
    unit: ClassVar[str] = "a share of the picture's area"
    most: ClassVar[float] = 1.0
    whole: ClassVar[float | None] = 1.0

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """The area of the smallest upright square around each picture's changes, as a share."""
        changed = (pixels != clean).any(dim=1)
        height, width = changed.shape[1:]
        spans = [(_span(changed.any(dim=axis))) for axis in (2, 1)]
        longest = spans[0].maximum(spans[1]).float()
        return longest.square() / (height * width)

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether a square of the side that epsilon allows holds all changes."""
        height, width = pixels.shape[2:]
        allowed = side(epsilon, height, width) ** 2 / (height * width)
        return self.distance(pixels, clean) <= allowed + 1e-6

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """A square anywhere, of uniform noise."""
        import torch

        drawn, (height, width) = clean.clone(), clean.shape[2:]
        length = side(epsilon, height, width)
        for image, generator in zip(drawn, generators, strict=True):
            row, column = (int(generator.integers(0, size - length + 1)) for size in (height, width))
            noise = torch.from_numpy(generator.random((3, length, length), np.float32)).to(clean.device)
            image[:, row : row + length, column : column + length] = noise
        return drawn


def side(epsilon: float, height: int, width: int) -> int:
    """The side, in pixels, of a square that covers a share ``epsilon`` of a picture; 0 for nothing."""
    return min(int(math.sqrt(epsilon * height * width) + 1e-6), height, width)


def paste(pictures: Tensor, patch: Tensor, corners: NDArray[np.int64]) -> Tensor:
    """Put the patch ``(3, L, L)`` on each of the pictures ``(N, 3, H, W)``; differentiable.

    Args:
        pictures, patch: as above.
        corners: row and column of the patch's upper left corner, for each picture, ``(N, 2)``.
    """
    copies, length = pictures.clone(), patch.shape[1]
    for number, (row, column) in enumerate(corners.tolist()):
        copies[number, :, row : row + length, column : column + length] = patch
    return copies


def _span(hit: Tensor) -> Tensor:
    """The length from the first to the last ``True`` of each row, ``(N,)``; 0 where there is none."""
    length = hit.shape[1]
    first = hit.int().argmax(1)
    last = length - 1 - hit.flip(1).int().argmax(1)
    return (last - first + 1).where(hit.any(1), last.new_zeros(()))
