"""Evaluation: what is missing is computed, unit by unit, and stored."""

from hardiness.engine.evaluation import Evaluated, evaluate

__all__ = ["Evaluated", "evaluate"]
