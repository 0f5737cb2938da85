"""Calibration after a temperature, under each condition and as photographs get worse, and its details for a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.shares import (
    BRIER_OF_ANSWER,
    CONDITION_METRICS,
    ECE,
    NLL,
    SCALED,
    TEMPERATURE,
    confidence_scores,
    estimated_loss,
    loss,
    two_of_each,
)
from hardiness.core.condition import Condition
from hardiness.core.random import rng
from hardiness.core.result import Metric, Score
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.confidence import BINNINGS, Binning, bin_of
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.intervals import wilson, within

Floats = NDArray[np.float64]

STEPS = 8
INVERSE_TEMPERATURES = tuple(float(2.0 ** (step / STEPS - 2)) for step in range(3 * STEPS + 1))
"""Factors of the logits at which rows hold log-sum-exps: 1/4 to 2, eight to an octave; 1 and 2 are among them."""

ONE, TWO = 2 * STEPS, 3 * STEPS
"""The places of the factors 1 and 2."""

COLUMN = "log_sums"
"""The column of rows that holds, for each factor, the log-sum-exp of the logits times it, less the largest of them:
float32 ``(N, 25)``, 0 or more. Without the largest it keeps its digits where a model is sure."""

FITTED_SHARE = 5
"""One in so many images is fitted on; the others are scored."""

LEAST_TO_FIT = 50
"""Images below which nothing is fitted."""

SMALLEST = 1e-16
"""The value taken for the log of a sum that is 1 to the last digit."""

NAMES = tuple(f"log_sum_{step}" for step in range(len(INVERSE_TEMPERATURES)))


def nll_column(records: Records, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """``nll`` of each row, float32 ``(N,)``, in nats; nothing where rows hold no likelihood of the label."""
    if f"{prefix}logsumexp" not in records or f"{prefix}label_logit" not in records:
        return {}
    total, label = (records[f"{prefix}{name}"].astype(np.float64) for name in ("logsumexp", "label_logit"))
    return {"nll": (total - label).astype(np.float32)}


def loss_columns(records: Records, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """`nll_column` and, where rows hold what they take, ``brier`` and the columns that a temperature is fitted to.

    The sum of all squared probabilities is ``exp(lse(2 z) - 2 lse(z))``, so that the Brier score over all classes needs
    no logit but the label's. Rows of earlier versions lack some of it: what they cannot say is left out.

    Args:
        records: rows.
        prefix: of the names of the columns, where they are of some classes alone.
    """
    columns = nll_column(records, prefix)
    if not columns or f"{prefix}{COLUMN}" not in records:
        return columns
    label = records[f"{prefix}label_logit"].astype(np.float64)
    total = records[f"{prefix}logsumexp"].astype(np.float64)
    sums = records[f"{prefix}{COLUMN}"].astype(np.float64)
    more = {"brier": np.exp(sums[:, TWO] - 2.0 * sums[:, ONE]) - 2.0 * np.exp(label - total) + 1.0}
    more |= {name: sums[:, step] for step, name in enumerate(NAMES)}
    more["label_gap"] = total - sums[:, ONE] - label  # the largest logit less the label's
    return {**columns, **{name: values.astype(np.float32) for name, values in more.items()}}


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
        return [_undefined(n, f"a temperature needs {LEAST_TO_FIT} images, had {n}")]
    chosen = np.zeros(n, bool)
    chosen[rng(0, "temperature", n).permutation(n)[: n // FITTED_SHARE]] = True
    curves = np.column_stack([table[name] for name in NAMES]).astype(np.float64)
    gap = table["label_gap"].astype(np.float64)
    parts = np.column_stack([curves, gap])[chosen]
    inverse = best_inverse(parts[:, :-1].mean(axis=0), float(parts[:, -1].mean()))
    low, high = INVERSE_TEMPERATURES[0], INVERSE_TEMPERATURES[-1]
    if not low < inverse < high:
        return [_undefined(n, f"the best one lies outside {1 / high:g} to {1 / low:g}")]
    fitted = temperature_estimate(parts[:, :-1], parts[:, -1], inverse)
    interval = within(fitted.interval(), 0.0, np.inf) if fitted.differing > 1 else None
    reason = "" if interval else "it needs two images that differ"
    rest = curves[~chosen]
    confidence = np.exp(-at(rest, inverse))
    right = table[RIGHT][~chosen, 0] == 1
    nll = at(rest, inverse) + inverse * gap[~chosen]
    scaled = confidence_scores(confidence, right, {NLL.name: nll})
    return [
        TEMPERATURE.score(fitted.value, fitted.n, interval, interval_reason=reason),
        *(
            metric.score(s.value, s.n, s.interval, Condition(**s.condition, decision=SCALED))
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


def _undefined(n: int, reason: str) -> Score:
    return TEMPERATURE.score(None, n, reason=reason)


Kind = tuple[Metric, str]
"""A metric, and its bins where it has any."""

MEANS = {
    ECE: Metric(
        "mean_ece",
        "mean ECE",
        higher_is_better=False,
        detail=True,
        outputs="probabilities",
        explanation="the expected calibration error, over 15 bins of equal width or equal mass, of each corruption at "
        "each severity, then averaged.",
    ),
    BRIER_OF_ANSWER: Metric(
        "mean_brier_top1",
        "mean Brier score of the answer",
        higher_is_better=False,
        detail=True,
        outputs="probabilities",
        explanation="the Brier score of the answer of each corruption at each severity, then averaged.",
    ),
    NLL: Metric(
        "mean_nll",
        "mean NLL",
        "nats",
        higher_is_better=False,
        detail=True,
        outputs="probabilities",
        explanation="the NLL of each corruption at each severity, then averaged.",
    ),
}
"""The metrics of means over corruptions and severities, by the metric of a cell."""

SHIFT_METRICS = (*CONDITION_METRICS, *MEANS.values())


class CellMean(NamedTuple):
    """A loss or a calibration error as a mean over cells.

    Attributes:
        estimate: of it, in which each image counts, 0 where it was not evaluated.
        cells: of how many.
        gaps: of a calibration error the bins of each cell; else empty.
    """

    estimate: Estimate
    cells: int = 1
    gaps: tuple[Gaps, ...] = ()


def _score(metric: Metric, mean: CellMean, condition: Condition, fewer: int) -> Score:
    """The score of a mean: a loss has the interval of its estimate, a calibration error that of its bins.

    Args:
        metric, condition: of the score.
        mean: its value.
        fewer: images with an error, or with a right answer where these are fewer.
    """
    estimate = mean.estimate
    if not mean.gaps:
        return estimated_loss(metric, estimate, fewer, condition)
    reason = two_of_each(fewer)
    interval = None if reason else calibration_interval(Gaps.together(mean.gaps), 1, estimate.variance, fewer)
    return loss(metric, estimate.value, estimate.n, interval, condition, reason)


def shift_calibration(table: ImageTable, corruptions: Sequence[str], whole: bool) -> list[Score]:
    """Means over all cells of these corruptions, then by severity; severity 0 is the clean photographs.

    Each metric is that of a cell, then the mean over cells, so that each corruption weighs the same. Intervals are of
    images: linear in what each image adds to each bin, with the edges of bins taken as they are.

    Args:
        table: with confidence, and with ``nll`` where rows hold it.
        corruptions: whose cells count.
        whole: whether all of a set was run; the means of a part are called so.

    Source: Ovadia et al. (2019), arXiv:1906.02530.
    """
    if "confidence" not in table:
        return []
    places: dict[int, list[int]] = {}
    for place, cell in enumerate(table.present):
        if not cell or cell["corruption"] in corruptions:
            places.setdefault(int(cell["severity"]) if cell else 0, []).append(place)
    # One cell after another, so that a run of any number of cells is held as one.
    levels = {level: _together(means_of_cell(table, place) for place in own) for level, own in sorted(places.items())}
    overall = _together(of_level for level, of_level in levels.items() if level)
    fewer = fewer_of_each(table, [place for level, own in places.items() if level for place in own])
    means = [
        _score(MEANS[metric] if whole else MEANS[metric].partial, mean, _at(bins), fewer)
        for (metric, bins), mean in overall.items()
    ]
    return means + [
        _score(metric, mean, _at(bins, severity=level), fewer_of_each(table, places[level]))
        for level, of_level in levels.items()
        for (metric, bins), mean in of_level.items()
    ]


def calibration_of_cells(table: ImageTable) -> list[Score]:
    """ECE, the answer's Brier score and NLL of each cell, of which the mean over all cells that were run is given."""
    places = range(len(table.present)) if "confidence" in table else ()
    overall, fewer = _together(means_of_cell(table, place) for place in places), fewer_of_each(table, places)
    return [_score(metric, mean, _at(bins), fewer) for (metric, bins), mean in overall.items()]


