"""ImageNet-X: which of 16 factors in a photograph goes with wrong answers, from stored rows and annotations."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.table import ImageTable
from hardiness.metrics.declaration import metric
from hardiness.metrics.scoring import OutcomeOfPart, Outcomes, Scoring
from hardiness.metrics.validation_photographs import is_of_validation, numbered
from hardiness.reference.validation_images import validation_number
from hardiness.sources.packages import installed_file
from hardiness.statistics.estimate import mean

PACKAGE, FOLDER = "imagenet-x", "imagenet_x/annotations"
SHA256 = "083253dfe7c3491c76c4745d00d2c1c6eb19615f3935cfc80c6b914dcd4bd177"
PROTOTYPES_SHA256 = "3f693c9e056560d9d7bd2242909ae549325e78b763aedb59e5f0c9afdb8a9ea3"
"""The package, and the hashes of its files in version 0.0.7."""

FACTORS = (
    "pose",
    "background",
    "pattern",
    "color",
    "smaller",
    "shape",
    "partial_view",
    "subcategory",
    "texture",
    "larger",
    "darker",
    "object_blocking",
    "person_blocking",
    "style",
    "brighter",
    "multiple_objects",
)
"""The factors by their published names, in the order of how often they are met."""


class Annotation(NamedTuple):
    """A photograph's class, and the places of its factors in `FACTORS` (most have one, a few none)."""

    label: int
    factors: tuple[int, ...]


Annotations = Mapping[int, Annotation]
"""Annotations by the photograph's number; the prototypes, with which annotators compared, are left out."""


@metric(
    "imagenet_x_error",
    "ImageNet-X error",
    table=("answer",),
    applies=is_of_validation,
    higher_is_better=False,
    compared=False,
    explanation="the error on all photographs with annotated factors, which make them unlike typical ones of their "
    "class.",
)
def imagenet_x_error(scoring: Scoring) -> Outcomes:
    """The error on all annotated photographs; a `DataError` where the package ``imagenet-x`` is not installed."""
    return error_of_all(scoring, published_annotations())


@metric(
    "error_ratio",
    table=("answer",),
    applies=is_of_validation,
    unit="times",
    higher_is_better=False,
    compared=False,
    behind="imagenet_x_error",
    explanation="the error on ImageNet-X photographs with one annotated factor, such as pose, divided by the error on "
    "all annotated ones; 1 is no difference.",
)
def error_ratio(scoring: Scoring) -> Outcomes:
    """By factor the error on its photographs over that on all annotated ones."""
    return ratios_by_factor(scoring, published_annotations())


def error_of_all(scoring: Scoring, annotated: Annotations) -> Outcomes:
    """The share of annotated photographs that are answered wrongly; none where there is none.

    Source: Idrissi et al. (2022), arXiv:2211.01866: without prototypes; the file's class is the label.
    """
    rows, wrong, _ = _annotated(scoring.table, annotated)
    errors = np.full(len(scoring.table), np.nan)
    errors[rows] = wrong
    return {Condition(factor="all"): scoring.mean_of(errors)} if len(rows) else {}


def ratios_by_factor(scoring: Scoring, annotated: Annotations) -> Outcomes:
    """The error on a factor's photographs divided by that on all annotated ones, for each factor that some have.

    A ratio's interval knows what each photograph adds to both its sides; without an error under a factor it has none.

    Source: Idrissi et al. (2022), arXiv:2211.01866: top factor, without prototypes; the file's class is the label.
    """
    rows, wrong, factors = _annotated(scoring.table, annotated)
    return error_ratios(rows, wrong, factors) if len(rows) else {}


def error_ratios(rows: NDArray[np.int64], wrong: NDArray[np.bool_], factors: Sequence[tuple[int, ...]]) -> Outcomes:
    """The error where a factor is over the error of all, for each factor that some photograph has.

    Args:
        rows: ``(N,)`` the place of each photograph in the table.
        wrong: ``(N,)`` whether each photograph was answered wrongly.
        factors: of each photograph, places in `FACTORS`.
    """
    has = np.zeros((len(wrong), len(FACTORS)), bool)
    for row, places in enumerate(factors):
        has[row, list(places)] = True
    counts = np.count_nonzero(has, axis=0).tolist()
    ratios = {}
    overall = mean(rows, wrong)
    for place, name in enumerate(FACTORS):
        if counts[place] and not wrong.any():
            ratios[Condition(factor=name)] = OutcomeOfPart(Fact(Lack.NO_ERROR), counts[place])
        elif counts[place]:
            ratio = mean(rows[has[:, place]], wrong[has[:, place]]) / overall
            ratios[Condition(factor=name)] = OutcomeOfPart(ratio, counts[place])
    return ratios


def _annotated(
    table: ImageTable, annotated: Annotations
) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[tuple[int, ...]]]:
    """The rows of annotated photographs, whether each was answered wrongly, and its factors."""
    rows_annotated = [(row, annotated[number]) for row, number in numbered(table) if number in annotated]
    rows = np.array([row for row, _ in rows_annotated], np.int64)
    wrong = table["answer"][rows, 0] != np.array([each.label for _, each in rows_annotated])
    return rows, np.asarray(wrong, bool), [each.factors for _, each in rows_annotated]


@cache
def published_annotations() -> Annotations:
    """The annotations inside the package ``imagenet-x``.

    Raises:
        DataError: the package is not installed, or does not hold them as published.
    """
    factors, prototypes = (
        installed_file(PACKAGE, f"{FOLDER}/{name}", sha256).read_text("utf-8").splitlines()
        for name, sha256 in (("imagenet_x_val_top_factor.jsonl", SHA256), ("prototypical_paths.csv", PROTOTYPES_SHA256))
    )
    return read(map(json.loads, factors), {row["file_name"] for row in csv.DictReader(prototypes)})


def read(lines: Iterable[Mapping[str, Any]], prototypes: Collection[str]) -> Annotations:
    """Annotations from the lines of the published file, without those of the prototypes' file names."""
    annotations = {}
    for line in lines:
        number = validation_number(line["file_name"])
        if number is not None and line["file_name"] not in prototypes:
            places = tuple(place for place, factor in enumerate(FACTORS) if line[factor])
            annotations[number] = Annotation(int(line["class"]), places)
    return annotations
