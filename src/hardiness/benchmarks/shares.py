"""Accuracy, and how well confidence goes with it, as scores with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact, too_few
from hardiness.core.result import Metric, Score
from hardiness.core.spread import Spread
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.metrics.imagenet_real import real_top1, real_top5
from hardiness.metrics.imagenet_x import error_ratio, imagenet_x_error
from hardiness.statistics.calibration_intervals import Gaps, calibration_interval
from hardiness.statistics.clusters import EstimateBasis, EstimateByCluster, basis_of_share
from hardiness.statistics.confidence import (
    BINNINGS,
    MINIMUM,
    Binning,
    CalibrationProtocol,
    aurra,
    bin_of,
    bin_of_hundred,
    expected_calibration_error,
    rms_calibration_error,
)
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.measures import Measurable, area_under_response, calibration_measure, share
from hardiness.statistics.selective import (
    COVERAGE,
    calibration_half,
    conformal_coverage,
    conformal_threshold,
    coverage_at_risk,
    selective_prediction,
)
from hardiness.statistics.spreads.combined import Combined, Scaled, TwoEnds, cut
from hardiness.statistics.spreads.means import BoundedMean, Gamma, Mean, Unseen
from hardiness.statistics.spreads.shares import ShareOfImages

LARGEST_INT16 = np.iinfo(np.int16).max

PROTOCOLS: tuple[CalibrationProtocol, ...] = ("hendrycks2019", "all-bins")

FEWEST_TELLING = 2
"""Errors, and right answers, without which nothing is known of the spread of what they decide. A larger number would be
met by unlucky samples alone where few errors are expected, and of those intervals few hold."""

SCALED = "temperature-scaled"
"""The decision of scores of confidence whose logits were divided by a fitted temperature."""

TOP1 = Metric("top1", "top-1", explanation="the share of photographs whose first answer is the label.")

TOP5 = Metric(
    "top5",
    "top-5",
    outputs="probabilities",
    explanation="the share of photographs whose label is among the first five answers.",
)

CLEAN_ACCURACY = Metric("clean_accuracy", explanation="the share of undisturbed pictures that are answered rightly.")

CLEAN_TOP1 = Metric(
    "clean_top1",
    "clean top-1, same classes",
    explanation="top-1 on ordinary photographs of the classes that the shifted ones show.",
)

TOP1_DROP = Metric(
    "top1_drop",
    "drop from clean",
    higher_is_better=False,
    signed=True,
    explanation="top-1 on ordinary photographs of the same classes minus top-1 under the shift.",
)

EFFECTIVE = Metric(
    "effective_robustness",
    signed=True,
    explanation="accuracy under the shift minus the accuracy that the line of published models without extra data "
    "(Taori et al. 2020) predicts from clean accuracy on the same classes; the interval holds in these models' range.",
)
"""Its name is also where a result's details have what a figure shows of it."""

RMS = Metric(
    "rms_calibration_error",
    "RMS calibration error",
    higher_is_better=False,
    outputs="confidences",
    explanation="how far confidence and accuracy lie apart, over bins of 100 photographs of similar confidence. The "
    "protocol hendrycks2019 leaves out the most confident bin, as the published code does; all-bins keeps it.",
)

AURRA = Metric(
    "aurra",
    "AURRA",
    outputs="confidences",
    explanation="the accuracy among the k most confident answers, averaged over all k (1 minus AURC): does confidence "
    "rank right answers above wrong ones?",
)

ECE = Metric(
    "ece",
    "ECE",
    higher_is_better=False,
    detail=True,
    outputs="confidences",
    outputs_by={SCALED: "logits"},
    explanation="the expected calibration error: the mean distance of confidence and accuracy over 15 bins, of equal "
    "width or of equal mass.",
)

BRIER_OF_ANSWER = Metric(
    "brier_top1",
    "Brier score of the answer",
    higher_is_better=False,
    detail=True,
    outputs="confidences",
    outputs_by={SCALED: "logits"},
    explanation="the squared distance of confidence from being right (1) or wrong (0).",
)

BRIER = Metric(
    "brier",
    "Brier score",
    "score",
    largest=2.0,
    higher_is_better=False,
    detail=True,
    outputs="probabilities",
    explanation="the squared distance of the probabilities from the truth, over all classes.",
)

