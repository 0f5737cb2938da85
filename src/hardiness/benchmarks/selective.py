"""Scores of answers that are kept by confidence, and of sets of classes that are to hold the label, by condition."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, ImageTable, Interval, Metric, Score
from hardiness.statistics import (
    FEWEST_OF_EACH,
    Estimate,
    calibration_half,
    conformal_coverage,
    conformal_threshold,
    coverage_at_risk,
    effective_wilson,
    selective_prediction,
    within,
)

AURC = Metric(
    "aurc",
    "AURC, 1 - AURRA",
    higher_is_better=False,
    detail=True,
    explanation="answers are kept from the surest on: the mean error among those kept, over all numbers kept (AURRA is "
    "1 less it).",
)
AUGRC = Metric(
    "augrc",
    "AUGRC",
    higher_is_better=False,
    detail=True,
    explanation="answers are kept from the surest on: the mean share of all photographs whose answer is kept and "
    "wrong, over all numbers kept.",
)
RISK_AT_COVERAGE = Metric(
    "risk_at_80_coverage",
    "risk at 80 % coverage",
    higher_is_better=False,
    detail=True,
    explanation="the error among the surest 80 % of answers.",
)
COVERAGE_AT_RISK = Metric(
    "coverage_at_5_risk",
    "coverage at 5 % risk",
    detail=True,
    explanation="the largest share of answers, the surest, that can be kept with at most 5 % wrong.",
)
CONFORMAL = Metric(
    "conformal_coverage",
    "conformal coverage, 90 % promised",
    detail=True,
    explanation="how often a set of the likeliest classes holds the label, where half of the clean photographs set how "
    "likely a class must be for 90 %; under a corruption the other half says what is left of it.",
)
ERRORS_OF_KEPT = (AURC, AUGRC, RISK_AT_COVERAGE)
SELECTIVE_METRICS = (*ERRORS_OF_KEPT, COVERAGE_AT_RISK, CONFORMAL)

CLEAN = Condition(corruption="clean")
"""Clean photographs beside corrupted ones, whose scores are no headlines."""

FEWEST_CALIBRATED = 20
"""Photographs that a conformal threshold is taken of at least."""


def selective_scores(table: ImageTable) -> list[Score]:
    """AURC, AUGRC, risk at a coverage and coverage at a risk of a table of one condition."""
    right = table[RIGHT][:, 0] == 1
    if not len(right):
        return []
    estimates = selective_prediction(table.ids, table["confidence"][:, 0], right)
    value, interval = coverage_at_risk(table["confidence"][:, 0], right)
    reason = _too_few(right)
    return [
        *(
            _score(of, estimates[of.name], int(np.sum(~right)), reason, Condition())
            for of in ERRORS_OF_KEPT
            if of.name in estimates
        ),
        _coverage([(value, interval)], len(right), reason, Condition()),
    ]


def selective_by_corruption(table: ImageTable, corruptions: Sequence[str]) -> list[Score]:
    """The same on clean photographs and under each corruption, the mean over its severities, and conformal coverage."""
    if "confidence" not in table:
        return []
    found = []
    for condition, places in _places(table, corruptions).items():
        cells = [_of_cell(table, place) for place in places]
        rights = [right for *_, right in cells]
        estimates = [selective_prediction(*cell) for cell in cells]
        shares = [coverage_at_risk(confidence, right) for _, confidence, right in cells]
        n, reason = max(map(len, rights)), next(filter(None, map(_too_few, rights)), "")
        fewest = min(int(np.sum(~right)) for right in rights)
        for metric in ERRORS_OF_KEPT:
            if all(metric.name in each for each in estimates):
                mean = reduce(add, [each[metric.name] for each in estimates]) / len(estimates)
                found.append(_score(metric, mean, fewest, reason, condition))
        found.append(_coverage(shares, n, reason, condition))
    return [*found, *_conformal(table, corruptions)]


def conformal_scores(table: ImageTable) -> list[Score]:
    """Conformal coverage of clean photographs: half of them set the threshold, the other half is held against it."""
    if "nll" not in table or len(table) < 2 * FEWEST_CALIBRATED:
        return []
    half, losses = calibration_half(table.ids), table["nll"].reshape(len(table), -1)[:, 0]
    found = conformal_coverage(table.ids[~half], losses[~half], conformal_threshold(losses[half]))
    return [CONFORMAL.score(found.value, found.n, found.interval(0.0, 1.0))]


def _conformal(table: ImageTable, corruptions: Sequence[str]) -> list[Score]:
    places = _places(table, corruptions)
    if "nll" not in table or CLEAN not in places:
        return []
    half, losses = calibration_half(table.ids), table["nll"]
    clean = losses[half, places[CLEAN][0]]
    clean = clean[~np.isnan(clean)]
    if len(clean) < FEWEST_CALIBRATED:
        return []
    threshold, found = conformal_threshold(clean), []
    for condition, own in places.items():
        others = losses[~half][:, own]
        if not np.isnan(others).all(axis=0).any():
            covered = conformal_coverage(table.ids[~half], others, threshold)
            found.append(CONFORMAL.score(covered.value, covered.n, covered.interval(0.0, 1.0), condition))
    return found


def _places(table: ImageTable, corruptions: Sequence[str]) -> dict[Condition, list[int]]:
    """The cells of clean photographs, and of each corruption."""
    found: dict[Condition, list[int]] = {}
    for place, cell in enumerate(table.present):
        if not cell or cell["corruption"] in corruptions:
            found.setdefault(Condition(corruption=cell["corruption"]) if cell else CLEAN, []).append(place)
    return found


def _of_cell(table: ImageTable, place: int) -> tuple[NDArray[np.object_], NDArray[np.floating], NDArray[np.bool_]]:
    """Ids, confidence and right or wrong of the images that were evaluated in a cell."""
    right = table[RIGHT][:, place]
    there = right >= 0
    if there.all():
        return table.ids, table["confidence"][:, place], right == 1
    return table.ids[there], table["confidence"][there, place], right[there] == 1


def _too_few(right: NDArray[np.bool_]) -> str:
    fewer = min(int(np.count_nonzero(each)) for each in (right, ~right))
    if fewer >= FEWEST_OF_EACH:
        return ""
    return f"it needs {FEWEST_OF_EACH} errors and {FEWEST_OF_EACH} right answers, had {fewer} of one of them"


def _score(metric: Metric, found: Estimate, wrong: int, reason: str, condition: Condition) -> Score:
    """An area is held as AURRA is, whose other side AURC is; ``wrong`` are the errors of the cell with fewest."""
    reason = reason or ("" if found.differing > 1 else "all images add the same to it")
    if reason:
        interval = None
    elif metric in (AURC, AUGRC):
        interval = effective_wilson(found.value, found.variance, wrong, 0)
    else:
        interval = within(found.interval())
    return metric.score(found.value, found.n, interval, condition, interval_reason=reason)


def _coverage(shares: Sequence[tuple[float, Interval]], n: int, reason: str, condition: Condition) -> Score:
    """The mean over cells; its ends are the means of theirs, as cells are of the same images and no spread cancels."""
    value = float(np.mean([share for share, _ in shares]))
    ends = Interval(*(float(np.mean([getattr(each, end) for _, each in shares])) for end in ("low", "high")))
    return COVERAGE_AT_RISK.score(value, n, None if reason else ends, condition, interval_reason=reason)
