"""How many images go through a model at a time."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.engine.ensemble import Ensemble
from hardiness.models import Classifier

BATCH_SIZES = (32, 16, 8)
CPU_BATCH_BYTES = 2 * 2**30
CUDA_BATCH_SIZE = 256


@dataclass
class BatchSize:
    """Images per forward pass: what was planned, and what memory allows.

    Attributes:
        planned: when the run was begun.
        current: from now on; less than planned where a batch did not fit the accelerator's memory.
    """

    planned: int
    current: int = 0

    def __post_init__(self) -> None:
        self.current = self.current or self.planned

    def halve(self, tried: int) -> None:
        """Keep to at most half of the ``tried`` images, for the rest of the run."""
        self.current = max(1, min(self.current, tried // 2))


def automatic_batch_size(classifier: Classifier | Ensemble, input_px: int) -> int:
    """Images per forward pass: on CUDA 256; on the CPU 32, or fewer where all their activations would exceed 2 GiB.

    The bound does not depend on the memory that is free at the moment, so that the same command makes the same plan.
    It is generous: OpenVINO holds a few images a stream whatever the batch, and torch frees layers as it goes.
    """
    if classifier.device.startswith("cuda"):
        return CUDA_BATCH_SIZE
    per_image = classifier.activation_bytes(input_px)
    return next((size for size in BATCH_SIZES if size * per_image <= CPU_BATCH_BYTES), BATCH_SIZES[-1])