NLL = Metric(
    "nll",
    "NLL",
    "nats",
    higher_is_better=False,
    detail=True,
    outputs="probabilities",
    outputs_by={SCALED: "logits"},
    explanation="the mean negative log-likelihood of the label, in nats.",
)

LOSSES = (BRIER_OF_ANSWER, BRIER, NLL)

TEMPERATURE = Metric(
    "temperature",
    "temperature, fitted on a fifth",
    "temperature",
    higher_is_better=False,
    detail=True,
    outputs="logits",
    explanation="what logits are best divided by, fitted on a fifth of the photographs; temperature-scaled scores are "
    "of the other four. Above 1 the model was too sure.",
)

CONDITION_METRICS = (ECE, BRIER_OF_ANSWER, NLL)
"""The metrics of calibration under each condition."""

PHOTOGRAPH_METRICS = (
    *(TOP1, TOP5, real_top1.metric, real_top5.metric, CLEAN_TOP1, TOP1_DROP, EFFECTIVE),
    *(imagenet_x_error.metric, error_ratio.metric),
    *(RMS, AURRA, ECE, *LOSSES, TEMPERATURE),
)
"""The metrics of answers to photographs."""

AURC = Metric(
    "aurc",
    "AURC, 1 - AURRA",
    higher_is_better=False,
    detail=True,
    outputs="confidences",
    explanation="answers are kept from the surest on: the mean error among those kept, over all numbers kept (AURRA is "
    "1 less it).",
)

AUGRC = Metric(
    "augrc",
    "AUGRC",
    higher_is_better=False,
    detail=True,
    outputs="confidences",
    explanation="answers are kept from the surest on: the mean share of all photographs whose answer is kept and "
    "wrong, over all numbers kept.",
)

RISK_AT_COVERAGE = Metric(
    "risk_at_80_coverage",
    "risk at 80 % coverage",
    higher_is_better=False,
    detail=True,
    outputs="confidences",
    explanation="the error among the surest 80 % of answers.",
)

COVERAGE_AT_RISK = Metric(
    "coverage_at_5_risk",
    "coverage at 5 % risk",
    detail=True,
    outputs="confidences",
    explanation="the largest share of answers, the surest, that can be kept with at most 5 % wrong.",
)

CONFORMAL = Metric(
    "conformal_coverage",
    "conformal coverage, 90 % promised",
    detail=True,
    outputs="probabilities",
    explanation="how often a set of the likeliest classes holds the label, where half of the clean photographs set how "
    "likely a class must be for 90 %; under a corruption the other half says what is left of it.",
)

ERRORS_OF_KEPT = (AURC, AUGRC, RISK_AT_COVERAGE)

SELECTIVE_METRICS = (*ERRORS_OF_KEPT, COVERAGE_AT_RISK, CONFORMAL)

CLEAN_CELLS = Condition(corruption="clean")
"""Clean photographs beside corrupted ones, whose scores are no headlines."""

FEWEST_CALIBRATED = 20
"""Photographs that a conformal threshold is taken of at least."""

TOP = {"fraction": 1.0, "score": 2.0}
"""The largest that a loss can be, by its unit: the Brier score over all classes reaches 2."""


def answered(
    records: Records, prediction: str = "prediction", confidence: str = "confidence"
) -> dict[str, NDArray[Any]]:
    """``right``, ``answer`` and, where rows have it, ``confidence`` of each row, from the columns of these names."""
    answer = records[prediction]
    columns: dict[str, NDArray[Any]] = {RIGHT: answer == records["label"], "answer": classes(answer)}
    if confidence in records:
        columns["confidence"] = records[confidence].astype(np.float32)
    return columns


def classes(values: NDArray[Any]) -> NDArray[Any]:
    """Class indices, as int16 where they fit."""
    fits = not len(values) or int(values.max()) <= LARGEST_INT16
    return values.astype(np.int16 if fits else np.int32)


def accuracy(
    metric: Metric,
    correct: NDArray[np.bool_],
    condition: Condition | None = None,
    *,
    ids: NDArray[Any] | None = None,
) -> Score:
    """The share of ``correct (N,)`` with its Wilson interval; undefined where there is no sample.

    Args:
        metric, condition: of the score.
        correct: whether each sample counts.
        ids: ``(N,)`` of the images, sorted; without them the score has no interval where images come in clusters.
    """
    n = len(correct)
    if not n:
        return metric.score(None, 0, condition=condition, lack=Fact(Lack.NOT_EVALUATED, {"what": "sample"}))
    hits = int(np.count_nonzero(correct))
    basis = None if ids is None else basis_of_share(ids, correct)
    return metric.score(hits / n, n, ShareOfImages(hits, n), condition, basis=basis)


