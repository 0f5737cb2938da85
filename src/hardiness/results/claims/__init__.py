"""Sentences of papers as tests on the models at hand; one file a paper."""

from __future__ import annotations

from hardiness.results.claims.claim import (
    Claim,
    ClaimVerdicts,
    Contrast,
    Judgement,
    KnownNumber,
    Models,
    Subject,
    from_results,
    judge_claims,
    published_models,
    registry,
)

__all__ = [
    "Claim",
    "ClaimVerdicts",
    "Contrast",
    "Judgement",
    "KnownNumber",
    "Models",
    "Subject",
    "from_results",
    "judge_claims",
    "published_models",
    "registry",
]
