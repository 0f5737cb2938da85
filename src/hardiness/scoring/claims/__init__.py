"""Sentences of papers as tests on the models at hand; one file a claim."""

from hardiness.scoring.claims.claim import Claim, Contrast, Judgement, Known, Models, Subject, registry
from hardiness.scoring.claims.evidence import from_results, published_models

__all__ = [
    "Claim",
    "Contrast",
    "Judgement",
    "Known",
    "Models",
    "Subject",
    "from_results",
    "published_models",
    "registry",
]
