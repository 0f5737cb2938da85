"""Attacks on a logits callable: pixels in, iterates out; the geometry of each norm in one place."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.attacks.bases import CheckedAttack, GradientAttack, Lowest, Position, RandomSearch
    from hardiness.attacks.criteria import Criterion, Misclassification, TargetClass
    from hardiness.attacks.criteria import sole_answers as sole_answers
    from hardiness.attacks.kit import Budget, Iterate, Problem, registry
    from hardiness.attacks.kit import needs_gradients as needs_gradients
    from hardiness.attacks.kit import threats_of as threats_of
    from hardiness.attacks.kit import version_of as version_of
    from hardiness.attacks.pgd import PGD
    from hardiness.attacks.threats import check_epsilon as check_epsilon
    from hardiness.attacks.threats import threat_models
    from hardiness.attacks.threats.norm_balls import distance, project_, steepest, uniform
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "PGD",
    "Budget",
    "CheckedAttack",
    "Criterion",
    "GradientAttack",
    "Iterate",
    "Lowest",
    "Misclassification",
    "Position",
    "Problem",
    "RandomSearch",
    "TargetClass",
    "distance",
    "project_",
    "registry",
    "steepest",
    "threat_models",
    "uniform",
]
