"""Accuracy, and how well confidence goes with it, as scores with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Interval, Score
from hardiness.scoring.calibration import (
    BINNINGS,
    MINIMUM,
    CalibrationProtocol,
    aurra,
    expected_calibration_error,
    rms_calibration_error,
)
from hardiness.scoring.intervals import bootstrap, wilson, within
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import area_under_response, calibration, share

PROTOCOLS: tuple[CalibrationProtocol, ...] = ("hendrycks2019", "all-bins")


TITLES: Mapping[str, str] = {
    "top1": "top-1",
    "top5": "top-5",
    "real_top1": "ReaL top-1",
    "real_top5": "ReaL top-5",
    "rms_calibration_error": "RMS calibration error",
    "aurra": "AURRA",
    "ece": "ECE",
    "brier_top1": "Brier score of the answer",
    "brier": "Brier score",
    "nll": "NLL",
    "temperature": "temperature, fitted on a fifth",
    "clean_top1": "clean top-1, same classes",
    "top1_drop": "drop from clean",
}
"""What the scores of photographs are called."""

CALIBRATION = ("ece", "brier_top1", "brier", "nll", "temperature")
"""Scores of calibration that stand beside the headlines and are none."""

EXPLANATIONS: Mapping[str, str] = {
    "top-1, top-5": "the share of photographs whose label is the first, or among the first five, answers.",
    "ReaL top-1, top-5": "the same by the reassessed labels of Beyer et al. (2020): right is any of the classes that "
    "people saw in a photograph; photographs without one are left out.",
    "error ratio": "ImageNet-X: how often the model is wrong on photographs of which annotators said what makes them "
    "unlike the usual ones of their class, divided by how often on all of them; 1 is as often.",
    "RMS calibration error": "how far confidence and accuracy lie apart, over bins of 100 photographs of similar "
    "confidence. hendrycks2019 leaves the most confident bin out, as the published code does; all-bins does not.",
    "AURRA": "the mean accuracy among the k surest answers, over all k: does confidence rank right above wrong?",
    "ECE": "the expected calibration error: the mean distance of confidence and accuracy over 15 bins, of equal width "
    "or of equal mass.",
    "Brier score, NLL": "the squared distance of the probabilities from the truth, over all classes or of the answer "
    "alone (is it right?), and the mean negative log-likelihood of the label, in nats.",
    "temperature": "what logits are best divided by, fitted on a fifth of the photographs; temperature-scaled scores "
    "are of the other four. Above 1 the model was too sure.",
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


def confidence_scores(
    confidence: NDArray[np.floating],
    correct: NDArray[np.bool_],
    losses: Mapping[str, NDArray[np.floating]] | None = None,
) -> list[Score]:
    """RMS calibration error under each protocol and AURRA, then ECE, the answer's Brier score and mean losses.

    All with bootstrap intervals over images.

    Args:
        confidence: of each answer, ``(N,)`` in [0, 1].
        correct: whether it is right, ``(N,)``.
        losses: ``(N,)`` by metric, each scored by its mean: ``nll``, ``brier``; those with a NaN are left out.
    """
    n = len(confidence)
    if not n:
        return []
    # Ascending confidence once: each resample is then already in order, and sorting it again costs next to nothing.
    order = np.argsort(confidence, kind="stable")
    confidence, correct = confidence[order], correct[order]
    means: dict[str, NDArray[np.floating]] = {"brier_top1": (confidence.astype(np.float64) - correct) ** 2}
    means |= {name: values[order] for name, values in (losses or {}).items() if np.isfinite(values).all()}
    columns = np.column_stack(list(means.values())).astype(np.float64)
    defined = [protocol for protocol in PROTOCOLS if n >= MINIMUM[protocol]]

    def statistics(images: NDArray[np.int64]) -> NDArray[np.float64]:
        drawn, right = confidence[images], correct[images]
        errors = [rms_calibration_error(drawn, right, protocol) for protocol in defined]
        gaps = [expected_calibration_error(drawn, right, binning) for binning in BINNINGS]
        return np.array([*errors, aurra(drawn, right), *gaps, *columns[images].mean(axis=0)])

    found = list(zip(statistics(np.arange(n)).tolist(), bootstrap(statistics, n, "confidence"), strict=True))
    known = dict(zip(defined, found, strict=False))
    (area, area_interval), *rest = found[len(defined) :]
    errors = [_calibration(protocol, known.get(protocol), n) for protocol in PROTOCOLS]
    names = [*(("ece", Condition(protocol=binning)) for binning in BINNINGS), *((name, Condition()) for name in means)]
    return [
        *errors,
        Score("aurra", area, "fraction", n, within(area_interval)),
        *(loss(name, value, n, interval, at) for (name, at), (value, interval) in zip(names, rest, strict=True)),
    ]


def loss(metric: str, value: float, n: int, interval: Interval, condition: Condition) -> Score:
    """A score of calibration, better when lower: NLL is in nats, a Brier score over all classes reaches 2."""
    unit = "nats" if metric.endswith("nll") else "score" if metric == "brier" else "fraction"
    shown = within(interval, 0.0, 1.0 if unit == "fraction" else np.inf)
    return Score(metric, value, unit, n, shown, higher_is_better=False, condition=condition)


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
