"""Scores by class against scikit-learn's and torchmetrics'; what each picture adds against leaving it out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn import metrics

from hardiness.benchmarks.own_classes import area_under_roc, average_precision, class_scores
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import DataIdentity, Run
from hardiness.core.table import ImageTable, Records
from hardiness.report.words import text as said
from hardiness.statistics.estimate import Estimate, mean, means_by_group

CELLS = (
    Condition(),
    *(Condition(corruption=name, severity=severity) for name in ("fog", "snow") for severity in (1, 3, 5)),
)


def table_of(
    label: NDArray[np.int64], answer: NDArray[np.int64], confidence: NDArray[np.float32], cells: tuple[Condition, ...]
) -> ImageTable:
    """The table of answers ``(N, M)``."""
    n, m = answer.shape
    rows = {
        "sample": np.repeat([f"{number:06d}" for number in range(n)], m),
        "condition": np.tile(np.arange(m, dtype=np.int16), n),
        "label": np.repeat(label, m).astype(np.int32),
    }
    kept = {
        "right": (answer == label[:, None]).ravel(),
        "answer": answer.ravel().astype(np.int16),
        "confidence": confidence.ravel(),
    }
    return ImageTable.from_rows(Records(rows), cells, kept)


def run_of(classes: int, cells: tuple[Condition, ...] = CELLS) -> Run:
    names = tuple(f"class {chr(97 + k)}" for k in range(classes))
    return Run(data=DataIdentity("mine", "", 0, classes, classes=names), conditions=cells)


def drawn(classes: int, n: int = 400, cells: int = len(CELLS)) -> tuple[NDArray[np.int64], ...]:
    """Labels with a long tail, and answers of which more are wrong in each further cell."""
    draws = np.random.default_rng(classes)
    label = np.minimum(draws.geometric(0.4, n) - 1, classes - 1)
    other = draws.integers(0, classes, (n, cells))
    answer = np.where(draws.random((n, cells)) < np.linspace(0.1, 0.7, cells), other, label[:, None])
    return label, answer, draws.uniform(1 / classes, 1, (n, cells)).astype(np.float32)


def found(scores: list[Score]) -> dict[tuple[str, Condition], Score]:
    return {(score.metric, score.condition): score for score in scores}


@pytest.mark.parametrize("classes", [2, 5, 9])
def test_scores_of_a_cell_equal_scikit_learns_and_torchmetrics(classes: int) -> None:
    from torchmetrics.functional import classification as theirs  # here: its import takes five seconds

    label, answer, confidence = drawn(classes, cells=1)
    ours = found(class_scores(table_of(label, answer, confidence, CELLS[:1]), run_of(classes, CELLS[:1])))
    alone = answer[:, 0]
    assert ours["balanced_accuracy", Condition()].value == pytest.approx(metrics.balanced_accuracy_score(label, alone))
    assert ours["macro_f1", Condition()].value == pytest.approx(metrics.f1_score(label, alone, average="macro"))
    recalls = metrics.recall_score(label, alone, average=None, labels=range(classes))
    by_torch = theirs.multiclass_recall(torch.tensor(alone), torch.tensor(label), classes, average=None)
    for k, name in enumerate(run_of(classes).data.classes):
        recall = ours["recall", Condition(**{"class": name})]
        assert recall.value == pytest.approx(recalls[k]) == pytest.approx(by_torch[k].item())
        assert recall.interval.low <= recall.value <= recall.interval.high
        assert recall.n == np.count_nonzero(label == k)
    assert ours["worst_class", Condition()].value == pytest.approx(recalls.min())
    matrix = metrics.confusion_matrix(label, alone, normalize="true")
    np.fill_diagonal(matrix, 0)
    confused = [score for (metric, _), score in ours.items() if metric == "confused"]
    assert confused[0].value == pytest.approx(matrix.max())
    assert len(confused) <= 10


def test_two_classes_have_the_areas_of_scikit_learn_and_torchmetrics() -> None:
    from torchmetrics.functional import classification as theirs  # here: its import takes five seconds

    label, answer, confidence = drawn(2, cells=1)
    confidence = np.round(np.maximum(confidence, 0.5), 2)  # with ties
    ours = found(class_scores(table_of(label, answer, confidence, CELLS[:1]), run_of(2, CELLS[:1])))
    second = np.where(answer == 1, confidence, 1 - confidence.astype(np.float64))[:, 0]
    area, precision = ours["auroc_two_classes", Condition()].value, ours["average_precision", Condition()].value
    assert area == pytest.approx(metrics.roc_auc_score(label, second))
    assert precision == pytest.approx(metrics.average_precision_score(label, second))
    given = torch.tensor(second), torch.tensor(label)
    assert area == pytest.approx(theirs.binary_auroc(*given).item(), abs=1e-6)
    assert precision == pytest.approx(theirs.binary_average_precision(*given).item(), abs=1e-6)


@pytest.mark.parametrize("measure", [area_under_roc, average_precision])
def test_what_a_picture_adds_is_what_is_lost_without_it(
    measure: Callable[..., tuple[float, NDArray[np.float64]]],
) -> None:
    draws = np.random.default_rng(3)
    positive = draws.random(600) < 0.3
    score = np.round(draws.normal(positive * 0.8), 1)
    value, added = measure(positive, score)
    assert added.mean() == pytest.approx(0, abs=1e-12)
    kept = [np.arange(600) != one for one in range(0, 600, 7)]
    left_out = np.array([value - measure(positive[rows], score[rows])[0] for rows in kept])
    np.testing.assert_allclose(left_out * 600, added[::7], atol=0.02, rtol=0.05)


def test_what_a_picture_adds_to_macro_f1() -> None:
    label, answer, confidence = drawn(4, n=500, cells=1)
    table = table_of(label, answer, confidence, CELLS[:1])
    score = found(class_scores(table, run_of(4, CELLS[:1])))["macro_f1", Condition()]
    resampled = np.random.default_rng(0).integers(0, 500, (1000, 500))
    draws = [metrics.f1_score(label[rows], answer[rows, 0], average="macro") for rows in resampled]
    low, high = np.percentile(draws, [2.5, 97.5])
    assert score.interval.low == pytest.approx(low, abs=0.012)
    assert score.interval.high == pytest.approx(high, abs=0.012)


def test_means_by_group_are_those_of_each_group_alone() -> None:
    draws = np.random.default_rng(1)
    values = draws.integers(0, 2, (300, 4)).astype(float)
    values[draws.random((300, 4)) < 0.3] = np.nan
    group = draws.integers(0, 5, 300)
    group[group == 3] = 2  # one of them is empty
    ids = np.array([f"{number:03d}" for number in range(300)], object)
    all_at_once = means_by_group(values, group, 5)
    for k in (0, 1, 2, 4):
        alone: Estimate = mean(ids[group == k], values[group == k])
        assert all_at_once.value[k] == pytest.approx(alone.value)
        assert all_at_once.variance[k] == pytest.approx(alone.variance)
        assert (all_at_once.differing[k], all_at_once.n[k]) == (alone.differing, alone.n)
    assert all_at_once.n[3] == 0
    assert np.isnan(all_at_once.value[3])


def test_under_corruptions_they_are_means_over_severities() -> None:
    label, answer, confidence = drawn(5)
    ours = found(class_scores(table_of(label, answer, confidence, CELLS), run_of(5)))
    fog, right = [1, 2, 3], answer == label[:, None]
    by_hand = np.mean([metrics.balanced_accuracy_score(label, answer[:, cell]) for cell in fog])
    assert ours["balanced_accuracy", Condition(corruption="fog")].value == pytest.approx(by_hand)
    f1 = np.mean([metrics.f1_score(label, answer[:, cell], average="macro") for cell in range(1, 7)])
    assert ours["macro_f1", Condition()].value == pytest.approx(f1)
    clean = metrics.balanced_accuracy_score(label, answer[:, 0])
    assert ours["balanced_accuracy", Condition(corruption="clean")].value == pytest.approx(clean)
    assert ours["retained_accuracy", Condition(corruption="fog")].value == pytest.approx(
        right[:, fog].mean() / right[:, 0].mean()
    )
    kept = ours["retained_accuracy", Condition()]
    assert kept.value == pytest.approx(right[:, 1:].mean() / right[:, 0].mean())
    rows = np.random.default_rng(0).integers(0, len(label), (2000, len(label)))
    low, high = np.percentile([right[each, 1:].mean() / right[each, 0].mean() for each in rows], [2.5, 97.5])
    assert kept.interval.low == pytest.approx(low, abs=0.01)
    assert kept.interval.high == pytest.approx(high, abs=0.01)


@pytest.mark.parametrize("classes", [2, 5])
def test_every_interval_is_made_at_other_levels(classes: int) -> None:
    label, answer, confidence = drawn(classes)
    scores = class_scores(table_of(label, answer, confidence, CELLS), run_of(classes))
    spreads = [(score.metric, score.spread) for score in scores if score.spread]
    assert len(spreads) > 20
    assert "worst_class" in dict(spreads)
    for metric, spread in spreads:
        narrow, interval, wide = (spread.interval(level) for level in (0.8, 0.95, 0.999))
        assert wide.low <= interval.low <= narrow.low <= narrow.high <= interval.high <= wide.high, metric


def test_the_severity_at_which_accuracy_is_halved() -> None:
    n = 200
    label = np.zeros(n, np.int64)
    wrong = np.array([0.0, 0.1, 0.7, 0.9, 0.0, 0.1, 0.3]) * n  # clean, then fog and snow at 1, 3 and 5
    answer = np.array([np.arange(n) < count for count in wrong]).T.astype(np.int64)
    confidence = np.full(answer.shape, 0.9, np.float32)
    ours = found(class_scores(table_of(label, answer, confidence, CELLS), run_of(2)))
    halved = ours["severity_below", Condition(corruption="fog")]
    assert (halved.value, halved.interval) == (3, None)
    assert "it may lie beyond the last" in said(halved.lack)
    stays = ours["severity_below", Condition(corruption="snow")]
    assert stays.value is None
    assert said(stays.lack) == "it stays above 50 % of the clean accuracy up to severity 5"


def test_the_bounds_of_the_worst_class_hold_for_all_classes_at_once() -> None:
    """Of twenty equal classes one is lowest by chance: its own interval often misses, the one for all does not."""
    draws, truth, classes, n = np.random.default_rng(5), 0.8, 20, 30
    label = np.repeat(np.arange(classes), n)
    cell = CELLS[:1]
    held = plain = 0
    for _ in range(200):
        right = draws.random(classes * n) < truth
        answer = np.where(right, label, (label + 1) % classes)[:, None]
        table = table_of(label, answer, np.full(answer.shape, 0.5, np.float32), cell)
        scores = class_scores(table, run_of(classes, cell))
        worst = next(score for score in scores if score.metric == "worst_class")
        lowest = min((score for score in scores if score.metric == "recall"), key=lambda score: score.value)
        held += worst.interval.low <= truth <= worst.interval.high
        plain += lowest.interval.low <= truth <= lowest.interval.high
    assert held >= 190
    assert plain < 170


def test_the_interval_of_balanced_accuracy_covers_the_truth() -> None:
    draws, classes = np.random.default_rng(6), 6
    truth = np.array([0.95, 0.9, 0.8, 0.7, 0.9, 0.5])
    sizes = np.array([100, 60, 40, 20, 10, 10])
    label, cell, held = np.repeat(np.arange(classes), sizes), CELLS[:1], 0
    for _ in range(400):
        right = draws.random(len(label)) < truth[label]
        answer = np.where(right, label, (label + 1) % classes)[:, None]
        table = table_of(label, answer, np.full(answer.shape, 0.5, np.float32), cell)
        scores = class_scores(table, run_of(classes, cell))
        interval = next(score.interval for score in scores if score.metric == "balanced_accuracy")
        held += interval.low <= truth.mean() <= interval.high
    assert 0.92 <= held / 400 <= 0.98


def headlines(sizes: list[int], truth: NDArray[np.float64], draws: np.random.Generator) -> dict[str, Score]:
    """Scores over one draw of pictures, where a wrong answer is the next class."""
    label, classes = np.repeat(np.arange(len(sizes)), sizes), len(sizes)
    right = draws.random(len(label)) < truth[label]
    answer = np.where(right, label, (label + 1) % classes)[:, None]
    table = table_of(label, answer, np.full(answer.shape, 0.5, np.float32), CELLS[:1])
    return {each.metric: each for each in class_scores(table, run_of(classes, CELLS[:1])) if not each.condition}


@pytest.mark.parametrize(
    ("metric", "sizes", "at_least"),
    [
        ("balanced_accuracy", [3, 40, 60], 0.93),
        ("balanced_accuracy", [1, 30, 30, 30], 0.93),
        ("balanced_accuracy", [4] * 7, 0.93),
        ("macro_f1", [400, 20, 20, 20], 0.91),
        ("macro_f1", [200, 100, 60, 30, 30], 0.91),
    ],
)
def test_intervals_cover_the_truth_where_classes_have_few_pictures(
    metric: str, sizes: list[int], at_least: float
) -> None:
    """Of 300 draws; 93 % where fewer than ten errors of a class are expected, less two standard errors of 300."""
    draws = np.random.default_rng(2)
    truth = draws.uniform(0.5, 0.95, len(sizes))
    seen = np.diag(truth * sizes) + np.roll(np.diag((1 - truth) * sizes), 1, axis=1)
    expected = {"balanced_accuracy": truth.mean(), "macro_f1": np.mean(2 * np.diag(seen) / (seen.sum(0) + seen.sum(1)))}
    intervals = [headlines(sizes, truth, draws)[metric].interval for _ in range(300)]
    assert np.mean([each.low <= expected[metric] <= each.high for each in intervals]) >= at_least


@pytest.mark.parametrize("positive", [10, 20])
def test_the_interval_of_auroc_covers_the_truth_where_one_class_is_rare(positive: int) -> None:
    """Two normals one standard deviation apart; an interval as of 1,020 answers would hold in 4 of 10 draws."""
    draws, truth, held = np.random.default_rng(3), statistics.NormalDist().cdf(math.sqrt(0.5)), 0
    label = np.repeat([1, 0], [positive, 1000])
    for _ in range(300):
        probable = 1 / (1 + np.exp(0.5 - draws.normal(label, 1)))
        answer = (probable > 0.5).astype(int)
        confidence = np.where(answer == 1, probable, 1 - probable)[:, None]
        scores = class_scores(table_of(label, answer[:, None], confidence, CELLS[:1]), run_of(2, CELLS[:1]))
        (interval,) = (each.interval for each in scores if each.metric == "auroc_two_classes" and not each.condition)
        held += interval.low <= truth <= interval.high
    assert held / 300 >= 0.91


def test_what_divides_by_counts_of_a_class_of_nine_has_no_interval() -> None:
    draws = np.random.default_rng(0)
    scores = headlines([9, 40], np.array([0.8, 0.9]), draws)
    for metric in ("macro_f1", "auroc_two_classes", "average_precision"):
        assert scores[metric].value is not None
        assert scores[metric].interval is None
        assert said(scores[metric].lack) == "the smallest class has 9 pictures; an interval takes 10 of each"
    assert headlines([10, 40], np.array([0.8, 0.9]), draws)["macro_f1"].interval is not None
