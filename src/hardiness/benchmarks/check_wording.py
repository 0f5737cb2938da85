"""Numbers and words that the checks of an attack share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core.result import Finding
from hardiness.core.spread import Interval

Values = NDArray[np.floating]


def percent(share: float) -> str:
    """A fraction as people read it."""
    return f"{100 * share:.1f} %"


def share_of(hits: NDArray[np.bool_]) -> float:
    """The share of true entries; 0 of none."""
    return float(hits.mean()) if len(hits) else 0.0


def undecided(name: str, why: str) -> Finding:
    """A check that had nothing to look at, and so did not run."""
    return Finding(name, False, why, ran=False)


def bounds(interval: Interval) -> str:
    """An interval of fractions, as percentages."""
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"
