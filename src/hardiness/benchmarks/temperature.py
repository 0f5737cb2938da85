"""Temperature scaling: the best temperature of some images, and calibration of the others after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.losses import INVERSE_TEMPERATURES, NAMES
from hardiness.benchmarks.shares import CONDITION_METRICS, NLL, SCALED, TEMPERATURE, confidence_scores
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact, too_few
from hardiness.core.random import rng
from hardiness.core.result import Score
from hardiness.core.table import RIGHT, ImageTable
from hardiness.statistics.clusters import EstimateBasis
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.spreads.combined import cut

Floats = NDArray[np.float64]

FITTED_SHARE = 5
"""One in so many images is fitted on; the others are scored."""

LEAST_TO_FIT = 50
"""Images below which nothing is fitted."""

SMALLEST = 1e-16
"""The value taken for the log of a sum that is 1 to the last digit."""


def temperature_scores(table: ImageTable) -> list[Score]:
    """The temperature that a fifth of the images asks for, and ECE, Brier score and NLL of the others after it.

    The fifth is drawn by seed from the sorted ids; the negative log-likelihood is smallest there. Nothing is given
    where rows do not hold the log-sum-exp at other temperatures.

    Source: Guo et al. (2017), arXiv:1706.04599, section 4.2.
    """
    if NAMES[0] not in table:
        return []
    n = len(table)
    if n < LEAST_TO_FIT:
        return [TEMPERATURE.score(None, n, lack=too_few((LEAST_TO_FIT, "images"), had=(n,)))]
    chosen = np.zeros(n, bool)
    chosen[rng(0, "temperature", n).permutation(n)[: n // FITTED_SHARE]] = True
    curves = np.column_stack([table[name] for name in NAMES]).astype(np.float64)
    gap = table["label_gap"].astype(np.float64)
    parts = np.column_stack([curves, gap])[chosen]
    inverse = best_inverse(parts[:, :-1].mean(axis=0), float(parts[:, -1].mean()))
    low, high = INVERSE_TEMPERATURES[0], INVERSE_TEMPERATURES[-1]
    if not low < inverse < high:
        return [TEMPERATURE.score(None, n, lack=Fact(Lack.OUTSIDE, {"low": 1 / high, "high": 1 / low}))]
    fitted = temperature_estimate(parts[:, :-1], parts[:, -1], inverse)
    spread = cut(fitted.spread(), 0.0, np.inf) if fitted.differing > 1 else None
    lack = None if spread else too_few((2, "images that differ"), had=(fitted.differing,))
    rest = curves[~chosen]
    confidence = np.exp(-at(rest, inverse))
    right = table[RIGHT][~chosen, 0] == 1
    nll = at(rest, inverse) + inverse * gap[~chosen]
    scaled = confidence_scores(confidence, right, {NLL.name: nll}, ids=table.ids[~chosen])
    ids = table.ids[chosen]
    basis = EstimateBasis(lambda: replace(fitted, ids=ids), ends=(0.0, np.inf))
    return [
        TEMPERATURE.score(fitted.value, fitted.n, spread, lack=lack, basis=basis),
        *(
            replace(s, condition=Condition(**s.condition, decision=SCALED))
            for metric in CONDITION_METRICS
            for s in scaled
            if s.metric == metric.name
        ),
    ]


def at(curves: Floats, inverse: float) -> Floats:
    """The log-sum-exp, less the largest, of logits times a factor, ``(N,)``.

    Args:
        curves: ``(N, 25)`` at each of `INVERSE_TEMPERATURES`.
        inverse: the factor, between the first and the last of them.

    A cubic spline of the logarithms; off by 1e-4 at most on logits of networks, by 1e-6 in the mean.
    """
    return np.asarray(np.exp(_spline(curves)(np.log(inverse))))


def best_inverse(curve: Floats, gap: float) -> float:
    """The factor at which a mean negative log-likelihood is smallest.

    Args:
        curve: ``(25,)`` mean of what `at` takes.
        gap: the mean of the largest logit less the label's.

    The likelihood is convex in the factor, so the best of a fine grid is the best of all.
    """
    grid = np.linspace(np.log(INVERSE_TEMPERATURES[0]), np.log(INVERSE_TEMPERATURES[-1]), 2081)
    values = np.exp(_spline(curve[None])(grid))[0] + np.exp(grid) * gap
    return float(np.exp(grid[values.argmin()]))


def temperature_estimate(curves: Floats, gap: Floats, inverse: float) -> Estimate:
    """The temperature, 1 over the best factor, with what each image adds to it.

    Args:
        curves: ``(N, 25)`` of the images that it was fitted on.
        gap: ``(N,)``, of each the largest logit less the label's.
        inverse: the best factor.

    Source: Huber (1964), doi:10.1214/aoms/1177703732: the influence on what minimises a mean is the image's own slope
        there over the mean curvature; both by the logarithm of the factor.
    """
    spline, place = _spline(curves), np.log(inverse)
    sums, first, second = np.exp(spline(place)), spline(place, 1), spline(place, 2)
    slopes = sums * first + inverse * gap
    curvature = float(np.mean(sums * (first**2 + second) + inverse * gap))
    influence = slopes / curvature / inverse
    return Estimate(1.0 / inverse, np.arange(len(gap)), influence - influence.mean())


def _spline(curves: Floats):  # type: ignore[no-untyped-def]  # scipy brings no types
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.log(INVERSE_TEMPERATURES), np.log(np.maximum(curves, SMALLEST)), axis=1)
