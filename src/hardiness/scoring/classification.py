"""Scores of plain classification: accuracies, calibration and AURRA."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Interval, Records, Score
from hardiness.scoring.calibration import MINIMUM, CalibrationProtocol, aurra, rms_calibration_error
from hardiness.scoring.intervals import bootstrap, wilson, within
from hardiness.scoring.scorers import Context, registry

PROTOCOLS: tuple[CalibrationProtocol, ...] = ("hendrycks2019", "all-bins")


@registry.add("classification")
def classification(records: Records, context: Context) -> list[Score]:
    """Top-1, top-5, calibration and AURRA over all of the model's classes, then top-1 within ImageNet-A's and -R's 200.

    Source: Orhan (2019), arXiv:1907.07640; Hendrycks et al. (2019), arXiv:1907.07174.
    """
    label, prediction = records["label"], records["prediction"]
    scores = [
        accuracy("top1", prediction == label),
        accuracy("top5", (records["top5_class"] == label[:, None]).any(axis=1)),
        *confidence_scores(records["confidence"], prediction == label),
    ]
    for subset in ("imagenet-a", "imagenet-r"):
        column = f"prediction_{subset}"
        if column in records:
            within_subset = records[column] >= 0
            right = records[column][within_subset] == label[within_subset]
            scores.append(accuracy("top1", right, Condition(decision=f"{subset}-200")))
    return scores


@registry.add("subset_classification")
def subset_classification(records: Records, context: Context) -> list[Score]:
    """Top-1 within the 200 classes, its calibration and AURRA, and the 1,000-way top-1 beside it.

    Source: Hendrycks et al. (2019), arXiv:1907.07174; Hendrycks et al. (2020), arXiv:2006.16241.
    """
    right = records["subset_prediction"] == records["label"]
    return [
        accuracy("top1", right),
        *confidence_scores(records["subset_confidence"], right),
        accuracy("top1", records["prediction"] == records["label"], Condition(decision="1000-way")),
    ]


def accuracy(metric: str, correct: NDArray[np.bool_], condition: Condition | None = None) -> Score:
    """The share of ``correct (N,)`` with its Wilson interval; undefined where there is no sample."""
    condition = condition or Condition()
    n = len(correct)
    if not n:
        return Score(metric, None, "fraction", 0, condition=condition, reason="no sample was evaluated")
    hits = int(np.count_nonzero(correct))
    return Score(metric, hits / n, "fraction", n, wilson(hits, n), condition=condition)


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