def confidence_measurables(table: ImageTable) -> list[Measurable]:
    """Top-1, the headline's RMS calibration error and AURRA of a table of one condition, as functions of images."""
    right, confidence = table[RIGHT][:, 0] == 1, table["confidence"][:, 0]
    calibration = calibration_measure(RMS, confidence, right, PROTOCOLS[0])
    return [share(TOP1, table.equals(RIGHT)[:, 0]), calibration, area_under_response(AURRA, confidence, right)]


def seen_both_ways(table: ImageTable, name: str, first: Condition, second: Condition) -> NDArray[np.float64]:
    """A column under two conditions, float64 ``(N, 2)``; NaN for images that were not evaluated under both."""
    places = [place for place in (table.place(first), table.place(second)) if place is not None]
    if len(places) < 2:
        return np.full((len(table), 2), np.nan)
    there = table.evaluated[:, places].all(axis=1, keepdims=True)
    return np.where(there, table[name][:, places].astype(np.float64), np.nan)


def confidence_scores(
    confidence: NDArray[np.floating],
    correct: NDArray[np.bool_],
    losses: Mapping[str, NDArray[np.floating]] | None = None,
    *,
    ids: NDArray[Any] | None = None,
) -> list[Score]:
    """RMS calibration error under each protocol and AURRA, then ECE, the answer's Brier score and mean losses.

    All with intervals over images, where there are errors and right answers enough.

    Args:
        confidence: of each answer, ``(N,)`` in [0, 1].
        correct: whether it is right, ``(N,)``.
        losses: ``(N,)`` by metric, each scored by its mean: ``nll``, ``brier``; those with a NaN are left out.
        ids: as of `accuracy`.
    """
    n = len(confidence)
    if not n:
        return []
    means: dict[Metric, NDArray[np.floating]] = {BRIER_OF_ANSWER: (confidence.astype(np.float64) - correct) ** 2}
    means |= {metric: losses[metric.name] for metric in LOSSES if losses and metric.name in losses}
    means = {metric: values for metric, values in means.items() if np.isfinite(values).all()}
    return [
        *(_rms(confidence, correct, protocol) for protocol in PROTOCOLS),
        aurra_score(confidence, correct, ids),
        *(_ece(confidence, correct, binning) for binning in BINNINGS),
        *(mean_loss(metric, values, correct, ids) for metric, values in means.items()),
    ]


def mean_loss(
    metric: Metric, values: NDArray[np.floating], correct: NDArray[np.bool_], ids: NDArray[Any] | None = None
) -> Score:
    """The mean of a loss ``(N,)``, which few images may decide; ``ids`` as of `accuracy`."""
    score = estimated_loss(metric, mean(np.arange(len(values)), values), _fewer(correct))
    if ids is None:
        return score
    return replace(score, basis=basis_of_loss(metric, lambda: mean(ids, values), lambda: (ids[~correct], ids[correct])))


def basis_of_loss(
    metric: Metric, estimate: Callable[[], Estimate], kinds: Callable[[], Sequence[NDArray[Any]]]
) -> EstimateBasis:
    """The basis of a mean loss.

    Args:
        metric: which.
        estimate: makes the mean.
        kinds: images with an error, and those with a right answer.
    """
    if metric.unit == "nats":
        return EstimateBasis(
            estimate,
            ends=(0.0, math.inf),
            kinds=kinds,
            fewest=FEWEST_TELLING,
            rule=_clustered_likelihood,
        )
    return EstimateBasis(estimate, 0.0, TOP[metric.unit], ends=(0.0, TOP[metric.unit]))


def estimated_loss(metric: Metric, estimate: Estimate, fewer: int, condition: Condition | None = None) -> Score:
    """A mean loss with its interval; that of a likelihood, which nothing bounds, is wide where few images decide it.

    Args:
        metric, condition: of the score.
        estimate: the mean.
        fewer: images with an error, or with a right answer where these are fewer.

    Source: `skewed_student`, with as many degrees of freedom as images would have that share the variance equally:
        of lognormal losses those by kurtosis, as in `Estimate.telling`, hold in 93 % of fifty images.
    """
    if metric.unit != "nats":
        return loss(metric, estimate.value, estimate.n, estimate.spread(0.0, TOP[metric.unit]), condition)
    if lack := two_of_each(min(fewer, estimate.differing)):
        return loss(metric, estimate.value, estimate.n, None, condition, lack)
    return loss(metric, estimate.value, estimate.n, _spread_of_likelihood(estimate, fewer), condition)


