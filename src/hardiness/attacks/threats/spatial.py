"""Turns and shifts of the whole picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.threats import Threat, threat_models

if TYPE_CHECKING:
    from torch import Tensor

DEGREES, SHIFT = 30.0, 24 / 224
"""Largest turn, and shift as a share of the side, at epsilon 1."""

TURNS, SHIFTS = 31, 5
_SMALL, _LIKELY, _SAME = 28, 12, 1e-4


@threat_models.add("spatial")
class Spatial(Threat):
    """Rotations and translations.

    Turns and shifts are those of a grid, 31 x 5 x 5, so that a picture can be held against all of them.

    Source: Engstrom et al. 2019, arXiv:1712.02779, section 4: 30 degrees, 24 pixels on ImageNet, that grid, bilinear,
        black outside.
    """

    summary: ClassVar[str] = (
        "The picture may be turned and shifted; epsilon scales 30 degrees and 24 of 224 pixels to each side."
    )
    unit: ClassVar[str] = "as a multiple of 30 degrees and a tenth of the side"
    most: ClassVar[float] = 3.0

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """The largest change of a value: how far it was turned is not to be seen from a picture."""
        return (pixels - clean).abs().flatten(1).amax(1)

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether each picture is one of the grid's, to 1e-4."""
        import torch
        from torch.nn import functional

        grid = places(epsilon)
        size = min(_SMALL, clean.shape[-1])
        are_contained = []
        for picture, image in zip(pixels, clean, strict=True):
            small = functional.adaptive_avg_pool2d(image[None], size)
            small_picture = functional.adaptive_avg_pool2d(picture[None], size)
            differences = (
                (transform(small.expand(len(grid), -1, -1, -1), grid) - small_picture).abs().mean(dim=(1, 2, 3))
            )
            candidates = grid[differences.topk(min(_LIKELY, len(grid)), largest=False).indices.cpu().numpy()]
            transformed_images = transform(image.expand(len(candidates), -1, -1, -1), candidates)
            are_contained.append(((transformed_images - picture).abs().flatten(1).amax(1) <= _SAME).any())
        return torch.stack(are_contained) if are_contained else torch.zeros(0, dtype=torch.bool)

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """One of the grid's places for each picture."""
        grid = places(epsilon)
        return transform(clean, grid[[int(generator.integers(len(grid))) for generator in generators]])


@lru_cache(maxsize=8)
def places(epsilon: float) -> NDArray[np.float64]:
    """Every turn in degrees, and shift to the right and down as a share of the side: ``(775, 3)``."""
    turns, shifts = np.linspace(-1, 1, TURNS) * DEGREES, np.linspace(-1, 1, SHIFTS) * SHIFT
    mesh = np.stack(np.meshgrid(turns, shifts, shifts, indexing="ij"), axis=-1)
    grid: NDArray[np.float64] = epsilon * mesh.reshape(-1, 3)
    return grid


def transform(pictures: Tensor, at: NDArray[np.float64]) -> Tensor:
    """Turn and shift pictures ``(N, 3, H, W)``, each by its row of ``at (N, 3)``; untouched where that is zero."""
    import torch
    from torch.nn import functional

    angles = np.radians(at[:, 0])
    rows = [
        [[math.cos(a), -math.sin(a), -2 * right], [math.sin(a), math.cos(a), -2 * down]]
        for a, right, down in zip(angles, at[:, 1], at[:, 2], strict=True)
    ]
    theta = torch.tensor(rows, dtype=pictures.dtype, device=pictures.device)
    grid = functional.affine_grid(theta, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False).clamp(0, 1)
    is_still = torch.from_numpy((at == 0).all(axis=1)).to(pictures.device)
    return pictures.where(is_still[:, None, None, None], moved)
