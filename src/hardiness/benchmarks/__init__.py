"""Named protocols: data, conditions, decision rule and scorer."""

from hardiness.benchmarks.registry import registry

__all__ = ["registry"]
