"""The Euclidean length of the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks import norms
from hardiness.attacks.threats import Threat, threat_models

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-5


@threat_models.add("l2")
class L2(Threat):
    """The root of the sum of all squared changes is at most epsilon."""

    unit: ClassVar[str] = "the Euclidean length over all values in [0, 1]"
    most: ClassVar[float] = 1000.0
    whole: ClassVar[float | None] = 1000.0

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """The length of each picture's change."""
        return norms.distance("l2", pixels - clean)

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether it is at most epsilon, to a relative 1e-5."""
        return self.distance(pixels, clean) <= epsilon * (1 + TOLERANCE)

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Any direction; in so many dimensions practically at length epsilon."""
        return (clean + epsilon * norms.uniform("l2", tuple(clean.shape), generators).to(clean.device)).clamp(0, 1)
