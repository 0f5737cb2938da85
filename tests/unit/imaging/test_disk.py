"""Running sums over a disk's outline against the plain sum over its area."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hardiness.imaging.blur import disk_filter, disk_outline, filter_outline, running_sums

DISKS = [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)]
SMALL_DISKS = [(0.3, 0.4), (1.0, 0.2), (1.5, 0.1)]


def defocused(image: np.ndarray, radius: float, alias_sigma: float) -> np.ndarray:
    outline = disk_outline(radius, alias_sigma)
    return filter_outline(running_sums(image, outline.counts.size - 1), *outline)


@pytest.mark.parametrize(("radius", "alias_sigma"), DISKS)
def test_the_disk_is_normalised_symmetric_and_of_its_area(radius: int, alias_sigma: float) -> None:
    disk = disk_filter(radius, alias_sigma).astype(np.float64)
    assert disk.sum() == pytest.approx(1.0, abs=0.015)  # the reflected rim of the largest disks weighs more
    np.testing.assert_array_equal(disk, disk[::-1])
    np.testing.assert_allclose(disk, disk.T, atol=1e-9)
    assert 1 / disk.max() == pytest.approx(np.pi * radius**2, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(32, 60),
    width=st.integers(32, 60),
    disk=st.sampled_from(DISKS + SMALL_DISKS),
    seed=st.integers(0, 2**32 - 1),
)
def test_outline_and_area_agree(height: int, width: int, disk: tuple[float, float], seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    area = disk_filter(*disk).astype(np.float64)[:, :, None]
    expected = np.clip(ndimage.correlate(image.astype(np.float64), area, mode="mirror"), 0, 255)
    found = defocused(image, *disk)
    assert np.all(found <= expected + 1e-3)
    assert np.all(found > expected - 1 - 1e-3)


@pytest.mark.parametrize(("radius", "alias_sigma"), DISKS)
def test_flat_areas_are_truncated_as_in_double_precision(radius: int, alias_sigma: float) -> None:
    total = disk_filter(radius, alias_sigma).astype(np.float64).sum()
    for value in (1, 100, 255):
        image = np.full((40, 40, 3), value, np.uint8)
        assert np.unique(defocused(image, radius, alias_sigma)) == [int(min(value * total, 255.0))]
