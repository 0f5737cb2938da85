"""Distortions of a picture: corruptions give one picture, perturbations a sequence of frames; both found by name."""

from typing import TYPE_CHECKING

from hardiness.core import door

if TYPE_CHECKING:
    from hardiness.distortions.apply import (
        DIFFICULTIES,
        SMALLEST_PX,
        corrupt,
        corruption,
        corruption_versions,
        corruptions,
        perturb,
        perturbation_versions,
        perturbations,
    )
    from hardiness.distortions.frost_pictures import fetch_frost, locate_frost
    from hardiness.distortions.objectless import TESTS
    from hardiness.distortions.transform import Corrupt
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "DIFFICULTIES",
    "SMALLEST_PX",
    "TESTS",
    "Corrupt",
    "corrupt",
    "corruption",
    "corruption_versions",
    "corruptions",
    "fetch_frost",
    "locate_frost",
    "perturb",
    "perturbation_versions",
    "perturbations",
]
