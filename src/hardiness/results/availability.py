"""Which scores a model can have, by what it gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from hardiness.core.answers import ANSWERS
from hardiness.core.condition import Condition
from hardiness.core.result import Score

_OF_LOGITS = frozenset(("energy", "logit", "temperature"))
"""Words in the names of metrics, methods and decisions that need logits: probabilities lack a constant an image."""

_OF_CONFIDENCE = _OF_LOGITS | frozenset(
    (
        "top5",
        "aurra",
        "calibration",
        "ece",
        "brier",
        "nll",
        "auroc",
        "aupr",
        "fpr95",
        "msp",
        "confidence",
        "aurc",
        "augrc",
        "risk",
        "coverage",
        "average",
        "mt5d",
        "t5d",
    )
)
"""The same of what needs more of an answer than its class."""

_LACKING = {
    "probabilities": (_OF_LOGITS, "not available: the model gives probabilities, and this needs logits"),
    "classes": (_OF_CONFIDENCE, "not available: the file has classes only"),
    ANSWERS: (
        _OF_CONFIDENCE,
        "not available: not every answer began with its letter and came with log-probabilities of all letters",
    ),
}
"""By what a model gives: words in the names of what it does not suffice for, and the reason."""


def why_unavailable(metric: str, condition: Condition, outputs: str) -> str:
    """Why a score needs more than a model gives (``outputs`` of `ModelIdentity`); empty where it does not."""
    lacking, reason = _LACKING.get(outputs, (frozenset(), ""))
    names = (metric, *(str(condition.get(key, "")) for key in ("method", "decision")))
    return "" if lacking.isdisjoint(word for name in names for word in re.split("[_-]", name)) else reason


def available(scores: Sequence[Score], outputs: str) -> list[Score]:
    """The scores of one run, without the values of those that need more than its model gives."""
    found = []
    for score in scores:
        reason = why_unavailable(score.metric, score.condition, outputs)
        found.append(replace(score, value=None, interval=None, interval_reason="", reason=reason) if reason else score)
    return found
