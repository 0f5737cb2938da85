"""Calibration as photographs get worse: ECE, Brier score and NLL by severity, and their means over a set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, Curves, ImageTable, Interval, Line, Panel, Result, Score
from hardiness.scoring.calibration import BINNINGS, Binning, bin_of
from hardiness.scoring.calibration_interval import Gaps, calibration_interval
from hardiness.scoring.shares import loss
from hardiness.scoring.statistics.measures import FEWEST_OF_EACH

Floats = NDArray[np.float64]
Kind = tuple[str, str]
"""A metric, and its bins where it has any."""

Z = NormalDist().inv_cdf(0.975)

TITLES: Mapping[str, str] = {
    "ece": "ECE",
    "brier_top1": "Brier score of the answer",
    "nll": "NLL",
    "mean_ece": "mean ECE",
    "mean_brier_top1": "mean Brier score of the answer",
    "mean_nll": "mean NLL",
    "mean_ece_partial": "mean ECE of a part",
    "mean_brier_top1_partial": "mean Brier score of the answer, of a part",
    "mean_nll_partial": "mean NLL of a part",
}
"""What the scores are called."""


@dataclass(frozen=True)
class Mean:
    """A mean over cells.

    Attributes:
        value: the mean.
        shares: what each image adds to it above or below, to first order, ``(N,)``; 0 in the mean.
        cells: of how many.
        gaps: of a calibration error, the bins of each cell; else empty.
    """

    value: float
    shares: Floats
    cells: int
    gaps: tuple[Gaps, ...] = ()

    def with_more(self, other: Mean) -> Mean:
        """The mean of both, each weighing as many cells as it has."""
        cells = self.cells + other.cells
        first, second = self.cells / cells, other.cells / cells
        shares = first * self.shares + second * other.shares
        return Mean(first * self.value + second * other.value, shares, cells, self.gaps + other.gaps)

    def score(self, metric: str, condition: Condition, fewer: int) -> Score:
        """The score with its interval.

        Args:
            metric, condition: of the score.
            fewer: images with an error, or with a right answer where these are fewer.
        """
        n = len(self.shares)
        if fewer < FEWEST_OF_EACH:
            told = f"it needs {FEWEST_OF_EACH} images with errors and {FEWEST_OF_EACH} with right answers, had {fewer}"
            return loss(metric, self.value, n, None, condition, f"{told} of one of them")
        variance = float(np.sum(self.shares**2) / (n * (n - 1)))
        if self.gaps:
            return loss(metric, self.value, n, calibration_interval(Gaps.together(self.gaps), 1, variance), condition)
        half = Z * float(np.sqrt(variance))
        return loss(metric, self.value, n, Interval(max(0.0, self.value - half), self.value + half), condition)


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
    levels = {level: _together(of_cell(table, place) for place in own) for level, own in sorted(places.items())}
    overall = _together(found for level, found in levels.items() if level)
    suffix = "" if whole else "_partial"
    fewer = fewer_of_each(table, [place for level, own in places.items() if level for place in own])
    means = [mean.score(f"mean_{name}{suffix}", _at(bins), fewer) for (name, bins), mean in overall.items()]
    return means + [
        mean.score(name, _at(bins, severity=level), fewer_of_each(table, places[level]))
        for level, found in levels.items()
        for (name, bins), mean in found.items()
    ]


def calibration_of_cells(table: ImageTable) -> list[Score]:
    """ECE, the answer's Brier score and NLL of each cell, of which the mean over all cells that were run is given."""
    places = range(len(table.present)) if "confidence" in table else ()
    overall, fewer = _together(of_cell(table, place) for place in places), fewer_of_each(table, places)
    return [mean.score(name, _at(bins), fewer) for (name, bins), mean in overall.items()]


def fewer_of_each(table: ImageTable, places: Sequence[int]) -> int:
    """Images with an error in some of these cells, or those with a right answer where they are fewer."""
    answers = table[RIGHT][:, list(places)]
    return min(int(np.any(answers == each, axis=1).sum()) for each in (0, 1))


def _at(bins: str, **more: int) -> Condition:
    return Condition(**({"protocol": bins} if bins else {}), **more)


def _together(parts: Iterable[Mapping[Kind, Mean]]) -> Mapping[Kind, Mean]:
    """The means of several, by metric; none where there is no part."""

    def joined(first: Mapping[Kind, Mean], second: Mapping[Kind, Mean]) -> Mapping[Kind, Mean]:
        return {kind: first[kind].with_more(mean) if kind in first else mean for kind, mean in second.items()}

    return reduce(joined, parts, {})


