"""Named protocols: data, conditions, decision rule and card."""

from hardiness.benchmarks.options import registry

__all__ = ["registry"]
