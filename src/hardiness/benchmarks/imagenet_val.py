"""``imagenet-val``: the ImageNet validation set, or any folder of labelled photographs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import reference
from hardiness.benchmarks import decisions
from hardiness.benchmarks.image_subset import HELP as SUBSET_HELP
from hardiness.benchmarks.image_subset import check_subset, part_of
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.registry import registry
from hardiness.core import Columns, DataRoot, DataSet

KEPT_SUBSETS = ("imagenet-a", "imagenet-r")


@registry.add("imagenet-val")
@final
@dataclass(frozen=True)
class ImagenetVal(Photographs):
    """Clean accuracy and calibration, single crop, in the model's own view.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_validation.py``; Russakovsky et al. (2015), arXiv:1409.0575.
    """

    name: ClassVar[str] = "imagenet-val"
    question: ClassVar[str] = "How often is the model right on ordinary photographs, and does it know when it is?"
    paper: ClassVar[str] = "Russakovsky et al. 2015, arXiv:1409.0575"
    protocol: ClassVar[str] = "orhan2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)

    subset: str = field(default="", metadata={"help": SUBSET_HELP})

    def __post_init__(self) -> None:
        check_subset(self.name, self.subset)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs, a published part of them, or adversarial pictures where a folder of those was named."""
        return part_of(data.dataset("adversarial" if data.has("adversarial") else "imagenet"), self.subset)

    def lacks(self, data: DataRoot) -> str:
        """As of every benchmark; a folder of adversarial pictures will do."""
        return "" if data.has("adversarial") else super().lacks(data)

    def identity(self) -> dict[str, Any]:
        """The options that change rows: a subset, where there is one."""
        return {"subset": self.subset} if self.subset else {}

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and what temperature scaling takes.

        For ImageNet-A's and -R's classes also the answer among their 200 (else ``-1``).
        """
        columns = dict(decisions.with_temperatures(logits, labels))
        if logits.shape[1] == len(reference.wnids()):
            for subset in KEPT_SUBSETS:
                classes = reference.subset(subset)
                prediction, _ = decisions.within_subset(logits, classes)
                columns[f"prediction_{subset}"] = np.where(np.isin(labels, classes), prediction, -1).astype(np.int32)
        return columns