def of_cell(table: ImageTable, place: int) -> dict[Kind, Mean]:
    """Every metric of one cell of a table with confidence, by its place."""
    there = table[RIGHT][:, place] >= 0
    right = table[RIGHT][there, place] == 1
    confidence = table["confidence"][there, place].astype(np.float64)
    losses = {"brier_top1": (confidence - right) ** 2}
    if "nll" in table:
        losses["nll"] = table["nll"][there, place].astype(np.float64)
    means = {("ece", bins): _ece(confidence, right, bins, there) for bins in BINNINGS}
    return means | {(name, ""): Mean(float(v.mean()), _shares(v - v.mean(), there), 1) for name, v in losses.items()}


def _ece(confidence: Floats, right: NDArray[np.bool_], binning: Binning, there: NDArray[np.bool_]) -> Mean:
    """The expected calibration error; an image adds its gap, signed as that of its bin."""
    gap, bins = confidence - right, bin_of(confidence, binning)
    sums = np.bincount(bins, weights=gap)
    value = float(np.abs(sums).sum() / len(gap))
    return Mean(value, _shares(np.sign(sums)[bins] * gap - value, there), 1, (Gaps.of(confidence, right, bins),))


def _shares(apart: Floats, there: NDArray[np.bool_]) -> Floats:
    """What each image adds to a mean over those that are there, ``(N,)``."""
    shares = np.zeros(len(there))
    shares[there] = apart * (len(there) / len(apart))
    return shares


PANELS = (("ece", "equal-width", "ECE, 15 bins of equal width"), ("brier_top1", "", "Brier score of the answer"))
LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8)


def calibration_by_severity(results: Sequence[Result]) -> Curves | None:
    """ECE and Brier score from clean photographs to the worst severity; ``None`` where they are not known."""
    levels = sorted({s.condition["severity"] for r in results for s in r.scores if _is_level(s, "ece", "equal-width")})
    if len(levels) < 2:
        return None
    ticks = tuple(float(level) for level in levels)
    names = tuple("clean" if not level else str(level) for level in levels)
    panels = tuple(
        Panel("severity", tuple(_line(result, metric, bins) for result in results), (), ticks, names, title)
        for metric, bins, title in PANELS
    )
    top = max((bound for panel in panels for line in panel.measured for bound in (*line.y, *line.high)), default=1.0)
    return Curves(
        "calibration_by_severity",
        "Calibration by severity",
        _heading(results, levels),
        "Mean over corruptions at each severity; bands are 95 % intervals. Left: how far confidence and accuracy lie "
        "apart. Right: the squared distance of confidence from being right or wrong, in which accuracy counts too.",
        panels,
        "error ↓ better",
        limit=next((limit for limit in LIMITS if limit >= top), 1.0),
    )


def _is_level(score: Score, metric: str, bins: str) -> bool:
    known = score.metric == metric and score.condition.get("protocol", "") == bins
    return known and "severity" in score.condition and score.value is not None


def _line(result: Result, metric: str, bins: str) -> Line:
    found = sorted((s for s in result.scores if _is_level(s, metric, bins)), key=lambda s: int(s.condition["severity"]))
    bounds = [s.interval or Interval(s.value or 0.0, s.value or 0.0) for s in found]
    bounds = bounds if any(s.interval for s in found) else []
    return Line(
        result.name,
        tuple(float(s.condition["severity"]) for s in found),
        tuple(s.value or 0.0 for s in found),
        tuple(bound.low for bound in bounds),
        tuple(bound.high for bound in bounds),
    )


def _heading(results: Sequence[Result], levels: Sequence[int]) -> str:
    lines = [_line(result, "ece", "equal-width") for result in results]
    whole = [line for line in lines if len(line.x) == len(levels)]
    if not whole:
        return "Calibration by severity"
    first, last = (100 * sum(line.y[end] for line in whole) / len(whole) for end in (0, -1))
    grows = all(line.low and line.low[-1] > line.high[0] for line in whole)
    start = "on clean photographs" if not levels[0] else f"at severity {levels[0]}"
    what = "Confidence is worth less the worse the picture" if grows else "How far confidence can be trusted"
    return f"{what}: ECE {first:.0f} % {start}, {last:.0f} % at severity {levels[-1]}"
