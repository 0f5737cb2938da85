"""The sum of all changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks.threats import Threat, threat_models

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-4


@threat_models.add("l1")
class L1(Threat):
    """The sum of all changes' sizes is at most epsilon: a few values by much, or many by little."""

    unit: ClassVar[str] = "the sum of the changes of all values in [0, 1]"
    most: ClassVar[float] = 1e6
    whole: ClassVar[float | None] = 1e6

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """The sum of each picture's changes."""
        import torch

        return (pixels - clean).abs().sum(dim=(1, 2, 3), dtype=torch.float64).float()

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether it is at most epsilon, to a relative 1e-4."""
        return self.distance(pixels, clean) <= epsilon * (1 + TOLERANCE)

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Values at random turned to 0 or 1, whichever is further, until epsilon is used up."""
        import torch

        drawn = []
        for image, generator in zip(clean, generators, strict=True):
            flat = image.flatten()
            order = torch.from_numpy(generator.permutation(flat.numel())).to(flat.device)
            far = (flat < 0.5).float() - flat
            spent = far[order].abs().cumsum(0)
            taken = order[spent <= epsilon]
            moved = flat.clone()
            moved[taken] += far[taken]
            drawn.append(moved.view_as(image))
        return torch.stack(drawn)
