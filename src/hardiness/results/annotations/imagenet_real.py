"""ImageNet-ReaL: stored answers to the validation photographs, judged by reassessed labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.shares import REAL_TOP1, REAL_TOP5, accuracy
from hardiness.core.result import Score
from hardiness.core.table import ImageTable
from hardiness.results.annotations import numbered, of_validation
from hardiness.sources.packages import installed_file

PACKAGE, PATH = "timm", "timm/data/_info/imagenet_real_labels.json"
SHA256 = "d83e9bff374c631aae8439eb064c7019acc56e1b3bc3f56b8380c2a710b0220b"

LabelSets = Mapping[int, frozenset[int]]
"""The classes that are right, by the photograph's number; photographs without a right class are left out."""


@of_validation("imagenet_real", SHA256, behind="top5")
def imagenet_real(table: ImageTable) -> list[Score]:
    """Top-1 and top-5 by the reassessed labels."""
    return real_scores(table, label_sets())


def real_scores(table: ImageTable, right: LabelSets) -> list[Score]:
    """Top-1 and top-5 over the photographs that kept a label; none where no photograph is known by its name.

    Args:
        table: with the first five answers, as the card of photographs makes it.
        right: classes by number.

    Source: Beyer et al. (2020), arXiv:2006.07159, and its published evaluation.
    """
    known = [(row, right[number]) for row, number in numbered(table) if number in right]
    if not known:
        return []
    rows, sets = [row for row, _ in known], [classes for _, classes in known]
    answers = np.column_stack([table["answer"][:, 0], *(table[f"answer_{place}"] for place in range(1, 6))])[rows]
    hits: NDArray[np.bool_] = np.array(
        [[answer in classes for answer in row] for row, classes in zip(answers.tolist(), sets, strict=True)], bool
    )
    return [accuracy(REAL_TOP1, hits[:, 0]), accuracy(REAL_TOP5, np.asarray(hits[:, 1:].any(axis=1)))]


@cache
def label_sets() -> LabelSets:
    """The reassessed labels inside timm's package.

    Raises:
        DataError: timm does not hold them as published.

    Source: google-research/reassessed-imagenet, ``real.json``, which timm carries (Apache-2.0).
    """
    found = json.loads(installed_file(PACKAGE, PATH, SHA256).read_text("utf-8"))
    return {number: frozenset(classes) for number, classes in enumerate(found, start=1) if classes}
