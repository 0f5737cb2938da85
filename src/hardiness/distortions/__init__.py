"""Distortions of a picture: corruptions give one picture, perturbations a sequence of frames; both found by name."""

from typing import TYPE_CHECKING

from hardiness.core.doors import door

if TYPE_CHECKING:
    from hardiness.distortions.apply import DIFFICULTIES as DIFFICULTIES
    from hardiness.distortions.apply import corrupt as corrupt
    from hardiness.distortions.apply import corruption, corruptions, parameters_of, perturbations
    from hardiness.distortions.apply import corruption_under as corruption_under
    from hardiness.distortions.apply import corruption_versions as corruption_versions
    from hardiness.distortions.apply import perturb as perturb
    from hardiness.distortions.apply import perturbation_versions as perturbation_versions
    from hardiness.distortions.levels import Quantity
    from hardiness.distortions.objectless import TESTS as TESTS
else:
    __getattr__, __dir__ = door(__name__)

__all__ = [
    "Quantity",
    "corruption",
    "corruptions",
    "parameters_of",
    "perturbations",
]
