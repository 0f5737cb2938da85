"""Pictures in a Parquet file with one group of rows, as pandas writes them: ours, and what pyarrow alone can do.

Ours decompresses the page that holds a picture. pyarrow decodes the whole group (``read_row_group``), or batches from
the beginning of the file (``iter_batches``), which begin anew for a picture that stands before. Each figure is of a
process of its own; seconds are those of its processor.

    python bench/parquet_pages.py [--pictures 4000] [--json]
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from bars import at_most, sized, tell, versions
from hardiness.sources.tables import parquet_rows

Read = Callable[[int], bytes]

BATCH = 16
"""Rows of a batch."""

READ = sized(200, 20)
"""Pictures that are read in order; at random a tenth of them."""


def write(file: Path, pictures: int) -> None:
    """Random bytes of 55 to 165 kB, as photographs have, each behind its number; labels beside them."""
    generator = np.random.default_rng(0)
    noise = generator.bytes(1 << 20)
    starts, lengths = generator.integers(0, 800_000, pictures), generator.integers(55_000, 165_000, pictures)
    content = [
        number.to_bytes(8, "little") + noise[start : start + length]
        for number, (start, length) in enumerate(zip(starts.tolist(), lengths.tolist(), strict=True))
    ]
    parquet.write_table(pyarrow.table({"image": content, "label": [number % 1000 for number in range(pictures)]}), file)


def pages(file: Path) -> Read:
    """Ours."""
    rows = list(parquet_rows(file))
    return lambda number: rows[number].image.read()


def group(file: Path) -> Read:
    """The whole group, which is kept."""
    column = parquet.ParquetFile(file).read_row_group(0, ["image"], use_threads=False).column(0)
    return lambda number: column[number].as_py()


def batches(file: Path) -> Read:
    """Batches from the beginning, the last of which is kept."""
    source = parquet.ParquetFile(file)
    at, rows, coming = 0, None, iter(())

    def read(number: int) -> bytes:
        nonlocal at, rows, coming
        if rows is None or number < at:
            at, rows, coming = -BATCH, (), source.iter_batches(BATCH, columns=["image"], use_threads=False)
        while number >= at + len(rows) or not len(rows):
            at, rows = at + (len(rows) or BATCH), next(coming).column(0)
        return rows[number - at].as_py()

    return read


SIDES = {"pages": pages, "group": group, "batches": batches}


def measured(side: str, file: Path, order: list[int]) -> tuple[float, float, float]:
    """Processor seconds up to the first picture, milliseconds for each of the others, and most memory in MiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin_s = time.process_time()
    read = SIDES[side](file)
    read(order[0])
    first_s = time.process_time()
    for number in order:
        assert read(number)[:8] == number.to_bytes(8, "little"), f"{side} gives another picture for {number}"
    each_ms = 1000 * (time.process_time() - first_s) / len(order)
    return first_s - begin_s, each_ms, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def in_a_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        return alone.submit(function, *arguments).result()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=sized(4000, 400))
    parser.add_argument("--json", action="store_true")
    pictures = parser.parse_args().pictures
    in_order = list(range(min(READ, pictures)))
    at_random = random.Random(0).sample(range(pictures), max(2, len(in_order) // 10))
    memory, notes = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.parquet"
        in_a_process(write, file, pictures)  # a process begins with the most memory that its parent has had
        notes["MB of the file"] = file.stat().st_size / 1e6
        for side in SIDES:
            for name, order in (("in order", in_order), ("at random", at_random)):
                first_s, each_ms, peak_mib = in_a_process(measured, side, file, order)
                notes[f"{side} {name}: first picture, s"] = first_s
                notes[f"{side} {name}: each other, ms"] = each_ms
                notes[f"{side} {name}: memory, MiB"] = peak_mib
                memory[side, name] = peak_mib
    bars = {
        f"memory of pages beside {rival}, {name}": at_most(memory["pages", name] / max(memory[rival, name], 1e-9), 1.0)
        for rival in ("group", "batches")
        for name in ("in order", "at random")
    }
    return tell(bars, notes, versions("hardiness", "pyarrow"), 1)


if __name__ == "__main__":
    sys.exit(main())
