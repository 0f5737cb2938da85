"""Every card's scores by image, as estimates: the same values, and the standard errors of leaving images out."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from hardiness.benchmarks.card import cards, published_baseline
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Score
from hardiness.core.table import RIGHT
from hardiness.reference.published_numbers import baseline
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.estimate import mean

IMAGES = 240

VALUE, ERROR = 1e-12, 0.05
"""How near the value of an estimate is to the card's own score, and its standard error to the reference, as a share."""

CALIBRATION = "rms_calibration_error"

FARTHER_FROM_JACKKNIFE = {
    CALIBRATION: (
        0.25,
        "an image that is left out moves the edges of all bins above it by one image, of which the estimate takes the "
        "mean of a hundred; its error is held to 5 % of what the weights of images say",
    )
}
"""Scores whose jackknife is no sound reference: how near they are to it all the same, and why not nearer."""

DIVIDED = {"corruption": "imagenet-c", "perturbation": "imagenet-p"}
"""Cards with ratios, and the benchmark whose published errors these divide by here."""


@pytest.fixture(scope="module")
def laws() -> ModuleType:
    """Rows of many images for each card, made as those of `test_cards.py`."""
    spec = importlib.util.spec_from_file_location("cards_of_many", Path(__file__).with_name("test_cards.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pairs = (("cat", "dog"), ("dog", "oven"), ("oven", "cat"))
    stimuli = [f"{shape}{i}-{texture}{i}" for i in range(IMAGES // 3) for shape, texture in pairs]
    outside = [f"{'ninco:' if i % 2 else ''}{name}" for i, name in enumerate(stimuli)]
    shown = [f"{('contrast/c05', 'contrast/c30', 'edge/0')[i % 3]}/{name}" for i, name in enumerate(stimuli)]
    samples = {"ood": outside, "ood_unit_tests": outside, "model_vs_human": shown}
    module.STIMULI, module.SAMPLES = stimuli, samples  # type: ignore[attr-defined]
    return module


def from_influence(influence: NDArray[np.float64]) -> float:
    n = len(influence)
    return float(np.sqrt(np.sum((influence - influence.mean()) ** 2) / (n * (n - 1))))


def by_weights(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The standard error of the RMS calibration error without its last bin, by a little more and less of each image.

    Bins hold a hundredth of n each in weight: what passes an edge then has the mean gap of the hundred images about it.
    An infinitesimal jackknife by differences.
    """
    gap = (confidence.astype(np.float64) - right)[np.argsort(confidence, kind="stable")]
    n, step = len(gap), 1e-5
    edges = np.arange(100, n // 100 * 100, 100)
    about = np.array([gap[edge - 50 : edge + 50].mean() for edge in edges])

    def error(weights: NDArray[np.float64]) -> float:
        weights = weights * n / weights.sum()
        passes = (edges - np.cumsum(weights)[edges - 1]) * about
        sums = (weights * gap)[: edges[-1]].reshape(-1, 100).sum(axis=1) + np.diff(passes, prepend=0.0)
        return float(np.sqrt(np.sum(100 / n * (sums / 100) ** 2)))

    slopes = [error(1 + row) - error(1 - row) for row in step * np.eye(n)]
    return from_influence(n * np.array(slopes) / (2 * step))


@pytest.mark.slow
@pytest.mark.parametrize("name", cards.names())
def test_scores_by_which_runs_are_compared_are_those_of_the_page(name: str, laws: ModuleType) -> None:
    """The same value as the card's own score of that name, and the standard error of leaving images out."""
    card, run = cards.get(name), laws.run_of(name)
    table = card.table(laws.rows_of(name, run), run)
    every = np.arange(len(table))
    divisors = baseline(DIVIDED[name]) if name in DIVIDED else published_baseline(run)
    own = {(score.metric, score.condition): score.value for score in card.scores(table, run, divisors)}
    held = []
    for score in card.measurables(table, run, divisors):
        found, n = score.estimate(every), len(table)
        shown = own.get((score.metric, score.condition))
        if shown is None or np.isnan(found.value):
            continue
        held.append(score.metric)
        assert found.value == pytest.approx(shown, rel=VALUE, abs=VALUE), score.metric
        if score.compared:  # of some images alone, a run is at most stopped
            assert found.ids.tolist() == every.tolist()
        assert found.influence.mean() == pytest.approx(0, abs=VALUE)
        without = np.array([score.estimate(np.delete(every, k)).value for k in range(n)])
        jackknife = np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
        near, _ = FARTHER_FROM_JACKKNIFE.get(score.metric, (ERROR, ""))
        assert found.error == pytest.approx(jackknife, rel=near, abs=VALUE), score.metric
        if score.metric == CALIBRATION:
            reference = by_weights(table["confidence"][:, 0], table[RIGHT][:, 0] == 1)
            assert found.error == pytest.approx(reference, rel=ERROR), score.metric
        if np.isfinite(score.span):
            assert np.ptp(found.influence) <= score.span + 1e-9, score.metric
    assert name not in DIVIDED or len(held) > 1, "a ratio is among them"


@pytest.mark.parametrize("name", cards.names())
def test_every_interval_is_made_again_from_what_is_kept_of_it_and_at_other_levels(name: str, laws: ModuleType) -> None:
    card, run = cards.get(name), laws.run_of(name)
    table = card.table(laws.rows_of(name, run), run)
    scores = card.scores(table, run, baseline(DIVIDED[name]) if name in DIVIDED else published_baseline(run))
    kept = from_json(list[Score], json.loads(json.dumps(json_form(scores))), "the memo")
    assert kept == list(scores)
    spreads = {(each.metric, each.condition): each.spread for each in kept if each.spread}
    assert spreads, "eight images or more have an interval of something"
    for (metric, _), spread in spreads.items():
        interval, narrow, wide = (spread.interval(level) for level in (0.95, 0.8, 1 - 0.05 / 60))
        assert wide.low <= interval.low <= narrow.low, metric
        assert narrow.high <= interval.high <= wide.high, metric


@pytest.mark.parametrize("name", cards.names())
def test_scores_by_which_runs_stop_are_estimates(name: str, laws: ModuleType) -> None:
    card, run = cards.get(name), laws.run_of(name)
    table = card.table(laws.rows_of(name, run), run)
    draws = np.random.default_rng(5)
    sums = card.sums(table, run, baseline(DIVIDED[name]) if name in DIVIDED else None)
    assert bool(sums) == bool(card.stops_on)
    for whole in sums:
        thinned = np.where(draws.random(whole.values.shape) < 0.4, np.nan, whole.values)
        for values in (whole.values, thinned):
            weighty = values[:, whole.weights != 0]
            found = mean(table.ids, values, whole.weights, images_alike=True)
            expected = cell_estimate(table.ids, weighty, whole.weights[whole.weights != 0])
            assert found.value == pytest.approx(expected.value, abs=1e-12), whole.metric
            assert found.variance == pytest.approx(expected.variance, rel=1e-9), whole.metric
