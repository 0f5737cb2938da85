"""Published numbers, each with its source."""

from hardiness.reference.published import Published, published, published_interval, table

__all__ = ["Published", "published", "published_interval", "table"]