def fewer_of_each(table: ImageTable, places: Sequence[int]) -> int:
    """Images with an error in some of these cells, or those with a right answer where they are fewer."""
    answers = table[RIGHT][:, list(places)]
    return min(int(np.any(answers == outcome, axis=1).sum()) for outcome in (0, 1))


def _at(bins: str, **more: int) -> Condition:
    return Condition(**({"protocol": bins} if bins else {}), **more)


def _together(parts: Iterable[Mapping[Kind, CellMean]]) -> Mapping[Kind, CellMean]:
    """The means of several, by metric, each weighing as many cells as it has; none where there is no part."""

    def both(one: CellMean, other: CellMean) -> CellMean:
        cells = one.cells + other.cells
        estimate = one.estimate * (one.cells / cells) + other.estimate * (other.cells / cells)
        return CellMean(estimate, cells, one.gaps + other.gaps)

    def joined(first: Mapping[Kind, CellMean], second: Mapping[Kind, CellMean]) -> Mapping[Kind, CellMean]:
        return {kind: both(first[kind], mean) if kind in first else mean for kind, mean in second.items()}

    return reduce(joined, parts, {})


def means_of_cell(table: ImageTable, place: int) -> dict[Kind, CellMean]:
    """Every metric of one cell of a table with confidence, by its place."""
    answers = table[RIGHT][:, place]
    there = answers >= 0
    right = answers[there] == 1
    confidence = table["confidence"][:, place][there].astype(np.float64)
    losses = {BRIER_OF_ANSWER: (confidence - right) ** 2}
    if "nll" in table:
        losses[NLL] = table["nll"][:, place][there].astype(np.float64)
    means: dict[Kind, CellMean] = {(ECE, bins): _ece(confidence, right, bins, there) for bins in BINNINGS}
    return means | {(of, ""): CellMean(_estimate(float(v.mean()), v - v.mean(), there)) for of, v in losses.items()}


