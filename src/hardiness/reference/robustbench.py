"""RobustBench's ImageNet leaderboard: its 5,000 images, its names, and the files that are known by their hash."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hardiness.reference.published_numbers import PublishedNumber, table

SUBSET = "robustbench"
SIZE = 5000
"""Images that the leaderboard evaluates."""

OWN = "model"
"""RobustBench's word for the model's default: the view that timm declares for it."""

PREPROCESSINGS = ("Res256Crop224", "BicubicRes256Crop224", "Res224", "Crop288", OWN)
"""All preprocessings that its ImageNet models are listed with; but for `OWN` by RobustBench's names."""

FILES = {"0676ba61": "Standard_R50"}
"""Models by the first digits of their file's sha256. RobustBench publishes no hashes; this one is torchvision's."""


@cache
def numbers() -> tuple[int, ...]:
    """The numbers of the validation images that the leaderboard evaluates, in its order."""
    words = Path(__file__).with_name("robustbench_images.txt").read_text().split()
    return tuple(map(int, words))


@cache
def stems() -> frozenset[str]:
    """The names of their files without suffix, ``ILSVRC2012_val_00015253``."""
    return frozenset(f"ILSVRC2012_val_{number:08d}" for number in numbers())


def preprocessing(source: str) -> str:
    """The one of `PREPROCESSINGS` that a listed model saw its images through, by the source of its numbers."""
    name = source.rpartition("images as ")[2].partition(";")[0]
    return OWN if name == "model default" else name


@cache
def entries() -> tuple[str, ...]:
    """The leaderboard's names of models, best first."""
    return tuple(dict.fromkeys(row.model for row in table() if row.benchmark == "autoattack"))


def is_listed(rows: Sequence[PublishedNumber]) -> bool:
    """Whether published numbers are the leaderboard's own."""
    return all("RobustBench" in row.source for row in rows)
