"""Attacks on a logits callable: pixels in, iterates out; the geometry of each norm in one place."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.attacks.kit import (
        Budget,
        Criterion,
        Iterate,
        Misclassification,
        TargetClass,
        TargetProbability,
        made_to_transfer,
        needs_gradients,
        registry,
        sole_answers,
        threats_of,
        version_of,
    )
    from hardiness.attacks.threats import check_epsilon, threat, threat_models
    from hardiness.attacks.threats.norm_balls import distance, project_, steepest, uniform
    from hardiness.attacks.threats.patch import pasted, side
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "Budget",
    "Criterion",
    "Iterate",
    "Misclassification",
    "TargetClass",
    "TargetProbability",
    "check_epsilon",
    "distance",
    "made_to_transfer",
    "needs_gradients",
    "pasted",
    "project_",
    "registry",
    "side",
    "sole_answers",
    "steepest",
    "threat",
    "threat_models",
    "threats_of",
    "uniform",
    "version_of",
]
