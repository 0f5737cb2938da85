"""Calibration and AURRA on cases small enough to compute on paper."""

import numpy as np
import pytest

from hardiness.core.errors import ArgumentError
from hardiness.statistics.confidence import aurra, rms_calibration_error


def bins(*groups: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """100 samples for each (confidence, accuracy), in an order that is not sorted."""
    confidence = np.concatenate([np.full(100, level) for level, _ in groups])
    correct = np.concatenate([np.arange(100) < round(100 * share) for _, share in groups])
    order = np.random.default_rng(0).permutation(len(confidence))
    return confidence[order], correct[order]


def test_two_bins_published_counts_only_the_first() -> None:
    confidence, correct = bins((0.3, 0.5), (0.9, 0.1))
    # first bin: weight 1/2, gap 0.2; the second bin (gap 0.8) is left out, but stays in N
    assert rms_calibration_error(confidence, correct, "hendrycks2019") == pytest.approx(np.sqrt(0.5 * 0.2**2))


def test_two_bins_all_bins_counts_both() -> None:
    confidence, correct = bins((0.3, 0.5), (0.9, 0.1))
    expected = np.sqrt(0.5 * 0.2**2 + 0.5 * 0.8**2)
    assert rms_calibration_error(confidence, correct, "all-bins") == pytest.approx(expected)


def test_remainder_joins_the_last_bin() -> None:
    confidence, correct = bins((0.2, 0.2), (0.6, 0.0))
    confidence = np.append(confidence, np.full(50, 0.9))
    correct = np.append(correct, np.ones(50, bool))
    # bins of 100 and 150: the second holds mean confidence (60 + 45) / 150 = 0.7 and accuracy 1/3
    expected = np.sqrt(150 / 250 * (0.7 - 1 / 3) ** 2)
    assert rms_calibration_error(confidence, correct, "all-bins") == pytest.approx(expected)
    assert rms_calibration_error(confidence, correct, "hendrycks2019") == pytest.approx(0, abs=1e-12)


def test_ties_keep_their_order() -> None:
    confidence = np.full(200, 0.5, np.float32)
    correct = np.arange(200) < 100  # stable: the first bin is the 100 right ones
    assert rms_calibration_error(confidence, correct, "hendrycks2019") == pytest.approx(np.sqrt(0.5 * 0.5**2))


@pytest.mark.parametrize(("protocol", "least"), [("hendrycks2019", 200), ("all-bins", 100)])
def test_undefined_below_its_minimum(protocol: str, least: int) -> None:
    rms_calibration_error(np.full(least, 0.5), np.ones(least, bool), protocol)
    with pytest.raises(ArgumentError, match=f"at least {least} samples, had {least - 1}"):
        rms_calibration_error(np.full(least - 1, 0.5), np.ones(least - 1, bool), protocol)


def test_aurra_of_three() -> None:
    # by falling confidence: right, wrong, right -> accuracies 1, 1/2, 2/3
    value = aurra(np.array([0.2, 0.9, 0.5]), np.array([True, True, False]))
    assert value == pytest.approx((1 + 1 / 2 + 2 / 3) / 3)


def test_aurra_refuses_nothing() -> None:
    with pytest.raises(ArgumentError, match="empty"):
        aurra(np.array([]), np.array([], bool))


def test_the_published_loop_in_its_own_words() -> None:
    """The published algorithm, written from its description, on random data of awkward length."""
    generator = np.random.default_rng(1)
    confidence = generator.random(1234)
    correct = generator.random(1234) < confidence
    order = np.argsort(confidence, kind="stable")
    edges = [[100 * i, 100 * (i + 1)] for i in range(12)]
    edges[-1][1] = 1234
    total = 0.0
    for low, high in edges[:-1]:
        chosen = order[low:high]
        total += len(chosen) / 1234 * (confidence[chosen].mean() - correct[chosen].mean()) ** 2
    assert rms_calibration_error(confidence, correct) == pytest.approx(np.sqrt(total), rel=1e-12)
