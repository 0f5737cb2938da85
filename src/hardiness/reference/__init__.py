"""Published numbers, each with its source."""

from hardiness.reference.baselines import baseline
from hardiness.reference.published import Published, published, published_interval, table

__all__ = ["Published", "baseline", "published", "published_interval", "table"]
