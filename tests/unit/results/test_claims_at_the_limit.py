"""Claims about models that are exactly on the limit: how often `Claim.judge` decides for or against."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from hardiness.results.claims.claim import (
    FAILS,
    HOLDS,
    LEVEL,
    Claim,
    Contrast,
    KnownNumber,
    Models,
    Subject,
    contrast,
    falls_with_size,
    registry,
)
from hardiness.statistics.estimate import mean

IMAGES, RATE, TRIALS = 400, 0.3, 1500


def two_models(models: Models) -> list[Contrast]:
    """That the second errs less than the first."""
    first, second = (each.numbers["error"] for each in models.family)
    return [contrast("the second errs less", [(1.0, first), (-1.0, second)])]


def three_beside_a_reference(models: Models) -> list[Contrast]:
    """That each of a family errs less than the reference."""
    assert models.reference is not None
    beside = models.reference.numbers["error"]
    return [contrast(each.model, [(1.0, beside), (-1.0, each.numbers["error"])]) for each in models.family]


def falls(models: Models) -> list[Contrast]:
    """That the error falls with size."""
    return falls_with_size("error", models)


def claim(contrasts: object, *, reference: bool = False) -> Claim:
    return Claim("c", "", "", "", "", ("error",), contrasts, needs_reference=reference)  # type: ignore[arg-type]


def equal_models(generator: np.random.Generator, models: int, *, paired: bool) -> list[Subject]:
    """Models that err equally often: what the claim says is 0, its limit."""
    hard = generator.standard_normal(IMAGES)
    cut = -0.5244005127080407  # below it lies three tenths of a normal
    found = []
    for place in range(models):
        wrong = math.sqrt(0.6) * hard + math.sqrt(0.4) * generator.standard_normal(IMAGES) < cut
        if paired:
            known = mean(np.arange(IMAGES), wrong)
            number = KnownNumber(known.value, IMAGES, known.error, known)
        else:
            share = float((generator.random(IMAGES) < RATE).mean())
            number = KnownNumber(share, IMAGES, math.sqrt(share * (1 - share) / IMAGES))
        found.append(Subject(f"m{place}", {"error": number}))
    return found


def verdicts(which: Claim, models: int, *, paired: bool) -> Counter[str]:
    generator, found = np.random.default_rng(models), Counter[str]()
    for _ in range(TRIALS):
        subjects = equal_models(generator, models, paired=paired)
        family, reference = (subjects[1:], subjects[0]) if which.needs_reference else (subjects, None)
        found[which.judge(Models(family, reference)).verdict] += 1
    return found


SLACK = 2.5 * math.sqrt(LEVEL / 2 * (1 - LEVEL / 2) / TRIALS)
"""Two and a half standard errors of the simulation, for a rate of 2.5 %."""


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("which", "models"),
    [
        (claim(two_models), 2),
        (claim(three_beside_a_reference, reference=True), 4),
        (claim(falls), 2),
        (claim(falls), 4),
    ],
    ids=["two models", "each of three", "falls over two", "falls over four"],
)
def test_a_claim_on_its_limit_is_decided_in_one_of_forty_cases_either_way(
    which: Claim, models: int, paired: bool
) -> None:
    """Of a contrast that is 0 its 95 % interval is above 0 in 2.5 % of samples, and below in as many."""
    found = verdicts(which, models, paired=paired)
    assert found[HOLDS] / TRIALS <= LEVEL / 2 + SLACK, found
    assert found[FAILS] / TRIALS <= LEVEL / 2 + SLACK, found
    if models == 2:  # with several the level is shared, and rightly decides less often
        assert found[HOLDS] / TRIALS >= LEVEL / 2 - 2 * SLACK, found


AT_THE_LIMIT = {
    "blackbox_loss": {"blackbox_clean_accuracy": 0.8, "blackbox_accuracy": 0.64},
    "calibration_with_size": {"calibration_error": 0.2},
    "corruption_gain": {"corrupted_error": 0.4, "clean_accuracy": 0.8},
    "shape_bias_gap": {"shape_bias": 0.3},  # like the reference, and far from people
    "stability_with_size": {"mfr": 0.3},
    "whitebox_collapse": {"whitebox_clean_accuracy": 0.8, "whitebox_accuracy": 0.08},
}
"""What is true of each of two models, and of the reference, where what the claim says is 0."""


@pytest.mark.parametrize("name", registry.names())
def test_no_registered_claim_is_decided_more_often_than_that(name: str) -> None:
    which, generator, found, error = registry.get(name), np.random.default_rng(7), Counter[str](), 0.005
    for _ in range(TRIALS):
        subjects = [
            Subject(
                model,
                {
                    number: KnownNumber(float(generator.normal(true, error)), 10_000, error)
                    for number, true in AT_THE_LIMIT[name].items()
                },
            )
            for model in ("small", "large", "reference")
        ]
        reference = subjects[2] if which.needs_reference else None
        found[which.judge(Models(subjects[:2], reference)).verdict] += 1
    assert found[HOLDS] / TRIALS <= LEVEL / 2 + SLACK, found
    assert found[FAILS] / TRIALS <= LEVEL / 2 + SLACK, found
