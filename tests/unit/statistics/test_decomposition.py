"""The parts of a difference add up to it."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.errors import ArgumentError
from hardiness.statistics.comparison import mean_difference
from hardiness.statistics.confidence import rms_calibration_error
from hardiness.statistics.decomposition import brier, by_calibration, by_cells, by_class


def tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    first, second = generator.random((400, 6)) < 0.4, generator.random((400, 6)) < 0.4
    second[:, 2] |= generator.random(400) < 0.5  # one cell in which the second errs far more
    weights = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.3])
    return first, second, weights


@pytest.mark.parametrize("groups", [list("aabbcc"), [1, 2, 1, 2, 1, 2]])
def test_parts_by_group_of_cells_add_up_and_the_guilty_one_is_told(groups: list[object]) -> None:
    first, second, weights = tables()
    parts = by_cells(first, second, weights, groups)
    whole = mean_difference((first.astype(float) - second) @ weights, float(weights.sum()))
    assert sum(part.difference.value for part in parts) == pytest.approx(whole.value)
    guilty = min(parts, key=lambda part: part.difference.value)
    assert guilty.name == str(groups[2])
    assert guilty.adjusted is not None
    assert guilty.adjusted < 1e-6
    assert all(part.adjusted >= part.difference.p for part in parts)


def test_parts_by_class_add_up() -> None:
    first, second, weights = tables()
    apart = (first.astype(float) - second) @ weights
    labels = np.arange(400) % 7
    parts = by_class(apart, labels, span=float(weights.sum()))
    assert len(parts) == 7
    assert sum(part.difference.value for part in parts) == pytest.approx(apart.mean())
    sizes = [abs(part.difference.value) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert {part.name for part in parts} == set("0123456")


def test_each_part_by_class_is_the_mean_difference_of_its_images_alone() -> None:
    first, second, weights = tables()
    apart = (first.astype(float) - second) @ weights
    labels = np.arange(400) % 7
    for part in by_class(apart, labels, span=float(weights.sum()), namer=lambda label: f"class {label}"):
        alone = mean_difference(np.where(labels == int(part.name[6:]), apart, 0.0), float(weights.sum()))
        assert part.difference.value == pytest.approx(alone.value)
        assert part.difference.interval is not None
        assert alone.interval is not None
        assert part.difference.interval.low == pytest.approx(alone.interval.low)
        assert part.difference.method == alone.method


def test_nothing_is_said_of_a_class_of_fewer_than_ten_images() -> None:
    """With one image a class the table named "tench -0.40"."""
    apart = np.where(np.arange(300) % 3 == 0, 1.0, 0.0)
    assert by_class(apart, np.arange(300)) == []
    labels = np.minimum(np.arange(300) // 9, 20)  # twenty classes of nine, one of the rest
    parts = by_class(apart, labels, namer=lambda label: f"class {label}")
    assert [part.name for part in parts] == ["class 20", "20 classes of fewer than 10 images"]
    assert sum(part.difference.value for part in parts) == pytest.approx(apart.mean())


def test_parts_by_calibration_add_up_and_the_overconfident_one_pays_there() -> None:
    generator = np.random.default_rng(3)
    chance = generator.uniform(0.3, 1.0, 600)
    right = generator.random(600) < chance
    overconfident, honest = np.sqrt(np.sqrt(chance)), chance
    calibration, refinement = by_calibration((overconfident, right), (honest, right))
    scores = [np.mean((confidence - right) ** 2) for confidence in (overconfident, honest)]
    assert calibration.difference.value + refinement.difference.value == pytest.approx(scores[0] - scores[1])
    assert calibration.name == "calibration"
    assert calibration.difference.is_told_apart
    assert calibration.difference.value > 0
    assert abs(refinement.difference.value) < 0.2 * calibration.difference.value


def test_unequal_tables_are_refused() -> None:
    first, second, weights = tables()
    with pytest.raises(ArgumentError, match="equal tables"):
        by_cells(first, second[:, :5], weights, list("aabbcc"))


def test_brier_is_calibration_and_refinement() -> None:
    generator = np.random.default_rng(1)
    confidence = generator.random(1000)
    right = generator.random(1000) < confidence
    found = brier(confidence, right)
    assert found.score == pytest.approx(np.mean((confidence - right) ** 2))
    assert found.calibration == pytest.approx(rms_calibration_error(confidence, right, "all-bins") ** 2)
    assert found.calibration + found.refinement == pytest.approx(found.score)
    sure = brier(np.minimum(confidence + 0.3, 1), right)
    assert sure.calibration > 10 * found.calibration
    with pytest.raises(ArgumentError, match="needs 100 images, had 99"):
        brier(confidence[:99], right[:99])
