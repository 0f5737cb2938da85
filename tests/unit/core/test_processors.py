"""The number of cores, on systems that say which ones may be used and on those that do not."""

from __future__ import annotations

import os

import numpy as np
import pytest

from hardiness.core import usable_cores
from hardiness.distortions import corrupt
from hardiness.distortions.apply import corrupt_batch


def test_affinity_counts_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert usable_cores() == 3


def test_without_affinity_all_cores_count_and_batches_are_corrupted_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert usable_cores() == 2
    image = np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)
    first, second = corrupt_batch([image, image], "contrast", 2, ids=["a", "b"])
    np.testing.assert_array_equal(first, corrupt(image, "contrast", 2, id="a"))
    np.testing.assert_array_equal(second, first)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
