"""How much of a benchmark a person asks for, and how."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hardiness.core import ArgumentError


@dataclass(frozen=True, slots=True)
class Request:
    """How much to evaluate, and how.

    Attributes:
        limit: the first so many samples of the seeded, class-stratified order; ``None`` for all.
        seed: keys that order and every draw.
        batch_size: images per forward pass; ``None`` to choose it. A run that is continued keeps its own.
        save_images: whether the pictures that attacks made are kept as PNG files beside the records.
        workers: decoding threads; by default one a core.
    """

    limit: int | None = None
    seed: int = 0
    batch_size: int | None = None
    save_images: bool = False
    workers: int = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def __post_init__(self) -> None:
        for name in ("limit", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ArgumentError(f"{name} must be at least 1, was {value}")
