"""More by shape than the reference, and still far from people."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.reference import humans
from hardiness.results.claims.claim import Claim, Contrast, KnownNumber, Models, add, contrast


def _contrasts(models: Models) -> Sequence[Contrast]:
    assert models.reference is not None, "the claim needs a reference"
    reference = models.reference.numbers["shape_bias"]
    lowest = min(humans().shape_bias_by_observer.values())
    people = KnownNumber(lowest, n=1, standard_error=0.0)
    found = []
    for subject in models.family:
        own = subject.numbers["shape_bias"]
        text = f"{subject.model}: {100 * own.value:.1f} % by shape, the reference {100 * reference.value:.1f} %"
        found.append(contrast(text, [(1.0, own), (-1.0, reference)]))
        text = f"{subject.model}: {100 * own.value:.1f} % by shape, the least of ten people {100 * lowest:.1f} %"
        found.append(contrast(text, [(1.0, people), (-1.0, own)]))
    return found


CLAIM = add(
    Claim(
        name="shape_bias_gap",
        sentence="Each model of the family is more shape-biased than the reference, and still far from people.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b; people: arXiv:1811.12231",
        statistic="shape bias less the reference's; the least shape-biased person's less the model's",
        test="both above zero for every model of the family",
        needs=("shape_bias",),
        contrasts=_contrasts,
        needs_reference=True,
    )
)