def _spread_of_likelihood(estimate: Estimate, fewer: int) -> Spread:
    """How well `estimated_loss` knows what nothing bounds."""
    degrees = max(min(fewer, _sharing(estimate)) - 1, 1)
    return Mean(estimate.value, estimate.error, estimate.skew, degrees)


def _clustered_likelihood(by_cluster: EstimateByCluster) -> Spread:
    """How well a likelihood is known by clusters: sums over pictures are less unlike than losses are by themselves."""
    estimate = by_cluster.estimate
    telling = min(_sharing(by_cluster.by_picture), estimate.telling, int(by_cluster.telling))
    return Mean(estimate.value, estimate.error, estimate.skew, max(telling - 1, 1))


def _sharing(estimate: Estimate) -> int:
    """The number of images that would have this variance if they shared it equally."""
    squares = estimate.influence**2
    return int(squares.sum() ** 2 / (squares**2).sum())


def two_of_each(fewer: int) -> Fact | None:
    """Why so few errors, or right answers where these are fewer, give no interval; ``None`` where they do."""
    if fewer >= FEWEST_TELLING:
        return None
    return too_few((FEWEST_TELLING, "errors"), (FEWEST_TELLING, "right answers"), had=(fewer,))


def loss(
    metric: Metric,
    value: float,
    n: int,
    spread: Spread | None,
    condition: Condition | None = None,
    lack: Fact | None = None,
) -> Score:
    """A score of calibration whose interval stays in its metric's range; NLL and the Brier score reach above 1."""
    bounded = cut(spread, 0.0, 1.0 if metric.unit == "fraction" else np.inf) if spread else None
    return metric.score(value, n, bounded, condition, lack=lack)


def _too_few(correct: NDArray[np.bool_]) -> Fact | None:
    """Why these answers ``(N,)`` say too little for an interval; ``None`` where they do not."""
    return two_of_each(_fewer(correct))


def _fewer(correct: NDArray[np.bool_]) -> int:
    """Errors, or right answers where these are fewer."""
    return min(int(np.count_nonzero(outcomes)) for outcomes in (correct, ~correct))


def aurra_score(confidence: NDArray[np.floating], correct: NDArray[np.bool_], ids: NDArray[Any] | None = None) -> Score:
    """AURRA with the interval of AURC, whose other side it is; ``ids`` as of `accuracy`."""
    errors = selective_prediction(np.arange(len(correct)), confidence, correct)["aurc"]
    value, lack, spread = aurra(confidence, correct), _too_few(correct), None
    if not lack:
        spread = Scaled(_spread_of_area(AURC, errors, int(np.count_nonzero(~correct))), 1.0, -1.0)
    score = AURRA.score(value, errors.n, spread, lack=lack)
    if ids is None:
        return score
    basis = EstimateBasis(
        lambda: selective_prediction(ids, confidence, correct)["aurc"],
        kinds=lambda: (ids[~correct], ids[correct]),
        rule=lambda by_cluster: Scaled(_spread_of_area(AURC, by_cluster.estimate, by_cluster.of_kinds[0]), 1.0, -1.0),
    )
    return replace(score, basis=basis)


def _spread_of_area(metric: Metric, estimate: Estimate, wrong: int) -> Spread:
    """How well an area of errors is known over answers of which more and more are kept.

    Args:
        metric: which.
        estimate: of it.
        wrong: errors, or clusters that hold one.

    Few errors decide it, above all those that the model is surest of, of which chance may have left out some.

    Source: `effective_wilson`; Tiwari, Clegg & Zou (2006), doi:10.1177/0962280206070621, for the upper end: that of a
        weighted sum of rare errors, by a gamma variable, as if one more were seen that weighs what one does on average.
    """
    telling = max(min(wrong, estimate.telling), FEWEST_TELLING)
    n = estimate.independent
    usual = BoundedMean(estimate.value, estimate.variance, telling, 0, n)
    mean_weight, mean_square = (1.0, 2.0) if metric is AURC else (1 / 2, 1 / 3)
    more = estimate.value + mean_weight / n, estimate.variance + mean_square / n**2
    return Combined((usual, Gamma(estimate.value, *more)), 0.0, 1.0)


