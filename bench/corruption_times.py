"""How long each corruption takes for one picture, by its size: the table of docs/kernels.md.

    python bench/corruption_times.py [--json]

Milliseconds of processor time at severity 3, on one core, the best of several. It has no bar: what a machine can do at
that moment is in `bench/corruptions.py`.
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

import hardiness
from bars import sized, tell, versions

SIZES = ((32, 32), (224, 224), (480, 640), (1080, 1920))
"""Height and width, as the columns of the table."""

SECONDS = 0.3
"""For which each is repeated at least."""


def milliseconds(name: str, image: np.ndarray) -> float:
    """The least processor time of one picture."""
    hardiness.corrupt(image, name, severity=3)
    times, end = [], time.monotonic() + sized(1, 0) * SECONDS
    while not times or time.monotonic() < end:
        began = time.process_time()
        hardiness.corrupt(image, name, severity=3)
        times.append(time.process_time() - began)
    return 1000 * min(times)


def main() -> int:
    """Print the time of each corruption and size."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sizes = SIZES[: sized(len(SIZES))]
    pictures = [np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    notes: dict[str, object] = {}
    for name in hardiness.list_corruptions():
        for (height, width), picture in zip(sizes, pictures, strict=True):
            notes[f"{name}, {height}x{width}: ms"] = milliseconds(name, picture)
    return tell({}, notes, versions("numpy", "opencv-python-headless"), 1)


if __name__ == "__main__":
    sys.exit(main())
