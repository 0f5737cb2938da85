"""What a person asks of the engine, and what hears of its progress."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

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


class Listener(Protocol):
    """Hears how a benchmark goes; counts are image-conditions summed over models."""

    def download(self, model: str, done: int, total: int | None) -> None:
        """So many bytes of a model's weights have come, of how many in all where that is known."""

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """A benchmark begins; ``stored`` of its ``total`` are already there."""

    def advance(self, rows: int) -> None:
        """So many more are done."""

    def estimate(self, seconds: float) -> None:
        """The whole will take about this much longer; told once, where that is over a minute."""

    def end(self) -> None:
        """The benchmark is over."""


class Silence:
    """A listener that says nothing."""

    def download(self, model: str, done: int, total: int | None) -> None:
        """Nothing."""

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """Nothing."""

    def advance(self, rows: int) -> None:
        """Nothing."""

    def estimate(self, seconds: float) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""
