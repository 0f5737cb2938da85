"""A benchmark whose pictures take as long as is said: in a file of its own, as other processes must find it too."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hardiness.benchmarks.photographs import Photographs
from hardiness.core.benchmark import Expansion, Item
from hardiness.core.condition import Condition
from hardiness.core.model import Canvas


@dataclass(frozen=True)
class Sleeping(Photographs):
    """One picture a unit, whose decoding sleeps for so long."""

    name: ClassVar[str] = "sleeping"
    question: ClassVar[str] = "What does handing out cost?"
    paper: ClassVar[str] = ""
    protocol: ClassVar[str] = "none"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 64  # so that one picture is made at a time, and none long before it is wanted

    seconds: float = 5.0
    notes: str = ""

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """As usual, after a sleep that is noted."""
        begin = time.time()
        time.sleep(self.seconds)
        with Path(self.notes, str(os.getpid())).open("a") as stream:
            stream.write(f"{begin} {time.time()}\n")
        return super().expand(item, conditions, canvases, seed)
