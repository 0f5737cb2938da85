"""More by shape than the reference, and still far from people."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import stdev

from hardiness.reference import humans
from hardiness.results.claims.claim import Claim, Contrast, KnownNumber, Models, add, contrast

SPREAD_OF_LEAST = 0.587
"""Standard deviation of the least of ten, where one has 1. Source: Tippett (1925), doi:10.1093/biomet/17.3-4.364, for
normal ones."""


def _contrasts(models: Models) -> Sequence[Contrast]:
    assert models.reference is not None, "the claim needs a reference"
    reference = models.reference.numbers["shape_bias"]
    people = list(humans().shape_bias_by_observer.values())
    assert len(people) == 10, "the spread of the least is that of ten"
    lowest = min(people)
    # The ten are a sample: the least of ten others would be another.
    least = KnownNumber(lowest, n=10, standard_error=SPREAD_OF_LEAST * stdev(people), degrees=9)
    found = []
    for subject in models.family:
        own = subject.numbers["shape_bias"]
        text = f"{subject.model}: {100 * own.value:.1f} % by shape, the reference {100 * reference.value:.1f} %"
        found.append(contrast(text, [(1.0, own), (-1.0, reference)]))
        text = f"{subject.model}: {100 * own.value:.1f} % by shape, the least of ten people {100 * lowest:.1f} %"
        found.append(contrast(text, [(1.0, least), (-1.0, own)]))
    return found


CLAIM = add(
    Claim(
        name="shape_bias_gap",
        sentence="Each model of the family is more shape-biased than the reference, and still far from people.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b; people: arXiv:1811.12231",
        statistic="shape bias less the reference's; that of the least of ten people, a sample, less the model's",
        test="both above zero for every model of the family",
        needs=("shape_bias",),
        contrasts=_contrasts,
        needs_reference=True,
    )
)
