"""The largest change of a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.attacks import norms
from hardiness.attacks.threats import Threat, threat_models

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-6


@threat_models.add("linf")
class Linf(Threat):
    """Every value may change by epsilon."""

    unit: ClassVar[str] = "in units of the [0, 1] range"
    most: ClassVar[float] = 1.0
    whole: ClassVar[float | None] = 1.0

    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """The largest change of each picture."""
        return norms.distance("linf", pixels - clean)

    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether it is at most epsilon, to 1e-6."""
        return self.distance(pixels, clean) <= epsilon + TOLERANCE

    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Every value up or down by epsilon: the corners, where noise does most."""
        signs = norms.uniform("linf", tuple(clean.shape), generators).sign().to(clean.device)
        return (clean + epsilon * signs).clamp(0, 1)
