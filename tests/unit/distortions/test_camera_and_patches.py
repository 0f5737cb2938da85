"""Photon counts in distribution, bits, and what is dropped or moved, by their rules."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import stats

from hardiness.distortions.apply import corrupt, corruptions
from hardiness.imaging.noise import cumulated_poisson, sensor_noise

IMAGE = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)


@pytest.mark.parametrize("severity", range(1, 6))
def test_bits_are_those_of_pils_posterize(severity: int) -> None:
    expected = np.asarray(ImageOps.posterize(Image.fromarray(IMAGE), 6 - severity))
    np.testing.assert_array_equal(corrupt(IMAGE, "color_quant", severity), expected)


def test_cumulated_chances_are_those_of_scipy() -> None:
    means = np.array([0.0, 0.3, 7.0, 25.0])
    found = cumulated_poisson(means, 26)
    np.testing.assert_allclose(found[:, :-1], stats.poisson.cdf(np.arange(25), means[:, None]), atol=1e-12)
    assert (found[:, -1] == 1).all()


def test_without_normal_noise_values_are_counts_over_white() -> None:
    grey = np.full((224, 224, 3), 100, np.uint8)
    table = cumulated_poisson(np.asarray(25.0 * np.arange(256) / 255.0), 26)
    uniforms = np.random.default_rng(1).random(grey.shape, dtype=np.float32)
    found = sensor_noise(grey, table, uniforms, np.zeros_like(uniforms), (25.0, 0.0))
    outcomes = (np.minimum(np.arange(26) / 25, 1) * 255).astype(np.uint8)
    counts = np.searchsorted(outcomes, found.ravel())
    np.testing.assert_array_equal(outcomes[counts], found.ravel())
    chances = np.diff(table[100], prepend=0)
    enough = chances * found.size >= 5
    expected = np.append(chances[enough], chances[~enough].sum()) * found.size
    observed = np.append(np.bincount(counts, minlength=26)[enough], np.isin(counts, np.flatnonzero(~enough)).sum())
    assert stats.chisquare(observed[expected > 0], expected[expected > 0]).pvalue > 1e-4


@pytest.mark.parametrize("severity", range(1, 6))
def test_iso_noise_has_the_published_mean_and_deviation(severity: int) -> None:
    sigma, value = corruptions.get("iso_noise").level(severity).sigma, 0.4
    grey = np.full((224, 224, 3), round(255 * value), np.uint8)
    random = np.random.default_rng(severity)
    published = np.clip(random.poisson(25 * value, grey.shape) / 25, 0, 1) + random.normal(0, sigma, grey.shape)
    published = np.clip(published, 0, 1) * 255
    found = corrupt(grey, "iso_noise", severity).astype(float)
    assert found.mean() == pytest.approx(np.floor(published).mean(), abs=0.7)
    assert found.std() == pytest.approx(published.std(), rel=0.02)


def test_low_light_squares_the_stretched_values() -> None:
    values = np.linspace(40, 240, 8).astype(np.uint8)
    steps = np.repeat(values, 28 * 224 * 3).reshape(224, 224, 3)
    found = corrupt(steps, "low_light", 2).astype(float).reshape(8, -1).mean(axis=1) / 255
    expected = ((values - 40.0) / 200) ** 2 * 0.5 - 0.5 / 255  # values are truncated
    np.testing.assert_allclose(found[2:], expected[2:], atol=0.002)
    assert (corrupt(np.full((40, 40, 3), 77, np.uint8), "low_light", 1) < 40).all()


@pytest.mark.parametrize("severity", range(1, 10))
def test_exactly_the_published_number_of_cells_is_dropped(severity: int) -> None:
    image = np.maximum(IMAGE, 1)
    found = corrupt(image, "patch_drop", severity, id="a")
    cells = found.reshape(14, 16, 14, 16, 3).swapaxes(1, 2).reshape(196, -1)
    dropped = (cells == 0).all(axis=1)
    assert dropped.sum() == severity * 196 // 10
    originals = image.reshape(14, 16, 14, 16, 3).swapaxes(1, 2).reshape(196, -1)
    np.testing.assert_array_equal(cells[~dropped], originals[~dropped])


@pytest.mark.parametrize(("severity", "rows", "columns"), [(1, 2, 2), (2, 2, 4), (6, 14, 14), (7, 16, 16)])
def test_shuffled_cells_are_the_same_cells(severity: int, rows: int, columns: int) -> None:
    found = corrupt(IMAGE, "patch_shuffle", severity, id="b")

    def cells(image: np.ndarray) -> list[bytes]:
        parts = image.reshape(rows, 224 // rows, columns, 224 // columns, 3).swapaxes(1, 2)
        return sorted(part.tobytes() for row in parts for part in row)

    assert cells(found) == cells(IMAGE)
    order = corruptions.get("patch_shuffle").draw(
        np.random.default_rng(0), IMAGE.shape, corruptions.get("patch_shuffle").level(1)
    )
    moved = corruptions.get("patch_shuffle").apply(IMAGE, corruptions.get("patch_shuffle").level(1), order)
    first = int(order[0])
    top, left = first // 2 * 112, first % 2 * 112
    np.testing.assert_array_equal(moved[:112, :112], IMAGE[top : top + 112, left : left + 112])
