"""Sentences of papers as tests on the models at hand; one file a claim."""

from hardiness.scoring.claims.claim import Claim, Contrast, Judgement, KnownNumber, Models, Subject, registry
from hardiness.scoring.claims.evidence import from_results, published_models
from hardiness.scoring.claims.judged import ClaimVerdicts, judged
from hardiness.scoring.claims.paired_evidence import paired_draws

__all__ = [
    "Claim",
    "ClaimVerdicts",
    "Contrast",
    "Judgement",
    "KnownNumber",
    "Models",
    "Subject",
    "from_results",
    "judged",
    "paired_draws",
    "published_models",
    "registry",
]
