"""Attacks on a logits callable: pixels in, iterates out; the geometry of each norm in one place."""

from hardiness.attacks.kit.attack import Attack, Budget, Iterate, registry
from hardiness.attacks.kit.criteria import Criterion, Misclassified, TargetClass, TargetProbability, check_targets
from hardiness.attacks.kit.norms import distance, project, steepest, uniform

__all__ = [
    "Attack",
    "Budget",
    "Criterion",
    "Iterate",
    "Misclassified",
    "TargetClass",
    "TargetProbability",
    "check_targets",
    "distance",
    "project",
    "registry",
    "steepest",
    "uniform",
]
