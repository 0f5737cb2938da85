"""Every card's scores by image, as estimates: the same values, and the standard errors of jackknife and bootstrap."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import Resamples
from hardiness.statistics.measures import OfMeans

IMAGES = 240


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


def estimate_of(measure: OfMeans, ids: np.ndarray) -> Estimate:
    """The same score as algebra on means of columns."""
    columns = measure.values.shape[1]
    if measure.linear:
        constant = measure.combine(np.zeros((1, columns)))[0]
        weights = measure.combine(np.eye(columns)) - constant
        return mean(ids, measure.values, weights) + float(constant)
    named = [mean(ids, measure.values[:, column]) for column in range(columns)]
    return named[0] / (named[0] + named[1])  # shape bias, the one ratio


@pytest.mark.parametrize("name", cards.names())
def test_scores_by_which_runs_are_compared_are_estimates(name: str, laws: ModuleType) -> None:
    card, run = cards.get(name), laws.run_of(name)
    table = card.table(laws.rows_of(name, run), run)
    resamples, every = Resamples(table.ids), np.arange(len(table))
    for score in card.measurables(table, run):
        measure = score.of(every)
        if not isinstance(measure, OfMeans) or measure.undefined:
            continue
        found, n = estimate_of(measure, table.ids), len(table)
        values = measure.values.astype(np.float64)
        assert found.value == pytest.approx(measure.combine(np.nanmean(values, axis=0)), abs=1e-12), score.metric
        present = ~np.isnan(values)
        sums = np.nansum(values, axis=0) - np.nan_to_num(values)
        without = measure.combine(sums / (present.sum(axis=0) - present))
        jackknife = np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
        assert found.error == pytest.approx(jackknife, rel=0.05, abs=1e-12), score.metric
        # A thousand resamples know the error to 2 %.
        drawn = float(np.std(measure.draws(resamples)[1:], ddof=1))
        assert found.error == pytest.approx(drawn, rel=0.1, abs=1e-9), score.metric


@pytest.mark.parametrize("name", cards.names())
def test_scores_by_which_runs_stop_are_estimates(name: str, laws: ModuleType) -> None:
    card, run = cards.get(name), laws.run_of(name)
    table = card.table(laws.rows_of(name, run), run)
    draws = np.random.default_rng(5)
    sums = card.sums(table, run, None)
    assert bool(sums) == bool(card.stops_on)
    for whole in sums:
        thinned = np.where(draws.random(whole.values.shape) < 0.4, np.nan, whole.values)
        for values in (whole.values, thinned):
            weighty = values[:, whole.weights != 0]
            found = mean(table.ids, values, whole.weights, images_alike=True)
            expected = cell_estimate(table.ids, weighty, whole.weights[whole.weights != 0])
            assert found.value == pytest.approx(expected.value, abs=1e-12), whole.metric
            assert found.variance == pytest.approx(expected.variance, rel=1e-9), whole.metric
