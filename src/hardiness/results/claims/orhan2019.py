"""The claims of Orhan (2019) on what pre-training on a billion photographs does for robustness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from statistics import stdev

from hardiness.reference.people import humans
from hardiness.results.claims.claim import Claim, Contrast, KnownNumber, Models, add, contrast, falls_with_size

RESULTS = "Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b"


def _gain(models: Models) -> Sequence[Contrast]:
    first, last = models.family[0].numbers, models.family[-1].numbers
    corrupted = [(1.0, first["corrupted_error"]), (-1.0, last["corrupted_error"])]
    # The clean error is one less the accuracy: it falls by what the accuracy rises.
    clean = [(1.0, last["clean_accuracy"]), (-1.0, first["clean_accuracy"])]
    added = [*corrupted, *((-weight, number) for weight, number in clean)]
    return [
        _fall("corrupted error", corrupted),
        _fall("corrupted less clean error", added),
        replace(_fall("clean error", clean), needed=False),
    ]


def _fall(what: str, terms: Sequence[tuple[float, KnownNumber]]) -> Contrast:
    """The contrast that something falls, in words: below zero it rises."""
    fall = contrast("", terms)
    change = "rises" if fall.value < 0 else "falls"
    return replace(fall, name=f"{what} {change} by {100 * abs(fall.value):.2f} points")


add(
    Claim(
        name="corruption_gain",
        sentence="In points, the mean error under corruption falls by more than the clean error across a family.",
        source=f"{RESULTS}, results/",
        statistic="fall of the mean error on ImageNet-C, smallest to largest model; that less the clean error's fall",
        test="both above zero, and the clean error not told to rise",
        needs=("corrupted_error", "clean_accuracy"),
        contrasts=_gain,
        needs_family=2,
    ),
    __name__,
)

add(
    Claim(
        name="stability_with_size",
        sentence="The mean flip rate on ImageNet-P falls with the size of the model.",
        source=f"{RESULTS}, results/",
        statistic="fall of the mFR on ImageNet-P from model to model of the family",
        test="above zero on the whole, and no step told to rise",
        needs=("mfr",),
        contrasts=partial(falls_with_size, "mfr"),
        needs_family=2,
    ),
    __name__,
)

add(
    Claim(
        name="calibration_with_size",
        sentence="On ImageNet-A the calibration error falls with the size of the model.",
        source=f"{RESULTS}, results/",
        statistic="fall of the RMS calibration error on ImageNet-A from model to model of the family",
        test="above zero on the whole, and no step told to rise",
        needs=("calibration_error",),
        contrasts=partial(falls_with_size, "calibration_error"),
        needs_family=2,
    ),
    __name__,
)


SPREAD_OF_LEAST = 0.587
"""Standard deviation of the least of ten, where one has 1. Source: Tippett (1925), doi:10.1093/biomet/17.3-4.364, for
normal ones."""


def _gap(models: Models) -> Sequence[Contrast]:
    assert models.reference is not None, "the claim needs a reference"
    reference = models.reference.numbers["shape_bias"]
    people = list(humans().shape_bias_by_observer.values())
    assert len(people) == 10, "the spread of the least is that of ten"
    lowest = min(people)
    # The ten are a sample: the least of ten others would be another.
    least = KnownNumber(lowest, n=10, standard_error=SPREAD_OF_LEAST * stdev(people), degrees=9)
    contrasts = []
    for subject in models.family:
        own = subject.numbers["shape_bias"]
        text = f"{subject.model}: {100 * own.value:.1f} % by shape, the reference {100 * reference.value:.1f} %"
        contrasts.append(contrast(text, [(1.0, own), (-1.0, reference)]))
        text = f"{subject.model}: {100 * own.value:.1f} % by shape, the least of ten people {100 * lowest:.1f} %"
        contrasts.append(contrast(text, [(1.0, least), (-1.0, own)]))
    return contrasts


add(
    Claim(
        name="shape_bias_gap",
        sentence="Each model of the family is more shape-biased than the reference, and still far from people.",
        source=f"{RESULTS}; people: arXiv:1811.12231",
        statistic="shape bias less the reference's; that of the least of ten people, a sample, less the model's",
        test="both above zero for every model of the family",
        needs=("shape_bias",),
        contrasts=_gap,
        needs_reference=True,
    ),
    __name__,
)


LEFT_BY_WHITE_BOX = 0.1


def _collapse(models: Models) -> Sequence[Contrast]:
    contrasts = []
    for subject in models.all:
        clean, attacked = subject.numbers["whitebox_clean_accuracy"], subject.numbers["whitebox_accuracy"]
        text = f"{subject.model}: {100 * attacked.value:.2f} % of {100 * clean.value:.2f} % are left"
        text += f" ({attacked.doubt})" if attacked.doubt else ""
        contrasts.append(contrast(text, [(LEFT_BY_WHITE_BOX, clean), (-1.0, attacked)]))
    return contrasts


add(
    Claim(
        name="whitebox_collapse",
        sentence="At epsilon .06 and the most steps a white-box attack leaves less than a tenth of the clean accuracy.",
        source="Orhan (2019), arXiv:1907.07640; eminorhan/resnext-wsl@6200c936608b, whitebox_50step_0.06_*.npy",
        statistic="a tenth of the clean accuracy less the accuracy at the most steps that were run, of each model",
        test="above zero for every model",
        needs=("whitebox_clean_accuracy", "whitebox_accuracy"),
        contrasts=_collapse,
    ),
    __name__,
)


TAKEN_BY_BLACK_BOX = 0.2


def _loss(models: Models) -> Sequence[Contrast]:
    contrasts = []
    for subject in models.all:
        clean, attacked = subject.numbers["blackbox_clean_accuracy"], subject.numbers["blackbox_accuracy"]
        lost = 1 - attacked.value / clean.value if clean.value > 0 else 0.0
        change = "are lost" if lost >= 0 else "are won"
        text = f"{subject.model}: {100 * abs(lost):.1f} % of {100 * clean.value:.2f} % {change}"
        contrasts.append(contrast(text, [(1.0, attacked), (TAKEN_BY_BLACK_BOX - 1.0, clean)]))
    return contrasts


add(
    Claim(
        name="blackbox_loss",
        sentence="A black-box attack at epsilon .06 takes less than a fifth of the clean accuracy.",
        source=f"{RESULTS}, results/",
        statistic="accuracy under the attack less four fifths of the clean accuracy, of each model",
        test="above zero for every model",
        needs=("blackbox_clean_accuracy", "blackbox_accuracy"),
        contrasts=_loss,
    ),
    __name__,
)
