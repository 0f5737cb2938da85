"""LAION-C: a folder for each distortion, in it one for each intensity, in it one for each of 16 superclasses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from hardiness.core.condition import Condition
from hardiness.data.conditions import ConditionTrees, CorruptedCopies
from hardiness.data.files import IMAGE_SUFFIXES
from hardiness.data.root import LAYOUTS, Layout
from hardiness.reference.categories import laion_c

NAME = "laion-c"
CELL = "{corruption}/intensity_level_{severity}"
FORM = "<distortion>/intensity_level_<1 to 5>/<superclass>/*"


def _condition(folder: str) -> Condition | None:
    match = re.fullmatch(r"([^/]+)/intensity_level_([1-9])", folder)
    return Condition(corruption=match[1], severity=int(match[2])) if match else None


def _labels() -> Mapping[str, int]:
    """A superclass's label is its first class: answers are judged by `DataSet.categories`."""
    return {name: classes[0] for name, classes in laion_c().items()}


_read = ConditionTrees(
    name=NAME,
    form=FORM,
    depth=2,
    condition=_condition,
    suffixes=IMAGE_SUFFIXES,
    copies=partial(CorruptedCopies, form=CELL),
    classes=_labels,
    folder_kind="one of LAION-C's 16 superclasses",
    released=None,
    categories=laion_c,
).read

LAYOUTS.register(NAME, Layout(f"{NAME}/{FORM}", _read), __name__)
