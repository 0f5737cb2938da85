"""Named protocols: data, conditions, decision rule and card."""

from hardiness.benchmarks.registry import registry

__all__ = ["registry"]
