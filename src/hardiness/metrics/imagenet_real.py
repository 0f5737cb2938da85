"""ImageNet-ReaL: stored answers to the validation photographs, judged by reassessed labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.metrics.declaration import metric
from hardiness.metrics.scoring import Outcomes, Scoring
from hardiness.metrics.validation_photographs import is_of_validation, numbered
from hardiness.sources.packages import installed_file

PACKAGE, PATH = "timm", "timm/data/_info/imagenet_real_labels.json"
SHA256 = "d83e9bff374c631aae8439eb064c7019acc56e1b3bc3f56b8380c2a710b0220b"

LabelSets = Mapping[int, frozenset[int]]
"""The classes that are right, by the photograph's number; photographs without a right class are left out."""

FIRST_FIVE = tuple(f"answer_{place}" for place in range(1, 6))
"""Columns of the first five answers, the first of which is the answer."""


@metric(
    "real_top1",
    "ReaL top-1",
    table=("answer",),
    applies=is_of_validation,
    compared=False,
    overview="labels",
    behind="top5",
    explanation="top-1 by the reassessed labels of Beyer et al. (2020): an answer is right if people saw that class in "
    "the photograph; photographs without any such class are left out.",
)
def real_top1(scoring: Scoring) -> Outcomes:
    """The share of photographs whose answer is one of their reassessed labels."""
    return by_labels(scoring, scoring.table["answer"][:, :1], label_sets())


@metric(
    "real_top5",
    "ReaL top-5",
    table=FIRST_FIVE,
    outputs="probabilities",
    applies=is_of_validation,
    compared=False,
    behind="real_top1",
    explanation="top-5 by the same labels as ReaL top-1.",
)
def real_top5(scoring: Scoring) -> Outcomes:
    """The share of photographs of whose first five answers one is a reassessed label."""
    return by_labels(scoring, np.column_stack([scoring.table[name] for name in FIRST_FIVE]), label_sets())


def by_labels(scoring: Scoring, answers: NDArray[np.integer], right: LabelSets) -> Outcomes:
    """The share of photographs that kept a label of whose answers one is right; none where none is known by its name.

    Args:
        scoring: of the photographs.
        answers: ``(N, K)`` of each.
        right: classes by number.

    Source: Beyer et al. (2020), arXiv:2006.07159, and its published evaluation.
    """
    hits = np.full(len(answers), np.nan)
    labelled = [(row, right[number]) for row, number in numbered(scoring.table) if number in right]
    for row, classes in labelled:
        hits[row] = not classes.isdisjoint(answers[row].tolist())
    return {Condition(): scoring.mean_of(hits)} if labelled else {}


@cache
def label_sets() -> LabelSets:
    """The reassessed labels inside timm's package.

    Raises:
        DataError: timm does not hold them as published.

    Source: google-research/reassessed-imagenet, ``real.json``, which timm carries (Apache-2.0).
    """
    labels = json.loads(installed_file(PACKAGE, PATH, SHA256).read_text("utf-8"))
    return {number: frozenset(classes) for number, classes in enumerate(labels, start=1) if classes}
