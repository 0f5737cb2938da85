"""Differences of two models, and verdicts on these, as JSON."""

from __future__ import annotations

import math
from typing import Any

from hardiness.core.forms import json_form
from hardiness.statistics.comparison import Difference
from hardiness.statistics.equivalence import Equivalence


def difference_json(difference: Difference) -> dict[str, Any]:
    """A difference with its interval and whether it differs from zero."""
    interval = [difference.interval.low, difference.interval.high] if difference.interval else None
    return {
        **json_form(difference),
        "value": finite(difference.value),
        "interval": interval,
        "told_apart": difference.is_told_apart,
    }


def equivalence_json(verdict: Equivalence) -> dict[str, Any]:
    """A verdict of equivalence, with the smallest margin within which it would be a pass."""
    return {**json_form(verdict), "value": finite(verdict.value), "least_margin": verdict.least_margin}


def finite(value: float) -> float | None:
    """A number, ``None`` where it is none, which JSON has no word for."""
    return None if math.isnan(value) else value
