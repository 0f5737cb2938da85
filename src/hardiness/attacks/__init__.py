"""Attacks on a logits callable: pixels in, iterates out; the geometry of each norm in one place."""

from hardiness.attacks.kit import Budget, Criterion, Iterate, Misclassified, TargetClass, TargetProbability, registry
from hardiness.attacks.norms import uniform
from hardiness.attacks.threats import check_epsilon, threat, threat_models
from hardiness.attacks.threats.patch import pasted, side


def threats_of(name: str) -> tuple[str, ...]:
    """The threat models that the attack of that name keeps to; L-infinity and L2 where it does not say.

    Raises:
        UnknownNameError: there is no such attack.
    """
    found: tuple[str, ...] = getattr(registry.get(name), "threats", ("linf", "l2"))
    return found


def version_of(name: str) -> int:
    """The version of an attack's arithmetic, part of the key of every run that uses it; 0 where it does not say."""
    return int(getattr(registry.get(name), "version", 0))


def made_to_transfer(name: str) -> bool:
    """Whether other models are shown the last picture of the attack of that name; no, its first success, where it does
    not say."""
    return bool(getattr(registry.get(name), "transfers", False))


def needs_gradients(name: str) -> bool:
    """Whether the attack of that name asks for gradients; yes where it does not say."""
    return bool(getattr(registry.get(name), "gradients", True))


__all__ = [
    "Budget",
    "Criterion",
    "Iterate",
    "Misclassified",
    "TargetClass",
    "TargetProbability",
    "check_epsilon",
    "made_to_transfer",
    "needs_gradients",
    "pasted",
    "registry",
    "side",
    "threat",
    "threat_models",
    "threats_of",
    "uniform",
    "version_of",
]
