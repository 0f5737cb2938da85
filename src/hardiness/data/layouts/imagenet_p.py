"""ImageNet-P as released: a folder for each perturbation, in it class folders of videos."""

from __future__ import annotations

import re

from hardiness.core import Condition
from hardiness.data.conditions import ConditionTrees, PerturbedCopies
from hardiness.data.root import LAYOUTS, Layout


def _condition(folder: str) -> Condition:
    """Folders are named after the perturbation, those of difficulty 2 and 3 with ``_2`` and ``_3`` behind it."""
    harder = re.fullmatch(r"(\w+)_([23])", folder)
    return Condition(perturbation=harder[1], severity=int(harder[2])) if harder else Condition(perturbation=folder)


_SET = ConditionTrees("imagenet-p", "<perturbation>/<wnid>/*.mp4", 1, _condition, frozenset((".mp4",)), PerturbedCopies)

LAYOUTS.register("imagenet-p", Layout("imagenet-p/<perturbation>/<wnid>/*.mp4", _SET.read), __name__)
