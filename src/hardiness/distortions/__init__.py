"""Distortions of a picture: corruptions give one picture, perturbations a sequence of frames; both found by name."""

from hardiness.distortions.apply import corrupt, corrupt_batch, perturb
from hardiness.distortions.corruption import SEVERITIES, Corruption, corruption, corruption_versions, corruptions
from hardiness.distortions.frost_pictures import require_frost
from hardiness.distortions.perturbation import (
    DIFFICULTIES,
    Perturbation,
    perturbation,
    perturbation_versions,
    perturbations,
)

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
