"""ImageNet's validation photographs, of which others have said more than a label."""

from __future__ import annotations

from hardiness.core.model import IMAGENET_CLASSES
from hardiness.core.run import Run
from hardiness.core.table import ImageTable
from hardiness.reference.validation_images import validation_number

BENCHMARK = "imagenet-val"


def is_of_validation(run: Run) -> bool:
    """Whether a run may be of these photographs, in their 1,000 classes."""
    return (run.benchmark.name, run.data.num_classes) == (BENCHMARK, IMAGENET_CLASSES)


def numbered(table: ImageTable) -> list[tuple[int, int]]:
    """Row and number of each photograph that has the published name of a validation image."""
    numbers = ((row, validation_number(sample)) for row, sample in enumerate(table.ids.tolist()))
    return [(row, number) for row, number in numbers if number is not None]