def _ece(confidence: NDArray[np.floating], correct: NDArray[np.bool_], binning: Binning) -> Score:
    lack, gaps = _too_few(correct), Gaps.from_answers(confidence, correct, bin_of(confidence, binning))
    value = expected_calibration_error(confidence, correct, binning)
    spread = None if lack else _spread_of_gaps(value, gaps, 1, _fewer(correct))
    return loss(ECE, value, len(correct), spread, Condition(protocol=binning), lack)


def _rms(confidence: NDArray[np.floating], correct: NDArray[np.bool_], protocol: CalibrationProtocol) -> Score:
    n, condition = len(correct), Condition(protocol=protocol)
    if n < MINIMUM[protocol]:
        return RMS.score(None, n, condition=condition, lack=too_few((MINIMUM[protocol], "images"), had=(n,)))
    value, bins = rms_calibration_error(confidence, correct, protocol), bin_of_hundred(confidence)
    last = bins.max() if protocol == "hendrycks2019" else len(bins)
    gaps, fewer = Gaps.from_answers(confidence, correct, bins).counted(slice(None, last)), _fewer(correct[bins < last])
    lack = two_of_each(fewer)
    spread = None if lack else cut(_spread_of_gaps(value, gaps, 2, fewer))
    return RMS.score(value, n, spread, condition, lack=lack)


def _spread_of_gaps(value: float, gaps: Gaps, power: Literal[1, 2], fewer: int) -> TwoEnds:
    """How well a calibration error is known, by `calibration_interval`."""
    ends = calibration_interval(gaps, power, fewer=fewer)
    return TwoEnds(value, ends.low, ends.high)


def selective_scores(table: ImageTable) -> list[Score]:
    """AURC, AUGRC, risk at a coverage and coverage at a risk of a table of one condition."""
    right = table[RIGHT][:, 0] == 1
    if not len(right):
        return []
    estimates = selective_prediction(table.ids, table["confidence"][:, 0], right)
    lack = _too_few(right)
    return [
        *(
            replace(
                _error_of_kept(of, estimates[of.name], int(np.sum(~right)), lack, Condition()),
                basis=_basis_of_kept(of, table, [0]),
            )
            for of in ERRORS_OF_KEPT
            if of.name in estimates
        ),
        _kept_at_risk([coverage_at_risk(table["confidence"][:, 0], right)], len(right), Condition()),
    ]


def selective_by_corruption(table: ImageTable, corruptions: Sequence[str]) -> list[Score]:
    """Selective scores of clean photographs and of each corruption, a mean over severities, and conformal coverage."""
    if "confidence" not in table:
        return []
    scores = []
    for condition, places in _cells_of(table, corruptions).items():
        cells = [_of_cell(table, place) for place in places]
        rights = [right for *_, right in cells]
        estimates = [selective_prediction(*cell) for cell in cells]
        shares = [coverage_at_risk(confidence, right) for _, confidence, right in cells]
        n, lack = max(map(len, rights)), next(filter(None, map(_too_few, rights)), None)
        fewest = min(int(np.sum(~right)) for right in rights)
        for metric in ERRORS_OF_KEPT:
            if all(metric.name in of_cell for of_cell in estimates):
                error = reduce(add, [of_cell[metric.name] for of_cell in estimates]) / len(estimates)
                basis = _basis_of_kept(metric, table, places)
                scores.append(replace(_error_of_kept(metric, error, fewest, lack, condition), basis=basis))
        scores.append(_kept_at_risk(shares, n, condition))
    return [*scores, *_conformal(table, corruptions)]


def conformal_scores(table: ImageTable) -> list[Score]:
    """Conformal coverage of clean photographs: half of them set the threshold, the other half is held against it."""
    if "nll" not in table or len(table) < 2 * FEWEST_CALIBRATED:
        return []
    half, losses = calibration_half(table.ids), table["nll"].reshape(len(table), -1)[:, 0]
    coverage = conformal_coverage(table.ids[~half], losses[~half], conformal_threshold(losses[half]))
    basis = EstimateBasis(lambda: coverage, 0.0, 1.0)
    return [CONFORMAL.score(coverage.value, coverage.n, coverage.spread(0.0, 1.0), basis=basis)]


