"""Every claim judged on the models at hand, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hardiness.core import TextTable
from hardiness.scoring.claims.claim import Claim, Contrast, Judgement, KnownNumber, Models, registry

HEADS = ("claim", "verdict", "p", "because")


@dataclass(frozen=True)
class ClaimVerdicts:
    """What has become of every claim.

    Attributes:
        models: that they were judged on.
        claims: each with its judgement, in the order of their names.
    """

    models: Models
    claims: tuple[tuple[Claim, Judgement], ...]

    def view(self) -> TextTable:
        """A row for each claim: its sentence, its verdict with p, and what that rests on."""
        rows = [
            (
                claim.sentence,
                judgement.verdict,
                _p(judgement.p),
                judgement.reason or "; ".join(each.name for each in judgement.contrasts),
            )
            for claim, judgement in self.claims
        ]
        reference = self.models.reference.model if self.models.reference else "none"
        pairing = (
            [f"differences are {self._pairing}"] if any(judgement.contrasts for _, judgement in self.claims) else []
        )
        notes = (*self._family(), f"reference: {reference}", *pairing)
        return TextTable("claims", HEADS, tuple(rows), named=len(HEADS), notes=notes)

    def _family(self) -> Iterator[str]:
        """The family in its order, and what is to be known of that order."""
        names, known = [subject.model for subject in self.models.family], self.models.parameters
        said = [f"{name} ({_size(known[name])})" if name in known else name for name in names]
        how = {"given": "smallest first", "parameters": "smallest first by parameters", "name": "in the order of names"}
        yield f"family{f', {how[self.models.order]}' if len(names) > 1 else ''}: {', '.join(said)}"
        if self.models.order == "name" and len(names) > 1:
            unknown = ", ".join(name for name in names if name not in known)
            yield f"the number of parameters of {unknown} is not stored: name the family with -m, smallest first"
        if self.models.order == "given":
            for first, second in pairwise(name for name in names if name in known):
                if known[first] > known[second]:
                    yield f"{first} has more parameters than {second}, which was named after it"

    @property
    def _pairing(self) -> str:
        found = [contrast for _, judgement in self.claims for contrast in judgement.contrasts]
        paired = sum(contrast.paired for contrast in found)
        if paired == len(found):
            return "paired on the same images"
        return f"paired on the same images in {paired} of {len(found)} contrasts" if paired else "unpaired"

    def as_dict(self) -> dict[str, Any]:
        """The numbers that were read with where they stand, then each claim with its contrasts."""
        reference = self.models.reference
        return {
            "family": [subject.model for subject in self.models.family],
            "order": self.models.order,
            "parameters": {subject.model: self.models.parameters.get(subject.model) for subject in self.models.family},
            "reference": reference.model if reference else None,
            "numbers": {
                subject.model: {name: _number(known) for name, known in subject.numbers.items()}
                for subject in self.models.all
            },
            "claims": {
                claim.name: {
                    "sentence": claim.sentence,
                    "source": claim.source,
                    "statistic": claim.statistic,
                    "test": claim.test,
                    "verdict": judgement.verdict,
                    "p": judgement.p,
                    "reason": judgement.reason,
                    "contrasts": [_contrast(each) for each in judgement.contrasts],
                }
                for claim, judgement in self.claims
            },
        }


def judged(models: Models) -> ClaimVerdicts:
    """Every registered claim judged on some models."""
    claims = (registry.get(name) for name in registry)
    return ClaimVerdicts(models, tuple((claim, claim.judge(models)) for claim in claims))


def _size(parameters: int) -> str:
    return f"{parameters / 1e6:.1f} million" if parameters >= 1e6 else f"{parameters:,}"


def _number(known: KnownNumber) -> dict[str, Any]:
    return {"value": known.value, "n": known.n, "error": known.standard_error, "source": known.source}


def _contrast(found: Contrast) -> dict[str, Any]:
    interval = [found.interval.low, found.interval.high]
    return {"name": found.name, "value": found.value, "interval": interval, "p": found.p, "paired": found.paired}


def _p(p: float | None) -> str:
    return "" if p is None else f"{p:.3f}" if p >= 0.001 else "<0.001"
