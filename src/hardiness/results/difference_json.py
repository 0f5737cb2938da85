"""Differences of two models as JSON."""

from __future__ import annotations

import math
from typing import Any

from hardiness.core.forms import json_form
from hardiness.statistics.comparison import Difference


def difference_json(difference: Difference) -> dict[str, Any]:
    """A difference with its interval and whether it differs from zero."""
    interval = [difference.interval.low, difference.interval.high] if difference.interval else None
    return {
        **json_form(difference),
        "value": finite(difference.value),
        "interval": interval,
        "told_apart": difference.is_told_apart,
    }


def finite(value: float) -> float | None:
    """A number, ``None`` where it is none, which JSON has no word for."""
    return None if math.isnan(value) else value
