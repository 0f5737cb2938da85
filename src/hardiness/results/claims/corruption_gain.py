"""Errors under corruption fall by more than clean errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.results.claims.claim import Claim, Contrast, KnownNumber, Models, add, contrast


def _contrasts(models: Models) -> Sequence[Contrast]:
    first, last = models.family[0].numbers, models.family[-1].numbers
    corrupted = [(1.0, first["corrupted_error"]), (-1.0, last["corrupted_error"])]
    # The clean error is one less the accuracy: it falls by what the accuracy rises.
    clean = [(1.0, last["clean_accuracy"]), (-1.0, first["clean_accuracy"])]
    added = [*corrupted, *((-weight, known) for weight, known in clean)]
    return [
        _fall("corrupted error", corrupted),
        _fall("corrupted less clean error", added),
        replace(_fall("clean error", clean), needed=False),
    ]


def _fall(what: str, terms: Sequence[tuple[float, KnownNumber]]) -> Contrast:
    """The contrast that something falls, in words: below zero it rises."""
    found = contrast("", terms)
    change = "rises" if found.value < 0 else "falls"
    return replace(found, name=f"{what} {change} by {100 * abs(found.value):.2f} points")


CLAIM = add(
    Claim(
        name="corruption_gain",
        sentence="In points, the mean error under corruption falls by more than the clean error across a family.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b, results/",
        statistic="fall of the mean error on ImageNet-C, smallest to largest model; that less the clean error's fall",
        test="both above zero, and the clean error not told to rise",
        needs=("corrupted_error", "clean_accuracy"),
        contrasts=_contrasts,
        needs_family=2,
    )
)
