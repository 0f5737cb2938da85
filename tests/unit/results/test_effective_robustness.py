"""The line through reference models against scipy, its interval by simulation, and the published five."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import linregress

from hardiness.core import ArgumentError
from hardiness.results.comparison import Point, fit, published_points


def points(generator: np.random.Generator, count: int, noise: float, n: int = 10**9) -> list[Point]:
    clean = generator.uniform(0.5, 0.9, count)
    shifted = expit(-1.2 + 1.1 * logit(clean) + noise * generator.normal(size=count))
    return [Point(f"m{i}", float(a), float(b), n, n) for i, (a, b) in enumerate(zip(clean, shifted, strict=True))]


def test_the_line_is_scipys() -> None:
    given = points(np.random.default_rng(0), 12, 0.2)
    line = fit(given)
    theirs = linregress(logit([p.clean for p in given]), logit([p.shifted for p in given]))
    assert (line.slope, line.intercept) == (pytest.approx(theirs.slope), pytest.approx(theirs.intercept))
    assert np.sqrt(line.covariance[1, 1]) == pytest.approx(theirs.stderr)
    assert np.sqrt(line.covariance[0, 0]) == pytest.approx(theirs.intercept_stderr)


def test_a_model_on_an_exact_line_has_no_effective_robustness_and_one_above_it_has() -> None:
    line = fit(points(np.random.default_rng(1), 6, 0.0))
    on = line.effective_robustness(Point("on", 0.8, float(expit(-1.2 + 1.1 * logit(0.8))), 10**9, 10**9))
    assert on.value == pytest.approx(0, abs=1e-9)
    assert not on.outside
    above = line.effective_robustness(Point("above", 0.95, on.expected + 0.3, 50_000, 7_500))
    assert above.outside
    assert above.value == pytest.approx(above.expected * 0 + on.expected + 0.3 - above.expected)


@pytest.mark.parametrize(("count", "n"), [(5, 50_000), (20, 500)])
def test_the_interval_covers_a_model_that_is_on_the_line(count: int, n: int) -> None:
    """The line's error and the model's own, at the two extremes of which is larger."""
    generator, covered, trials = np.random.default_rng(count), 0, 1500
    for _ in range(trials):
        line = fit(points(generator, count, 0.15))
        clean = 0.7
        shifted = expit(-1.2 + 1.1 * logit(clean))
        seen = Point("m", generator.binomial(n, clean) / n, generator.binomial(n, shifted) / n, n, n)
        interval = line.effective_robustness(seen).interval
        covered += interval.low <= 0 <= interval.high
    assert 0.93 <= covered / trials <= 0.985


def test_the_published_five_are_built_in() -> None:
    for benchmark, metric, error in (("imagenet-a", "top1", False), ("imagenet-c", "mean_error", True)):
        given = published_points(benchmark, metric, error)
        assert len(given) == 5
        baseline = next(point for point in given if point.model == "resnext101_32x8d")
        line = fit([point for point in given if point is not baseline])
        # Its clean accuracy is below all of the family's, so the line is continued, and that is said.
        assert line.effective_robustness(baseline).outside
    assert published_points("imagenet-a")[0].shifted == 0.102


def test_too_few_reference_models_or_all_alike_are_refused() -> None:
    with pytest.raises(ArgumentError, match="needs 3 reference models, had 2"):
        fit(points(np.random.default_rng(2), 2, 0.1))
    with pytest.raises(ArgumentError, match="unequal clean accuracy"):
        fit([Point(str(i), 0.5, 0.1 * i, 100, 100) for i in range(4)])


def test_none_and_all_right_stay_finite() -> None:
    line = fit(points(np.random.default_rng(3), 5, 0.1))
    found = line.effective_robustness(Point("none", 1.0, 0.0, 100, 100))
    assert np.isfinite([found.value, found.interval.low, found.interval.high]).all()
