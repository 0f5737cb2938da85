"""Flips of two runs: counts by hand, intervals by the methods that they name."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.condition import Condition
from hardiness.statistics.flips import FlipTable
from hardiness.statistics.intervals import clopper_pearson, wilson

CELLS = (Condition(), Condition(corruption="fog", severity=1))


def table(before: np.ndarray, now: np.ndarray, label: np.ndarray | None = None) -> FlipTable:
    """Of answers ``(N, M)``, -1 where there is none; an answer is right where it is the label."""
    n = len(before)
    label = np.zeros(n, np.int32) if label is None else label
    right = tuple(np.where(each < 0, -1, each == label[:, None]).astype(np.int8) for each in (before, now))
    ids = np.array([f"n/{k:03d}" for k in range(n)], object)
    return FlipTable.from_answers(ids, label, CELLS[: before.shape[1]], right, (before, now))


def test_one_condition_counts_and_the_interval_of_a_share() -> None:
    before = np.repeat([0, 0, 1, 1, 1], [50, 7, 3, 20, 20])[:, None]
    now = np.repeat([0, 1, 0, 1, 2], [50, 7, 3, 20, 20])[:, None]
    flips = table(before, now).over()
    assert flips is not None
    assert (flips.n, flips.negative.value, flips.positive.value) == (100, 0.07, 0.03)
    assert flips.agreement.value == pytest.approx(0.70)
    scores = flips.negative, flips.positive, flips.agreement
    assert [(each.metric, each.higher_is_better, each.n) for each in scores] == [
        ("negative_flips", False, 100),
        ("positive_flips", True, 100),
        ("agreement", True, 100),
    ]
    assert flips.negative.interval.low == pytest.approx(clopper_pearson(7, 100).low)
    assert flips.negative.interval.high == pytest.approx(max(wilson(7, 100).high, clopper_pearson(7, 100).high))


def test_an_answer_that_one_run_lacks_counts_nowhere() -> None:
    before, now = np.array([[0, 0], [0, 1], [0, -1]]), np.array([[1, 0], [0, 0], [0, 0]])
    found = table(before, now)
    by_condition = dict(found.by_condition())
    assert by_condition[CELLS[1]].n == 2
    assert by_condition[CELLS[1]].positive.value == 0.5
    assert by_condition[CELLS[0]].negative.value == pytest.approx(1 / 3)
    assert table(before[2:, 1:], now[2:, 1:]).over() is None


def test_classes_add_up_to_the_whole_and_the_worst_stands_first() -> None:
    draws = np.random.default_rng(3)
    label = np.repeat(np.arange(4), [40, 30, 20, 10]).astype(np.int32)
    before = np.where(draws.random((100, 2)) < 0.8, label[:, None], 9)
    now = np.where(draws.random((100, 2)) < 0.6, label[:, None], 9)
    found = table(before, now, label)
    classes, overall = found.by_class().flips, found.over()
    assert overall is not None
    for name in ("negative", "positive", "agreement"):
        total = sum(getattr(flips, name).value * flips.n for _, flips in classes)
        assert total / 100 == pytest.approx(getattr(overall, name).value)
    losses = [flips.negative.value for _, flips in classes]
    assert losses == sorted(losses, reverse=True)
    for _, flips in classes:
        assert 0 <= flips.negative.interval.low <= flips.negative.value <= flips.negative.interval.high <= 1


def test_classes_of_few_images_say_nothing_alone() -> None:
    """Of one image a class, -100 points (-100 … +81) is no finding: such classes are one part together, the last."""
    label = np.repeat(np.arange(5), [30, 9, 1, 12, 2]).astype(np.int32)
    before, now = label[:, None], np.where(np.isin(label, (1, 2)), 9, label)[:, None].copy()
    now[:3] = 9
    found = table(before, now, label).by_class(lambda index: f"class {index}")
    assert found.small == 3
    small = "3 classes of fewer than 10 images"
    assert [name for name, _ in found.flips] == ["class 0", "class 3", small], "the last, however much it loses"
    assert [name for name, _ in found.changes] == ["class 0", "class 3", small]
    assert [flips.n for _, flips in found.flips] == [30, 12, 12]
    assert [flips.negative.value for _, flips in found.flips] == pytest.approx([3 / 30, 0, 10 / 12])
    assert [change.value for _, change in found.changes] == pytest.approx([-3 / 30, 0, -10 / 12])
    assert found.flips[2][1].negative.interval.low == pytest.approx(clopper_pearson(10, 12).low)


def test_where_every_class_is_small_nothing_is_said_by_class() -> None:
    label = np.repeat(np.arange(9), 9).astype(np.int32)
    found = table(label[:, None], np.full((81, 1), 9), label).by_class()
    assert (found.flips, found.changes, found.small) == ((), (), 0)
    answered = np.where(np.arange(20) < 12, 0, -1)[:, None]
    seen = table(np.zeros((20, 1), int), answered, np.repeat([0, 1], [11, 9]).astype(np.int32)).by_class()
    assert [(name, flips.n) for name, flips in seen.flips] == [("0", 11), ("1 class of fewer than 10 images", 1)]


def test_cells_of_one_image_are_not_counted_as_images() -> None:
    """Thirty images whose cells all flip alike know as much as thirty, not sixty, answers."""
    before = np.zeros((30, 2), int)
    now = np.repeat(np.arange(30) < 6, 2).reshape(30, 2).astype(int)
    flips = table(before, now).over()
    assert flips is not None
    interval = flips.negative.interval
    assert interval.high - interval.low >= wilson(6, 30).high - wilson(6, 30).low - 1e-9
