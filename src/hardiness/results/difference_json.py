"""Differences of two models, and verdicts on these, as JSON."""

from __future__ import annotations

import math
from typing import Any

from hardiness.core.forms import json_form
from hardiness.statistics.comparison import Difference
from hardiness.statistics.verdicts import EQUIVALENCE_LEVEL, equivalence_outcome, equivalence_p, least_margin


def difference_json(difference: Difference) -> dict[str, Any]:
    """A difference with its interval and whether it differs from zero."""
    return {**difference.as_dict(), "value": finite(difference.value), "told_apart": difference.is_told_apart}


def equivalence_json(difference: Difference, margin: float) -> dict[str, Any]:
    """The verdict on a difference within a margin: the larger one-sided p, the interval of 90 %, the least margin."""
    spread = difference.spread
    ends = spread.deciding_ends(EQUIVALENCE_LEVEL) if spread else None
    return {
        "outcome": equivalence_outcome(spread, margin),
        "margin": margin,
        "value": finite(difference.value),
        "interval": [ends.low, ends.high] if ends else None,
        "p": equivalence_p(spread, margin) if spread else None,
        "least_margin": least_margin(spread) if spread else None,
        "allows_for_unseen": bool(spread and spread.allows_for_unseen),
        "n": difference.n,
        "clusters": difference.clusters,
        "lack": json_form(difference.lack),
    }


def finite(value: float) -> float | None:
    """A number, ``None`` where it is none, which JSON has no word for."""
    return None if math.isnan(value) else value
