"""Evaluation: what is missing is computed, unit by unit, and stored."""

from hardiness.engine.evaluation import Evaluated, evaluate, evaluate_shared, evaluate_within, prepared
from hardiness.engine.rounds import Deadline, parse_duration, require_reachable

__all__ = [
    "Deadline",
    "Evaluated",
    "evaluate",
    "evaluate_shared",
    "evaluate_within",
    "parse_duration",
    "prepared",
    "require_reachable",
]
