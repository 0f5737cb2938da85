"""How much of a benchmark a person asks for, and how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardiness.core.bounds import MOST_IMAGES, require_within
from hardiness.core.errors import ArgumentError
from hardiness.core.processors import usable_cores


def spelled(value: Any, between: str = "+") -> str:
    """The value of an option as a command line has it: several are joined, true and false are in small letters."""
    if isinstance(value, bool):
        return str(value).lower()
    return between.join(map(spelled, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True, slots=True)
class Share:
    """Which of several workers this process is: number ``index``, from 0, of ``count``."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ArgumentError(
                f"worker must be i/n with i from 0 to n - 1, was {self.index}/{self.count}; "
                f"the last of {max(self.count, 1)} is {max(self.count - 1, 0)}/{max(self.count, 1)}"
            )

    @classmethod
    def parse(cls, text: str) -> Share:
        """The share that ``"i/n"`` names.

        Raises:
            ArgumentError: it does not read so, or i is not from 0 to n - 1.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal()):
            raise ArgumentError(f"worker must be i/n, as in 0/4, was {text!r}")
        return cls(int(index), int(count))

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Share | None:
        """The share that ``torchrun`` and its kin give by ``RANK`` and ``WORLD_SIZE``; ``None`` outside of them."""
        rank, size = environment.get("RANK", ""), environment.get("WORLD_SIZE", "")
        return cls(int(rank), int(size)) if rank.isdecimal() and size.isdecimal() and int(size) > 1 else None

    def owns(self, number: int) -> bool:
        """Whether this one of the workers looks after the thing of that number, from 0; each thing has one."""
        return number % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True, slots=True)
class Request:
    """How much to evaluate, and how.

    Attributes:
        limit: the first so many samples of the seeded, class-stratified order; ``None`` for all.
        seed: keys that order and every draw.
        batch_size: images per forward pass; ``None`` to choose it. A run that is continued keeps its own.
        save_images: whether the pictures that attacks made are kept as PNG files beside the records.
        workers: decoding threads; by default one a core.
        precision_target: half-width of the headline's 95 % interval, in its own unit, at which a benchmark is exact
            enough and its evaluation ends; ``None`` to evaluate everything asked for.
        time_budget_s: seconds within which the evaluation ends; ``None`` for as long as it takes.
        share: which part of the work this process begins with, where several share a store.
        data_arguments: what named the data, as ``--data`` takes it in any folder; kept with how rows were computed.
    """

    limit: int | None = None
    seed: int = 0
    batch_size: int | None = None
    save_images: bool = False
    workers: int = usable_cores()
    share: Share | None = None
    precision_target: float | None = None
    time_budget_s: float | None = None
    data_arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ArgumentError(f"limit must be at least 1, was {self.limit}")
        if self.batch_size is not None:
            require_within("batch_size", self.batch_size, 1, MOST_IMAGES)
        for name in ("precision_target", "time_budget_s"):
            value = getattr(self, name)
            if value is None:
                continue
            option = name.removesuffix("_s").replace("_", "-")
            if not (value > 0 and math.isfinite(value)):
                raise ArgumentError(f"{option} must be above 0, was {value:g}")
            if self.share:
                raise ArgumentError(
                    f"{option} does not go with worker: who shares a store cannot see how far the others are; "
                    f"leave out --worker, or --{option}"
                )
