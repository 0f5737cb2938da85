"""ImageNet's 50,000 validation images: their labels, names and numbers."""

from __future__ import annotations

import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path

_NUMBERED = re.compile(r"(?:^|/)ILSVRC2012_val_([0-9]{8})(?:\.\w+)?$")

VALIDATION_NAMES_SHA256 = "18335d32b9f9f79ab968990b2646032937f8e2000243fbeac79d99f3c5d82a2b"
"""Hash over the names of the 50,000 validation images, sorted, with line breaks between them."""


@cache
def validation_labels() -> tuple[int, ...]:
    """The class index of each of ImageNet's 50,000 validation images, in the order of their numbers.

    Source: tensorflow-datasets 4.9.10, ``validation_labels.txt``; imagenet-x 0.0.7 says the same of the 48,868 images
        that it lists.
    """
    return tuple(map(int, Path(__file__).with_name("imagenet_val_labels.txt").read_text("ascii").split()))


def validation_name(number: int) -> str:
    """The file name of a validation image, numbered from 1 to 50,000."""
    return f"ILSVRC2012_val_{number:08d}.JPEG"


@lru_cache(maxsize=1 << 16)  # models are evaluated on the same photographs
def validation_number(name: str) -> int | None:
    """Which validation image, from 1 to 50,000, an id or a file name is of; ``None`` where it does not say so."""
    match = _NUMBERED.search(name)
    number = int(match[1]) if match else 0
    return number if 1 <= number <= len(validation_labels()) else None


def names_sha256(names: list[str]) -> str:
    """Hexadecimal sha256 over names, sorted, with line breaks between them."""
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogateescape")).hexdigest()
