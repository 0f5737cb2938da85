"""How often intervals of one run hold the true value: by simulation, from few images and few errors to many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from hardiness.core import ArgumentError, BenchmarkIdentity, Condition, DataIdentity, ImageTable, Interval, Run
from hardiness.scoring.card import registry
from hardiness.scoring.intervals import effective_wilson, variance_of, wilson

TRIALS = 240
SLACK = 2 * np.sqrt(0.05 * 0.95 / TRIALS)
"""Twice the error of a share of so many trials."""

CELLS = tuple(
    Condition(corruption=name, severity=level) for name in ("fog", "snow", "frost", "jpeg") for level in range(1, 6)
)


def held(trial: Callable[[np.random.Generator], tuple[Interval | None, float]], *key: int) -> float:
    """The share of trials whose interval holds the true value; those without an interval count as having held it."""
    generator = np.random.default_rng(key)
    found = [trial(generator) for _ in range(TRIALS)]
    return sum(each is None or each.low <= true <= each.high for each, true in found) / TRIALS


def least(n: int, rate: float) -> float:
    """What is asked: 93 % where ten errors and ten right answers are expected, else 90 %."""
    return (0.93 if n * min(rate, 1 - rate) >= 10 else 0.90) - SLACK


def latent(generator: np.random.Generator, n: int, cells: int) -> np.ndarray:
    """Difficulties ``(n, cells)``; the cells of an image go together."""
    return 0.7 * generator.standard_normal((n, 1)) + np.sqrt(1 - 0.49) * generator.standard_normal((n, cells))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rate"), [(50, 0.01), (50, 0.05), (50, 0.5), (50, 0.99), (250, 0.01), (250, 0.2)])
def test_a_mean_of_cells_of_one_run(n: int, rate: float) -> None:
    run = Run(benchmark=BenchmarkIdentity("own", "corruption"), data=DataIdentity("d", "f", n, 7), conditions=CELLS)
    ids = np.array([f"{k:04d}" for k in range(n)], object)
    card = registry.get("corruption")

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        right = (latent(generator, n, len(CELLS)) >= ndtri(rate)).astype(np.int8)
        columns = {"right": right, "confidence": np.zeros(right.shape, np.float32)}
        cells = np.arange(len(CELLS), dtype=np.int16)
        table = ImageTable(ids, np.zeros(n, np.int32), CELLS, cells, columns)
        scores = card.scores(table, run, None)
        return next(score for score in scores if score.metric.startswith("mean_error")).interval, rate

    assert held(trial, n, int(1000 * rate)) >= least(n, rate)


def aurra_of(right: np.ndarray) -> float:
    return float(np.mean(np.cumsum(right) / np.arange(1, len(right) + 1)))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "rate"), [(50, 0.05), (50, 0.2), (50, 0.9), (250, 0.04), (250, 0.5)])
def test_aurra_s_interval_by_its_own_resamples(n: int, rate: float) -> None:
    def answers(generator: np.random.Generator, count: int) -> np.ndarray:
        """Right or wrong, the surest first."""
        chance = ndtr((latent(generator, count, 1)[:, 0] - ndtri(rate) * np.sqrt(1.5)) / np.sqrt(0.5))
        return (generator.random(count) < chance)[np.argsort(-chance)]

    true = aurra_of(answers(np.random.default_rng(99), 400_000))

    def trial(generator: np.random.Generator) -> tuple[Interval | None, float]:
        right = answers(generator, n)
        wrong = int((~right).sum())
        drawn = np.sort(generator.integers(0, n, (150, n)), axis=1)
        draws = (np.cumsum(right[drawn], axis=1) / np.arange(1, n + 1)).mean(axis=1)
        variance = variance_of(draws, n)
        if min(wrong, n - wrong) < 2 or not variance > 0:
            return None, true
        return effective_wilson(aurra_of(right), variance, wrong, 0), true

    assert held(trial, n, int(1000 * rate)) >= least(n, rate)


def test_effective_wilson_is_wilson_for_a_share() -> None:
    n, hits = 5000, 1000
    share = hits / n
    found, plain = effective_wilson(share, share * (1 - share) / n, n, 0), wilson(hits, n)
    assert found.low == pytest.approx(plain.low, rel=1e-3)
    assert found.high == pytest.approx(plain.high, rel=1e-3)
    assert effective_wilson(0.0, 0.0, 0, 40) == wilson(0, 40)
    assert effective_wilson(0.2, 1.0, 100, 40) == wilson(8, 40)
    few, many = (effective_wilson(0.02, 1e-4, telling, 0) for telling in (3, 300))
    assert few.high - few.low > 2 * (many.high - many.low)
    with pytest.raises(ArgumentError, match="had neither"):
        effective_wilson(1.0, 0.0, 0, 0)
