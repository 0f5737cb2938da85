"""How well confidence tells right answers from wrong ones: gaps to accuracy, ranking, answers withheld by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.core.result import Interval
from hardiness.statistics.estimate import Estimate, mean

BINS = 15
"""Of the expected calibration error, as in Guo et al. (2017) and most papers since."""

Binning = Literal["equal-width", "equal-mass"]
BINNINGS: tuple[Binning, ...] = ("equal-width", "equal-mass")

BIN_SIZE = 100
CalibrationProtocol = Literal["hendrycks2019", "all-bins"]
MINIMUM: dict[CalibrationProtocol, int] = {"hendrycks2019": 2 * BIN_SIZE, "all-bins": BIN_SIZE}
"""Samples below which each protocol has no bin left to measure in."""


def rms_calibration_error(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], protocol: CalibrationProtocol = "hendrycks2019"
) -> float:
    """Root mean square of confidence minus accuracy over adaptive bins of 100, as a fraction of 1.

    Samples are sorted by confidence (stably: ties keep their order) and cut into consecutive bins of 100, the
    remainder joining the last; each bin weighs its share of all samples.

    Args:
        confidence: float ``(N,)`` in [0, 1].
        correct: bool ``(N,)``.
        protocol: ``"hendrycks2019"`` leaves the last bin (the 100 to 199 most confident samples) out of the sum but
            not out of N, as the published loop does; ``"all-bins"`` counts every bin.

    Raises:
        ArgumentError: the arrays differ in length, or hold fewer samples than the protocol needs (`MINIMUM`).

    Source: Hendrycks et al. (2019), arXiv:1907.07174, and the loop of its code; Nguyen & O'Connor (2015) for the bins.
    Differs: ties are sorted stably, where the published code leaves their order to NumPy's quicksort.
    """
    n = _checked(confidence, correct)
    if n < MINIMUM[protocol]:
        raise ArgumentError(f"{protocol} calibration needs at least {MINIMUM[protocol]} samples, had {n}")
    order = ascending(confidence)
    starts = _starts_of_hundred(n)
    # float64: the sum of 100 float32 confidences would round in the seventh digit, differently by summation order.
    gap = np.add.reduceat(confidence[order].astype(np.float64) - correct[order], starts)
    sizes = np.diff(np.append(starts, n))
    counted = slice(None, -1) if protocol == "hendrycks2019" else slice(None)
    squares = sizes / n * (gap / sizes) ** 2
    return float(np.sqrt(squares[counted].sum()))


def expected_calibration_error(
    confidence: NDArray[np.floating], correct: NDArray[np.bool_], binning: Binning = "equal-width"
) -> float:
    """Mean distance of confidence and accuracy over 15 bins, each weighing its share of the samples.

    Args:
        confidence: float ``(N,)`` in [0, 1].
        correct: bool ``(N,)``.
        binning: ``"equal-width"``: bins of 1/15 of confidence, open below and closed above; ``"equal-mass"``: the
            samples sorted by confidence (stably) and cut into 15 parts whose sizes differ by one at most; with fewer
            than 15 samples, one part each.

    Raises:
        ArgumentError: the arrays differ in length or are empty.

    Source: Guo et al. (2017), arXiv:1706.04599, for equal width; Nixon et al. (2019), arXiv:1904.01685, for equal mass.
    """
    n = _checked(confidence, correct)
    gap = confidence.astype(np.float64) - correct
    return float(np.abs(np.bincount(bin_of(confidence, binning), weights=gap)).sum() / n)


def bin_of(confidence: NDArray[np.floating], binning: Binning) -> NDArray[np.int64]:
    """Which bin of the expected calibration error each confidence ``(N,)`` falls into, from 0; see there."""
    if binning == "equal-width":  # open below and closed above; 0 falls into the first
        return np.clip(np.ceil(confidence.astype(np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    n = len(confidence)
    bins = min(BINS, n)
    return _by_rank(confidence, np.arange(bins) * n // bins)


def bin_of_hundred(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    """Which bin of the RMS calibration error each of at least 100 confidences falls into, from 0; see there."""
    return _by_rank(confidence, _starts_of_hundred(len(confidence)))


def _starts_of_hundred(n: int) -> NDArray[np.int64]:
    return np.arange(0, n // BIN_SIZE * BIN_SIZE, BIN_SIZE)


def _by_rank(confidence: NDArray[np.floating], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bins of consecutive samples in ascending order of confidence, by the first rank of each."""
    bins = np.empty(len(confidence), np.int64)
    sizes = np.diff(np.append(starts, len(confidence)))
    bins[ascending(confidence)] = np.repeat(np.arange(len(starts)), sizes)
    return bins