def _conformal(table: ImageTable, corruptions: Sequence[str]) -> list[Score]:
    places = _cells_of(table, corruptions)
    if "nll" not in table or CLEAN_CELLS not in places:
        return []
    half, losses = calibration_half(table.ids), table["nll"]
    clean = losses[half, places[CLEAN_CELLS][0]]
    clean = clean[~np.isnan(clean)]
    if len(clean) < FEWEST_CALIBRATED:
        return []
    threshold, scores = conformal_threshold(clean), []
    for condition, cells in places.items():
        if np.isnan(losses[~half][:, cells]).all(axis=0).any():
            continue

        def estimate(cells: Sequence[int] = cells) -> Estimate:
            return conformal_coverage(table.ids[~half], losses[~half][:, cells], threshold)

        coverage, basis = estimate(), EstimateBasis(estimate, 0.0, 1.0)
        spread = coverage.spread(0.0, 1.0)
        scores.append(CONFORMAL.score(coverage.value, coverage.n, spread, condition, basis=basis))
    return scores


def _cells_of(table: ImageTable, corruptions: Sequence[str]) -> dict[Condition, list[int]]:
    """The cells of clean photographs, and of each corruption."""
    cells: dict[Condition, list[int]] = {}
    for place, cell in enumerate(table.present):
        if not cell or cell["corruption"] in corruptions:
            cells.setdefault(Condition(corruption=cell["corruption"]) if cell else CLEAN_CELLS, []).append(place)
    return cells


def _of_cell(table: ImageTable, place: int) -> tuple[NDArray[np.object_], NDArray[np.floating], NDArray[np.bool_]]:
    """Ids, confidence and right or wrong of the images that were evaluated in a cell."""
    right = table[RIGHT][:, place]
    there = right >= 0
    if there.all():
        return table.ids, table["confidence"][:, place], right == 1
    return table.ids[there], table["confidence"][there, place], right[there] == 1


def _basis_of_kept(metric: Metric, table: ImageTable, places: Sequence[int]) -> EstimateBasis:
    """The basis of an error of kept answers, a mean over cells."""

    def estimate() -> Estimate:
        return reduce(add, [selective_prediction(*_of_cell(table, place))[metric.name] for place in places]) / len(
            places
        )

    def kinds() -> list[NDArray[np.int64]]:
        """The errors of each cell, then the right answers of each."""
        return [np.flatnonzero(table[RIGHT][:, place] == outcome) for outcome in (0, 1) for place in places]

    def of_areas(by_cluster: EstimateByCluster) -> Spread:
        return _spread_of_area(metric, by_cluster.estimate, min(by_cluster.of_kinds[: len(places)]))

    def of_risk(by_cluster: EstimateByCluster) -> Spread:
        estimate = by_cluster.estimate
        return _spread_of_risk(estimate, math.ceil(COVERAGE * estimate.independent))

    return EstimateBasis(estimate, kinds=kinds, rule=of_risk if metric is RISK_AT_COVERAGE else of_areas)


def _error_of_kept(metric: Metric, estimate: Estimate, wrong: int, lack: Fact | None, condition: Condition) -> Score:
    """The score of an error of kept answers; ``wrong`` are the errors of the cell with fewest.

    An area has the interval that AURRA has, whose other side AURC is.
    """
    spread: Spread | None = None
    if not lack and metric in (AURC, AUGRC):
        spread = _spread_of_area(metric, estimate, wrong)
    elif not lack:
        spread = _spread_of_risk(estimate, math.ceil(COVERAGE * estimate.n))
    return metric.score(estimate.value, estimate.n, spread, condition, lack=lack)


def _spread_of_risk(estimate: Estimate, surest: int) -> Spread:
    """How well the risk of the surest answers is known, of which alone chance may have left out some that are wrong."""
    return Combined((estimate.spread(0.0, 1.0), Unseen(estimate.value, surest, 0.0, 1.0)))


def _kept_at_risk(shares: Sequence[float], n: int, condition: Condition) -> Score:
    """The coverage at a risk, a mean over cells, without an interval.

    Wilson's test at each share, inverted, holds in 84 to 90 %: the place where a risk is 5 % varies as the risk does,
    and it is the last of as many looks as there are answers.
    """
    lack = Fact(Lack.LAST_OF_MANY, {"risk": 0.05})
    return COVERAGE_AT_RISK.score(float(np.mean(shares)), n, condition=condition, lack=lack)
