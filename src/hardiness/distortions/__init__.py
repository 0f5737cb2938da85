"""Distortions of a picture: corruptions give one picture, perturbations a sequence of frames; both found by name."""

from hardiness.distortions.apply import corrupt, corrupt_batch, perturb
from hardiness.distortions.corruption import CORRUPTIONS_VERSION, SEVERITIES, Corruption, corruption, corruptions
from hardiness.distortions.frost_pictures import require_frost
from hardiness.distortions.perturbation import (
    DIFFICULTIES,
    PERTURBATIONS_VERSION,
    Perturbation,
    perturbation,
    perturbations,
)

__all__ = [
    "CORRUPTIONS_VERSION",
    "DIFFICULTIES",
    "PERTURBATIONS_VERSION",
    "SEVERITIES",
    "Corruption",
    "Perturbation",
    "corrupt",
    "corrupt_batch",
    "corruption",
    "corruptions",
    "perturb",
    "perturbation",
    "perturbations",
    "require_frost",
]