def ascending(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """The places of values from the smallest to the largest, ``(N,)``; of equal ones the first stands first.

    What NumPy's stable sort gives, in a third of its time: a float32 and its place are sorted as one integer.
    """
    exact = values.astype(np.float32) + np.float32(0)  # of the two zeros one
    if not np.array_equal(exact, values):  # float64, or not a number
        return np.argsort(values, kind="stable")
    bits = exact.view(np.int32)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # the bits of negative numbers ascend the other way
    keys = (ordered.astype(np.int64) << 32) | np.arange(len(values))
    keys.sort()
    return keys & 0xFFFFFFFF


def aurra(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> float:
    """Area under the response rate accuracy curve, as a fraction of 1.

    The mean, over k = 1 … N, of the accuracy among the k most confident samples; ties keep their order.

    Args:
        confidence: float ``(N,)``.
        correct: bool ``(N,)``.

    Raises:
        ArgumentError: the arrays differ in length or are empty.

    Source: Hendrycks et al. (2019), arXiv:1907.07174, section 4.
    """
    n = _checked(confidence, correct)
    order = ascending(-confidence)
    return float(np.mean(np.cumsum(correct[order]) / np.arange(1, n + 1)))


def _checked(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> int:
    if len(confidence) != len(correct):
        raise ArgumentError(f"confidence and correct must be equally long, were {len(confidence)} and {len(correct)}")
    if not len(confidence):
        raise ArgumentError("confidence is empty: at least one sample is needed")
    return len(confidence)


Floats = NDArray[np.float64]
Norm = Literal[1, 2]
"""1: mean size of the gaps, as the expected calibration error. 2: root mean square."""

TAIL = 0.02
"""Of each end: less than 2.5 %, as the spread is that of the same few images and not known."""

FURTHEST = 64.0
"""Times the gaps seen: no interval reaches beyond."""

PRIOR = 5
"""A bin's gap counts as if so many more of its images were calibrated: one image alone says nothing of its bin."""

_BISECTIONS = 30

NO_SKEW = 1e-3
"""Skew below which a distribution counts as normal."""


@dataclass(frozen=True)
class Gaps:
    """How far confidence and accuracy lie apart in each bin that is not empty.

    Attributes:
        weight: ``(B,)`` of a bin in the error; they add up to 1 where every bin counts.
        size: ``(B,)`` images in it.
        confidence: ``(B,)`` their mean confidence.
        gap: ``(B,)`` mean confidence less accuracy.
        excess: ``(B,)`` variance of confidence less right or wrong, less that of right or wrong alone: below 0 where
            surer answers are right more often.
    """

    weight: Floats
    size: Floats
    confidence: Floats
    gap: Floats
    excess: Floats

    @classmethod
    def from_answers(
        cls, confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: NDArray[np.int64]
    ) -> Gaps:
        """The gaps of images ``(N,)`` in bins ``int (N,)`` from 0; bins without an image are left out."""
        sure = confidence.astype(np.float64)
        size = np.bincount(bins).astype(np.float64)
        held = size > 0
        sums = (np.bincount(bins, values)[held] for values in (sure, sure - correct, (sure - correct) ** 2))
        mean, gap, square = (each / size[held] for each in sums)
        right = mean - gap
        return cls(size[held] / len(bins), size[held], mean, gap, square - gap**2 - right * (1 - right))

    def counted(self, bins: slice) -> Gaps:
        """The gaps of the selected bins, their weights unchanged."""
        return Gaps(*(each[bins] for each in (self.weight, self.size, self.confidence, self.gap, self.excess)))

    @classmethod
    def together(cls, parts: Sequence[Gaps]) -> Gaps:
        """The bins of several conditions, each condition weighing the same."""
        names = ("weight", "size", "confidence", "gap", "excess")
        weight, *rest = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
        return cls(weight / len(parts), *rest)

    def error(self, norm: Norm) -> float:
        """The calibration error."""
        return _size(self.gap, self.weight, norm)


@dataclass(frozen=True)
class _Family:
    """Truths that are alike but for how large their gaps are: ``times`` a shape."""

    gaps: Gaps
    shape: Floats
    norm: Norm

    def truth(self, times: float) -> tuple[Floats, Floats, Floats]:
        """The gaps, and the variance and third cumulant of a gap that is seen."""
        right = np.clip(self.gaps.confidence - times * self.shape, 0.0, 1.0)
        variance = np.maximum(right * (1 - right) + self.gaps.excess, 1e-9) / self.gaps.size
        third = -variance * (1 - 2 * right) / self.gaps.size
        return self.gaps.confidence - right, variance, third

    def error(self, times: float) -> float:
        """The calibration error."""
        return _size(self.truth(times)[0], self.gaps.weight, self.norm)

    def cumulants(self, times: float) -> tuple[float, float, float]:
        """Mean, variance and third cumulant of the error that is seen (of its square where the norm is 2)."""
        found = _folded(*self.truth(times)) if self.norm == 1 else _squared(*self.truth(times))
        first, second, third = (float(np.sum(self.gaps.weight**k * each)) for k, each in enumerate(found, 1))
        return first, second, third

    def solved(self, above: Callable[[float, float, float], float], wanted: float) -> float:
        """The error of the truth at which an error as large as was seen comes up with this chance."""
        low, high = 0.0, 1.0
        if above(*self.cumulants(low)) >= wanted:
            return 0.0
        while high < FURTHEST and above(*self.cumulants(high)) < wanted:
            high *= 2
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if above(*self.cumulants(middle)) < wanted else (low, middle)
        return self.error(high)


FEW_OF_EACH = 10
"""Errors, or right answers, below which those that were seen may all be luck."""


def calibration_interval(gaps: Gaps, norm: Norm, variance: float | None = None, fewer: int = FEW_OF_EACH) -> Interval:
    """The 95 % interval of the calibration error that the same bins would show on endlessly many images.

    What is seen is larger than that: noise makes gaps where there are none. So the interval reaches from the smallest
    to the largest truth under which as large, or as small, an error as was seen comes up in 2 % of samples. Truths are
    the gaps that were seen, times a number, and such as hide best: for the upper end each gap is taken as large as its
    noise at least, as many small gaps hide better than a large one; for a root mean square they are weighed by their
    noise. An error below what half of the samples of a calibrated model show is luck: for the upper end it counts as
    that half's largest, so that no interval ends at an error of 0. The value that was seen is inside by decision.

    Args:
        gaps: in each bin that counts.
        norm: 1 or 2.
        variance: of the error that is seen, where images stand in several bins; ``None`` where each is in one.
        fewer: images with an error, or with a right answer where these are fewer. Of fewer than ten the interval
            reaches further by as much as those can have moved the error: a sample may have two where one was expected.

    Source: DiCiccio & Romano (1990), doi:10.2307/1403805, limits by inverting tests along a least favourable family;
        Buckley & Eagleson (1988), doi:10.1111/j.1467-842X.1988.tb00471.x, for the distribution by three cumulants;
        Kumar et al. (2019), arXiv:1909.10155, for how much noise adds; Cowan et al. (2011), arXiv:1105.3166, for an
        upper end that is never below the usual one of no effect.
    """
    small = gaps.gap * gaps.size / (gaps.size + PRIOR)
    noise = _Family(gaps, small, norm).truth(1.0)[1]
    large = np.where(small < 0, -1.0, 1.0) * np.sqrt(small**2 + noise)
    if norm == 2:
        small, large = (shape * np.sqrt(noise / noise.max()) for shape in (small, large))
    seen = gaps.error(norm)
    chance = _by_cumulants if variance is None else _by_variance(variance)
    calibrated = _Family(gaps, large, norm).cumulants(0.0)
    usual = _median(*calibrated) if variance is None else calibrated[0]
    low = _Family(gaps, small, norm).solved(lambda *c: 1 - chance(seen**norm, *c), TAIL)
    high = _Family(gaps, large, norm).solved(lambda *c: 1 - chance(max(seen**norm, usual), *c), 1 - TAIL)
    right = gaps.confidence - gaps.gap
    rare = min((right, 1 - right), key=lambda share: float(np.sum(gaps.weight * share)))
    luck = _size(rare, gaps.weight, norm) if fewer < FEW_OF_EACH else 0.0
    return Interval(max(min(low, seen) - luck, 0.0), max(high, seen) + luck)


def _median(mean: float, variance: float, third: float) -> float:
    """What half of the samples stay below: those of a shifted gamma variable with these cumulants."""
    from scipy.special import gammaincinv

    deviation = math.sqrt(variance)
    skew = third / deviation**3
    if abs(skew) < NO_SKEW:
        return mean
    shape = 4 / skew**2
    return mean + deviation * skew / 2 * (float(gammaincinv(shape, 0.5)) - shape)


def _by_cumulants(value: float, mean: float, variance: float, third: float) -> float:
    """The chance of at most this value: that of a shifted gamma variable with these cumulants."""
    from scipy.special import gammainc

    deviation = math.sqrt(variance)
    skew, apart = third / deviation**3, (value - mean) / deviation
    if abs(skew) < NO_SKEW:
        return NormalDist().cdf(apart)
    shape = 4 / skew**2
    below = float(gammainc(shape, max(shape + 2 * apart / skew, 0.0)))
    return below if skew > 0 else 1 - below


def _by_variance(error_variance: float) -> Callable[[float, float, float, float], float]:
    """The same, normal and of a variance that is known."""
    return lambda value, mean, variance, third: NormalDist(mean, math.sqrt(error_variance)).cdf(value)


def _size(gap: Floats, weight: Floats, norm: Norm) -> float:
    return float(np.sum(weight * np.abs(gap) ** norm) ** (1 / norm))


def _squared(mean: Floats, variance: Floats, third: Floats) -> tuple[Floats, Floats, Floats]:
    """Cumulants of the square of a variable with these cumulants, further ones being small."""
    spread = 2 * variance**2 + 4 * mean**2 * variance + 4 * mean * third
    skew = 8 * variance**3 + 24 * mean**2 * variance**2 + 8 * mean**3 * third + 48 * mean * variance * third
    return mean**2 + variance, np.maximum(spread, 1e-18), skew


def _folded(mean: Floats, variance: Floats, third: Floats) -> tuple[Floats, Floats, Floats]:
    """Cumulants of the size of a variable with these cumulants, nearly normal."""
    from scipy.special import erf

    deviation = np.sqrt(variance)
    apart = np.abs(mean) / deviation
    bell, inside = math.sqrt(2 / math.pi) * np.exp(-(apart**2) / 2), erf(apart / math.sqrt(2))
    first = bell + apart * inside
    second, cube = apart**2 + 1, bell * (apart**2 + 2) + (apart**3 + 3 * apart) * inside
    skew = np.maximum(cube - 3 * first * second + 2 * first**3, 0.0)
    own = np.sign(mean) * inside**3 * third
    return deviation * first, variance * (second - first**2), deviation**3 * skew + own


COVERAGE, RISK, PROMISED = 0.8, 0.05, 0.9
"""Shares at which a risk and a coverage are read off, and how often a conformal set is to hold the label."""

FEWEST_KEPT = 20
"""Images below which a share of kept answers says nothing."""


def selective_prediction(
    ids: NDArray[Any], confidence: NDArray[np.floating], right: NDArray[np.bool_]
) -> Mapping[str, Estimate]:
    """What is known of answers of which the k surest are kept, k = 1 … n, each as an estimate.

    Args:
        ids: ``(n,)`` names of the images, or their places, sorted.
        confidence: ``(n,)`` of each answer; of equal ones the first are kept first.
        right: ``(n,)`` whether each is right.

    Returns:
        ``aurc``, the mean error among the kept (AURRA is 1 minus it); ``augrc``, the mean share of all that are kept
        and wrong; ``risk_at_80_coverage``, the error among the surest 80 %, left out below twenty images.

    Raises:
        ArgumentError: there is no image.

    Source: Geifman et al. (2019), arXiv:1805.08206, AURC; Traub et al. (2024), arXiv:2407.01032, AUGRC; Geifman &
        El-Yaniv (2017), arXiv:1705.08500, risk at a coverage. The influence on AURC is what leaving the image out
        changes; the others are by the functional delta method.
    """
    n = len(confidence)
    if not n:
        raise ArgumentError("selective prediction needs at least one image, had none")
    order = ascending(-confidence)
    wrong = (~right[order]).astype(np.float64)
    kept = np.arange(1, n + 1)
    errors = np.cumsum(wrong)
    risk = errors / kept
    aurc, augrc = float(risk.mean()), float((errors / n).mean())
    # Without an image the risks before it stay as they are, and each later one is of one answer less.
    fewer = 1 / np.maximum(kept - 1, 1)
    later, weight = (np.append(np.cumsum(each[:0:-1])[::-1], 0.0) for each in (errors * fewer, fewer))
    of_aurc = wrong * weight - later - (np.cumsum(risk) - risk)
    of_augrc = errors / n + wrong * (n - kept + 1) / n - 2 * augrc
    found = {"aurc": (aurc, of_aurc), "augrc": (augrc, of_augrc)}
    if n >= FEWEST_KEPT:
        last = math.ceil(COVERAGE * n)
        held = kept <= last
        at_end = _near(wrong, last)
        value = float(risk[last - 1])
        found["risk_at_80_coverage"] = value, (held * (wrong - at_end)) * (n / last) - (value - at_end)
    back = np.empty(n, np.int64)
    back[order] = np.arange(n)
    return {name: Estimate(value, ids, (each - each.mean())[back]) for name, (value, each) in found.items()}


def coverage_at_risk(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """The largest share of answers, the surest first, of which at most 5 % are wrong.

    Args:
        confidence, right: ``(n,)``, at least one.

    Source: Geifman & El-Yaniv (2017), arXiv:1705.08500.
    """
    errors = np.cumsum(~right[ascending(-confidence)])
    places = np.flatnonzero(errors <= RISK * np.arange(1, len(errors) + 1))
    return float(places[-1] + 1) / len(errors) if len(places) else 0.0


def _near(wrong: NDArray[np.float64], last: int) -> float:
    """The error rate of the answers about a place in their order, by a tenth of all of them."""
    half = max(len(wrong) // 20, 5)
    return float(wrong[max(last - half, 0) : last + half].mean())


def calibration_half(ids: NDArray[np.object_]) -> NDArray[np.bool_]:
    """``(n,)`` which images a conformal threshold is taken of: half of them, drawn by seed from the sorted ids."""
    chosen = np.zeros(len(ids), bool)
    chosen[rng(0, "conformal", len(ids)).permutation(len(ids))[: len(ids) // 2]] = True
    return chosen


def conformal_threshold(losses: NDArray[np.floating]) -> float:
    """The loss of the label up to which classes belong to a set that holds it in 90 % of photographs like these.

    Args:
        losses: ``(n,)`` negative log-likelihoods of the labels of the calibration half.

    Source: Vovk et al. (2005); Sadinle et al. (2019), arXiv:1609.00451: classes whose probability is high enough. Of n
        images the ``ceil(0.9 (n + 1))``-th smallest; infinite where n is below 9.
    """
    place = math.ceil(PROMISED * (len(losses) + 1))
    return float(np.sort(losses)[place - 1]) if place <= len(losses) else math.inf


def conformal_coverage(ids: NDArray[np.object_], losses: NDArray[np.floating], threshold: float) -> Estimate:
    """How often the set holds the label: the share of losses, ``(n,)`` or ``(n, m)`` by cell, within the threshold."""
    table = np.asarray(losses, np.float64)
    return mean(ids, np.where(np.isnan(table), np.nan, table <= threshold))
