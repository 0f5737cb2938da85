"""The number of pixels that change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks.threats import Threat, threat_models

if TYPE_CHECKING:
    from torch import Tensor


@threat_models.add("l0")
class L0(Threat):
    """So many pixels may change, to any colour."""

    unit: ClassVar[str] = "a number of pixels"
    most: ClassVar[float] = 1e6
    whole: ClassVar[float | None] = 1e6

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """How many positions differ in any channel."""
        return (pixels != clean).any(dim=1).flatten(1).sum(1).float()

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether at most epsilon of them do."""
        return self.distance(pixels, clean) <= epsilon

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Pixels at random, each in one of the eight corners of the colours."""
        import torch

        drawn = clean.clone()
        positions = clean.shape[2] * clean.shape[3]
        for image, generator in zip(drawn, generators, strict=True):
            places = generator.choice(positions, min(int(epsilon), positions), replace=False)
            colours = generator.integers(0, 2, (3, len(places))).astype(np.float32)
            image.flatten(1)[:, torch.from_numpy(places)] = torch.from_numpy(colours).to(clean.device)
        return drawn
