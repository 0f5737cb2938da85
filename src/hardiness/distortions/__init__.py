"""Distortions of a picture: corruptions give one picture, perturbations a sequence of frames; both found by name."""

from hardiness.distortions.apply import (
    DIFFICULTIES,
    SEVERITIES,
    Corruption,
    Perturbation,
    corrupt,
    corrupt_batch,
    corruption,
    corruption_versions,
    corruptions,
    perturb,
    perturbation,
    perturbation_versions,
    perturbations,
)
from hardiness.distortions.frost_pictures import require_frost

__all__ = [
    "DIFFICULTIES",
    "SEVERITIES",
    "Corruption",
    "Perturbation",
    "corrupt",
    "corrupt_batch",
    "corruption",
    "corruption_versions",
    "corruptions",
    "perturb",
    "perturbation",
    "perturbation_versions",
    "perturbations",
    "require_frost",
]
