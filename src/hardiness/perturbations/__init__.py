"""One photograph to a sequence of frames, by the rules of ImageNet-P."""

from hardiness.perturbations.apply import perturb
from hardiness.perturbations.perturbation import (
    DIFFICULTIES,
    KERNEL_VERSION,
    TEST,
    VALIDATION,
    Group,
    Perturbation,
    registry,
)

__all__ = [
    "DIFFICULTIES",
    "KERNEL_VERSION",
    "TEST",
    "VALIDATION",
    "Group",
    "Perturbation",
    "perturb",
    "registry",
]