def _ece(confidence: Floats, right: NDArray[np.bool_], binning: Binning, there: NDArray[np.bool_]) -> CellMean:
    """The expected calibration error; an image adds its gap, signed as that of its bin."""
    gap, bins = confidence - right, bin_of(confidence, binning)
    sums = np.bincount(bins, weights=gap)
    value = float(np.abs(sums).sum() / len(gap))
    estimate = _estimate(value, np.sign(sums)[bins] * gap - value, there)
    return CellMean(estimate, gaps=(Gaps.from_answers(confidence, right, bins),))


def _estimate(value: float, apart: Floats, there: NDArray[np.bool_]) -> Estimate:
    """A mean over the images that are there, of all ``(N,)``, from how far each is above it."""
    influence = np.zeros(len(there))
    influence[there] = apart * (len(there) / len(apart))
    return Estimate(value, np.arange(len(there)), influence)


def condition_calibration(table: ImageTable, without: str = "") -> list[Score]:
    """ECE with bins of equal width and of equal mass, the answer's Brier score and NLL, condition by condition.

    Each is of the images that were evaluated under the condition; NLL is left out where rows do not hold it. Intervals
    are linear in what each image adds to each bin, as in `shift_calibration`.

    Args:
        table: with ``right`` and, unless rows lack it, ``confidence``.
        without: a key; conditions that have it are left out.
    """
    if "confidence" not in table:
        return []
    scores = []
    for place, condition in enumerate(table.present):
        if without in condition:
            continue
        there, fewer = table[RIGHT][:, place] >= 0, fewer_of_each(table, [place])
        scale = np.count_nonzero(there) / len(table)
        for (metric, bins), mean in means_of_cell(table, place).items():
            value, ids, influence = mean.estimate.value, mean.estimate.ids[there], mean.estimate.influence[there]
            own = mean._replace(estimate=Estimate(value, ids, influence * scale))
            cell = Condition(**condition, protocol=bins) if bins else condition
            scores.append(_score(metric, own, cell, fewer))
    return scores


BINS = 10
"""Bins of equal width of the reliability diagram: fixed ones, so that models can be compared bin by bin."""

LEAST = 5
"""Images that a bin or a part of them needs to be drawn."""

POINTS = 40


def confidence_details(table: ImageTable) -> dict[str, Any]:
    """Reliability by bins of confidence and over all, and accuracy by the share answered, most confident first."""
    right, confidence = table[RIGHT][:, 0] == 1, table["confidence"][:, 0].astype(np.float64)
    is_number = np.isfinite(confidence)
    right, confidence = right[is_number], confidence[is_number]
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    reliability = []
    for index in range(BINS):
        inside = bins == index
        n, hits = int(inside.sum()), int(right[inside].sum())
        if n >= LEAST:
            bounds = wilson(hits, n)
            reliability.append([float(confidence[inside].mean()), hits / n, bounds.low, bounds.high])
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    marks = np.linspace(min(LEAST, len(order)), len(order), POINTS).astype(int)
    counts = np.unique(marks[marks > 0]).tolist()
    coverage = [[float(k / len(order)), float(accuracy[k - 1])] for k in counts]
    return {"reliability": reliability, "coverage": coverage, "sureness": _sureness(confidence, right)}


def _sureness(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, float]:
    """Mean confidence and accuracy over all images, and how far the first less the second may be off by chance.

    The larger of what an unknown accuracy leaves open, which is something even where every answer was right, and of
    the spread of the images' differences.
    """
    n = len(right)
    if not n:
        return {}
    sure, accuracy = float(confidence.mean()), float(right.mean())
    bounds = wilson(int(right.sum()), n)
    open_ = bounds.high - accuracy if sure > accuracy else accuracy - bounds.low
    spread = 1.96 * float((confidence - right).std()) / math.sqrt(n)
    return {"n": n, "confidence": sure, "accuracy": accuracy, "chance": max(open_, spread)}
