"""Every claim judged on the models at hand, as a table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hardiness.core import TextTable
from hardiness.scoring.claims.claim import Claim, Contrast, Judgement, Known, Models, registry

HEADS = ("claim", "verdict", "because")


@dataclass(frozen=True)
class Judged:
    """What has become of every claim.

    Attributes:
        models: that they were judged on.
        claims: each with its judgement, in the order of their names.
    """

    models: Models
    claims: tuple[tuple[Claim, Judgement], ...]

    def view(self) -> TextTable:
        """A row for each claim: its sentence, its verdict, and what that rests on."""
        rows = [
            (
                claim.sentence,
                judgement.verdict,
                judgement.reason or "; ".join(each.name for each in judgement.contrasts),
            )
            for claim, judgement in self.claims
        ]
        reference = self.models.reference.model if self.models.reference else "none"
        notes = (
            f"family, smallest first: {', '.join(subject.model for subject in self.models.family)}",
            f"reference: {reference}",
            f"differences are {self._pairing}",
        )
        return TextTable("claims", HEADS, tuple(rows), named=3, notes=notes)

    @property
    def _pairing(self) -> str:
        found = [contrast for _, judgement in self.claims for contrast in judgement.contrasts]
        paired = sum(contrast.paired for contrast in found)
        if paired == len(found) and found:
            return "paired on the same images"
        return f"paired on the same images in {paired} of {len(found)} contrasts" if paired else "unpaired"

    def as_dict(self) -> dict[str, Any]:
        """The numbers that were read with where they stand, then each claim with its contrasts."""
        reference = self.models.reference
        return {
            "family": [subject.model for subject in self.models.family],
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
                    "reason": judgement.reason,
                    "contrasts": [_contrast(each) for each in judgement.contrasts],
                }
                for claim, judgement in self.claims
            },
        }


def judged(models: Models) -> Judged:
    """Every registered claim judged on some models."""
    claims = (registry.get(name) for name in registry)
    return Judged(models, tuple((claim, claim.judge(models)) for claim in claims))


def _number(known: Known) -> dict[str, Any]:
    return {"value": known.value, "n": known.n, "error": known.standard_error, "source": known.source}


def _contrast(found: Contrast) -> dict[str, Any]:
    interval = [found.interval.low, found.interval.high]
    return {"name": found.name, "value": found.value, "interval": interval, "paired": found.paired}
