"""Errors under corruption fall by more than clean errors."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.scoring.claims.claim import Claim, Contrast, Models, add, contrast


def _contrasts(models: Models) -> Sequence[Contrast]:
    first, last = models.family[0].numbers, models.family[-1].numbers
    corrupted = first["corrupted_error"].value - last["corrupted_error"].value
    clean = last["clean_accuracy"].value - first["clean_accuracy"].value
    # The clean error is one less the accuracy: it falls by what the accuracy rises.
    terms = [
        (1.0, first["corrupted_error"]),
        (-1.0, last["corrupted_error"]),
        (1.0, first["clean_accuracy"]),
        (-1.0, last["clean_accuracy"]),
    ]
    return [contrast(f"error falls by {100 * corrupted:.2f} points corrupted, {100 * clean:.2f} clean", terms)]


CLAIM = add(
    Claim(
        name="corruption_gain",
        sentence="In points, the mean error under corruption falls by more than the clean error across a family.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b, results/",
        statistic="fall of the mean error on ImageNet-C, smallest to largest model, less that of the clean error",
        test="above zero",
        needs=("corrupted_error", "clean_accuracy"),
        contrasts=_contrasts,
        needs_family=2,
    )
)
