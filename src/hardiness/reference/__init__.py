"""Published numbers, each with its source."""

from hardiness.reference.baselines import baseline
from hardiness.reference.humans import CueCounts, Humans, humans
from hardiness.reference.published import Published, published, published_interval, published_series, table
from hardiness.reference.trials import read_trials

__all__ = [
    "CueCounts",
    "Humans",
    "Published",
    "baseline",
    "humans",
    "published",
    "published_interval",
    "published_series",
    "read_trials",
    "table",
]
