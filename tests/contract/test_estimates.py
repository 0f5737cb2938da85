"""Every card's scores by image, as estimates: the same values, and the standard errors of jackknife and bootstrap."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hardiness.benchmarks.card import cards, published_baseline
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.estimate import mean

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


@pytest.mark.slow
@pytest.mark.parametrize("name", cards.names())
def test_scores_by_which_runs_are_compared_are_those_of_the_page(name: str, laws: ModuleType) -> None:
    """The same value as the card's own score of that name, and the standard error of leaving images out."""
    card, run = cards.get(name), laws.run_of(name)
    table = card.table(laws.rows_of(name, run), run)
    every = np.arange(len(table))
    own = {(score.metric, score.condition): score.value for score in card.scores(table, run, published_baseline(run))}
    for score in card.measurables(table, run, published_baseline(run)):
        found, n = score.estimate(every), len(table)
        shown = own.get((score.metric, score.condition))
        if shown is None or np.isnan(found.value):
            continue
        assert found.value == pytest.approx(shown, abs=1e-9), score.metric
        assert found.ids.tolist() == every.tolist()
        assert found.influence.mean() == pytest.approx(0, abs=1e-9)
        without = np.array([score.estimate(np.delete(every, k)).value for k in range(n)])
        jackknife = np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2))
        # Where images are sorted into bins of a hundred, one that is left out moves all edges.
        near = 0.6 if "calibration" in score.metric else 0.05
        assert found.error == pytest.approx(jackknife, rel=near, abs=1e-12), score.metric
        if np.isfinite(score.span):
            assert np.ptp(found.influence) <= score.span + 1e-9, score.metric


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
