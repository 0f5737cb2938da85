"""Accuracy, and how well confidence goes with it, as scores with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Interval, Score
from hardiness.scoring.calibration import MINIMUM, CalibrationProtocol, aurra, rms_calibration_error
from hardiness.scoring.intervals import bootstrap, wilson, within
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import area_under_response, calibration, share

PROTOCOLS: tuple[CalibrationProtocol, ...] = ("hendrycks2019", "all-bins")


TITLES: Mapping[str, str] = {
    "top1": "top-1",
    "top5": "top-5",
    "rms_calibration_error": "RMS calibration error",
    "aurra": "AURRA",
    "clean_top1": "clean top-1, same classes",
    "top1_drop": "drop from clean",
}
"""What the scores of photographs are called."""

EXPLANATIONS: Mapping[str, str] = {
    "top-1, top-5": "the share of photographs whose label is the first, or among the first five, answers.",
    "RMS calibration error": "how far confidence and accuracy lie apart, over bins of 100 photographs of similar "
    "confidence. hendrycks2019 leaves the most confident bin out, as the published code does; all-bins does not.",
    "AURRA": "the mean accuracy among the k surest answers, over all k: does confidence rank right above wrong?",
}
"""What they mean."""


def accuracy(metric: str, correct: NDArray[np.bool_], condition: Condition | None = None) -> Score:
    """The share of ``correct (N,)`` with its Wilson interval; undefined where there is no sample."""
    condition = condition or Condition()
    n = len(correct)
    if not n:
        return Score(metric, None, "fraction", 0, condition=condition, reason="no sample was evaluated")
    hits = int(np.count_nonzero(correct))
    return Score(metric, hits / n, "fraction", n, wilson(hits, n), condition=condition)


def confidence_measurables(right: NDArray[np.bool_], confidence: NDArray[np.floating]) -> list[Measurable]:
    """Top-1, the headline's RMS calibration error and AURRA as functions of images."""
    protocol = Condition(protocol=PROTOCOLS[0])
    return [
        Measurable("top1", Condition(), True, lambda at: share(right[at])),
        Measurable("rms_calibration_error", protocol, False, lambda at: calibration(confidence[at], right[at])),
        Measurable("aurra", Condition(), True, lambda at: area_under_response(confidence[at], right[at])),
    ]


def confidence_scores(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> list[Score]:
    """RMS calibration error under each protocol, and AURRA, with bootstrap intervals over images."""
    n = len(confidence)
    if not n:
        return []
    # Ascending confidence once: each resample is then already in order, and sorting it again costs next to nothing.
    order = np.argsort(confidence, kind="stable")
    confidence, correct = confidence[order], correct[order]
    defined = [protocol for protocol in PROTOCOLS if n >= MINIMUM[protocol]]

    def statistics(images: NDArray[np.int64]) -> NDArray[np.float64]:
        drawn, right = confidence[images], correct[images]
        errors = [rms_calibration_error(drawn, right, protocol) for protocol in defined]
        return np.array([*errors, aurra(drawn, right)])

    *values, area = statistics(np.arange(n)).tolist()
    *intervals, area_interval = bootstrap(statistics, n, "confidence")
    known = dict(zip(defined, zip(values, intervals, strict=True), strict=True))
    errors = [_calibration(protocol, known.get(protocol), n) for protocol in PROTOCOLS]
    return [*errors, Score("aurra", area, "fraction", n, within(area_interval))]


def _calibration(protocol: CalibrationProtocol, known: tuple[float, Interval] | None, n: int) -> Score:
    value, interval = known or (None, None)
    return Score(
        metric="rms_calibration_error",
        value=value,
        unit="fraction",
        n=n,
        interval=within(interval) if interval else None,
        higher_is_better=False,
        condition=Condition(protocol=protocol),
        reason=None if known else f"{protocol} bins need at least {MINIMUM[protocol]} samples, had {n}",
    )
