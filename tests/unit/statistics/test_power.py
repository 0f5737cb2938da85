"""How many images a comparison needs: textbook values, and what becomes of as many."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.errors import ArgumentError
from hardiness.statistics.comparison import detectable_paired
from hardiness.statistics.paired_shares import mcnemar
from hardiness.statistics.power import disagreement, images_needed


def test_two_samples_by_hand() -> None:
    """.6 against .5 right: (1.96 sqrt(2 * .55 * .45) + .8416 sqrt(.24 + .25))^2 / .01 = 387.3."""
    assert images_needed(0.1, 0.5, 0.0).unpaired == 388


def test_pairs_by_hand() -> None:
    """Errors of .2 and .19 that correlate to .5: both err on .038 + .5 * .15692 = .11646, one alone on .15708."""
    found = images_needed(0.01, 0.2, 0.5)
    assert found.disagreement == pytest.approx(0.39 - 2 * (0.038 + 0.5 * np.sqrt(0.16 * 0.1539)))
    assert found.paired == pytest.approx(7.848879 * found.disagreement / 1e-4, rel=1e-3)
    assert found.paired < found.unpaired / 1.9
    assert detectable_paired(found.disagreement, found.paired) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(("difference", "error", "correlation"), [(0.05, 0.3, 0.5), (-0.04, 0.1, 0.3)])
def test_as_many_images_tell_it_four_times_in_five(difference: float, error: float, correlation: float) -> None:
    found = images_needed(difference, error, correlation)
    generator, other = np.random.default_rng(0), error - difference
    ahead, behind = ((found.disagreement + sign * (error - other)) / 2 for sign in (1, -1))
    counts = generator.multinomial(found.paired, [ahead, behind, 1 - ahead - behind], 20_000)
    assert np.mean(mcnemar(counts[:, 0], counts[:, 1]) < 0.05) == pytest.approx(0.8, abs=0.015)


def test_models_that_hardly_correlate_disagree_as_independent_ones() -> None:
    assert disagreement(0.2, 0.3, 0.0) == pytest.approx(0.2 * 0.7 + 0.3 * 0.8)
    assert disagreement(0.2, 0.2, 0.999999) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"difference": 0.0, "baseline_error": 0.2}, "difference must be in"),
        ({"difference": 0.3, "baseline_error": 0.2}, "leave the other model"),
        ({"difference": 0.01, "baseline_error": 1.2}, "baseline-error must be in"),
        (
            {"difference": 0.1, "baseline_error": 0.2, "correlation": 0.99},
            "between -0.167 and 0.667",
        ),
        ({"difference": 0.1, "baseline_error": 0.2, "power": 1.0}, "power must be in"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(arguments: dict[str, float], says: str) -> None:
    with pytest.raises(ArgumentError, match=says) as told:
        images_needed(**arguments)
    assert "\n" not in str(told.value)
