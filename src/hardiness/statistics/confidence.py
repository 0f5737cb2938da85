"""How well confidence tells right answers from wrong ones: gaps to accuracy in bins, and ranking."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError

BINS = 15
"""Number of bins of the expected calibration error, as in Guo et al. (2017) and most papers since."""

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
    n = _check_lengths(confidence, correct)
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
    n = _check_lengths(confidence, correct)
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
    n = _check_lengths(confidence, correct)
    order = ascending(-confidence)
    return float(np.mean(np.cumsum(correct[order]) / np.arange(1, n + 1)))


def _check_lengths(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> int:
    if len(confidence) != len(correct):
        raise ArgumentError(f"confidence and correct must be equally long, were {len(confidence)} and {len(correct)}")
    if not len(confidence):
        raise ArgumentError("confidence is empty: at least one sample is needed")
    return len(confidence)
