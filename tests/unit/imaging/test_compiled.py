"""Kernels are compiled on first use, once, and give up the GIL."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from hardiness.imaging.colour import drawn_to_means
from hardiness.imaging.compiled import compiled


@compiled
def spin(rounds: int) -> float:
    """A sum that takes a while."""
    total = 0.0
    for i in range(rounds):
        total += (i % 7) * 0.5
    return total


@pytest.mark.slow
def test_a_kernel_lets_other_threads_run() -> None:
    spin(1)
    ticks = 0
    worker = threading.Thread(target=spin, args=(3 * 10**8,))
    worker.start()
    while worker.is_alive():
        time.sleep(0.002)
        ticks += 1
    worker.join()
    assert ticks > 3


@pytest.mark.slow
def test_first_calls_from_many_threads_agree() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    results: list[list[int]] = []
    workers = [threading.Thread(target=lambda: results.append(drawn_to_means(image, 1.0).tolist())) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 8
    assert all(found == results[0] for found in results)
    assert np.abs(np.array(results[0]) - image).max() <= 1


def test_the_wrapped_function_keeps_its_name_and_words() -> None:
    assert spin.__name__ == "spin"
    assert spin.__doc__ == "A sum that takes a while."


def test_listing_the_corruptions_loads_no_compiler() -> None:
    code = (
        "import sys, hardiness.distortions as c; assert len(c.corruptions.names()) >= 19; "
        "print([m for m in ('numba', 'scipy', 'cv2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
