"""One writer of the soak: ``python soak_worker.py OUT INDEX COUNT FAULTS SEED``.

It writes every shard that is missing, beginning with its own part. ``FAULTS`` is the chance that a step of a write
(into the file, to the disk, to its name) fails because the disk is full or broken.
"""

from __future__ import annotations

import errno
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hardiness.core.errors import StoreError
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.words import text
from hardiness.store import local_files, writing
from hardiness.store.shards import Row
from hardiness.store.store import Store

SHARDS, ROWS = 2_000, 100
IDENTITY = Run(ModelIdentity("net"), BenchmarkIdentity("imagenet-val"))
PLAN = Plan(batch_size=ROWS)


def work(shard: int) -> list[Row]:
    """The rows of one shard."""
    return [(f"n{shard:08d}/{row:04d}", 0) for row in range(ROWS)]


def outcome(shard: int) -> Records:
    """What a model would say of them: the same whoever computes it."""
    chance = np.random.default_rng(shard)
    label = np.full(ROWS, shard % 1000, np.int32)
    return Records(
        {
            "sample": np.array([sample for sample, _ in work(shard)], np.str_),
            "condition": np.zeros(ROWS, np.int16),
            "frame": np.zeros(ROWS, np.int16),
            "label": label,
            "prediction": np.where(chance.random(ROWS) < 0.7, label, chance.integers(0, 1000, ROWS)).astype(np.int32),
            "confidence": chance.random(ROWS, np.float32),
        }
    )


class BrokenDisk:
    """Makes steps of a write fail now and then, and counts how often."""

    def __init__(self, share: float, seed: int) -> None:
        self.share, self.chance, self.faults = share, random.Random(seed), 0
        fill, replace, link, sync = writing.fill, os.replace, os.link, os.fsync

        def half(path: Path, content: bytes) -> None:
            if self.fails():
                path.write_bytes(content[: self.chance.randrange(len(content) + 1)])
                self.refuse()
            fill(path, content)

        writing.fill = local_files.fill = half
        os.replace, os.link, os.fsync = (self.faulty(each) for each in (replace, link, sync))  # type: ignore[assignment]

    def fails(self) -> bool:
        return self.chance.random() < self.share

    def refuse(self) -> None:
        self.faults += 1
        number = self.chance.choice([errno.ENOSPC, errno.EIO])
        raise OSError(number, os.strerror(number))

    def faulty(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def perhaps(*given: Any, **named: Any) -> Any:
            if self.fails():
                self.refuse()
            return call(*given, **named)

        return perhaps


def main(out: str, index: int, count: int, faults: float, seed: int) -> int:
    """Write what is missing; 1 where something could not be, which has been told."""
    disk = BrokenDisk(faults, seed) if faults else None
    told: list[str] = []
    try:
        run = Store.create(out).run(IDENTITY, PLAN)
        told += map(text, run.set_damage_aside())
        listed = run.shards()
        for shard in (np.arange(SHARDS) + index * SHARDS // count) % SHARDS:
            if run.holds(int(shard), work(shard)) or not (missing := run.missing(int(shard), work(shard), listed)):
                continue
            assert missing == work(shard)
            try:
                run.write(int(shard), missing, outcome(int(shard)))
            except StoreError as error:
                told.append(str(error))
    except StoreError as error:
        told.append(str(error))
    assert all("\n" not in line for line in told)
    print(disk.faults if disk else 0, len(told))
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:4]), float(sys.argv[4]), int(sys.argv[5])))
