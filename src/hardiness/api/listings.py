"""Names of everything that can be chosen, from Python."""

from __future__ import annotations

from fnmatch import fnmatch

from hardiness import attacks, benchmarks, models
from hardiness.distortions.apply import corruptions, perturbations


def list_models(pattern: str = "*") -> list[str]:
    """Names of models that match a shell-style pattern, e.g. ``list_models("resnext*")``, sorted.

    Forms such as ``"timm:NAME"``, which stand for every model of another library, follow the names.
    """
    return [name for name in models.known_names() if fnmatch(name, pattern)]


def list_benchmarks(pattern: str = "*") -> list[str]:
    """Names of benchmarks that match a shell-style pattern, sorted."""
    return benchmarks.registry.names(pattern)


def list_attacks(pattern: str = "*") -> list[str]:
    """Names of attacks that match a shell-style pattern, sorted."""
    return attacks.registry.names(pattern)


def list_corruptions(pattern: str = "*") -> list[str]:
    """Names of corruptions that match a shell-style pattern, sorted."""
    return corruptions.names(pattern)


def list_perturbations(pattern: str = "*") -> list[str]:
    """Names of perturbations that match a shell-style pattern, sorted."""
    return perturbations.names(pattern)
