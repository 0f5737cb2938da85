"""The threshold that 95 % of photographs pass, and the share of other pictures that pass it, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core.random import rng
from hardiness.core.spread import Spread
from hardiness.statistics.intervals import RESAMPLES
from hardiness.statistics.spreads.means import BoundedMean

Floats = NDArray[np.float64]

RECALL = 0.95


def threshold(inside: Floats) -> float:
    """The 5 % quantile of how sure the model is of photographs: 95 % of them are at or above it."""
    return float(np.quantile(inside, 1 - RECALL))


def threshold_draws(inside: Floats) -> Floats:
    """Thresholds of other photographs like these, ``(R,)``.

    Which share of all photographs lies below the k-th of n is a beta variable, whatever they are; the quantiles of
    these photographs at such shares stand for other thresholds.

    Args:
        inside: of at least one photograph, ``(N,)``.

    Source: David & Nagaraja (2003), Order Statistics, 2.3.
    """
    n = len(inside)
    place = (1 - RECALL) * (n - 1) + 1
    return np.quantile(inside, rng(0, "threshold", n).beta(place, n + 1 - place, RESAMPLES))


def accepted_share(outside: Floats, thresholds: Floats) -> Floats:
    """The share of others at or above each threshold, ``(R,)``."""
    return 1.0 - np.searchsorted(np.sort(outside), thresholds, "left") / len(outside)


def accepted_spread(inside: Floats, outside: Floats, hits: int) -> Spread:
    """The interval of the share of others that pass: it varies with them, and with the threshold.

    Wilson's with as many others as would vary as much; what would pass at other thresholds says how much that is.

    Args:
        inside: whose threshold it is, ``(N,)``.
        outside: of the others, ``(M,)``.
        hits: how many of these pass.

    Source: as `effective_wilson`.
    """
    n, share = len(outside), hits / len(outside)
    below = max(1, round((1 - RECALL) * len(inside)))
    variance = share * (1 - share) / n + float(np.var(accepted_share(outside, threshold_draws(inside)), ddof=1))
    return BoundedMean(share, variance, max(min(hits, n - hits, below), 2), min(below, n))
