"""ImageNet-X: which of 16 factors in a photograph goes with wrong answers, from stored rows and annotations."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.photographs import FACTORS
from hardiness.benchmarks.shares import ERROR_RATIO, FACTOR_ERROR
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.table import ImageTable
from hardiness.reference.validation_images import validation_number
from hardiness.results.annotations import numbered, of_validation
from hardiness.sources.packages import installed_file
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import proportion, within

PACKAGE, FOLDER = "imagenet-x", "imagenet_x/annotations"
SHA256 = "083253dfe7c3491c76c4745d00d2c1c6eb19615f3935cfc80c6b914dcd4bd177"
PROTOTYPES_SHA256 = "3f693c9e056560d9d7bd2242909ae549325e78b763aedb59e5f0c9afdb8a9ea3"
"""Of version 0.0.7."""


class Annotation(NamedTuple):
    """What was said of one photograph: its class, and places in `FACTORS` (most have one, a few none)."""

    label: int
    factors: tuple[int, ...]


Annotations = Mapping[int, Annotation]
"""By the photograph's number; the prototypes, with which annotators compared, are left out."""


@of_validation("imagenet_x", SHA256)
def imagenet_x(table: ImageTable) -> list[Score]:
    """Error ratios by factor; a `DataError` where the package ``imagenet-x`` is not installed."""
    return factor_scores(table, published_annotations())


def factor_scores(table: ImageTable, annotated: Annotations) -> list[Score]:
    """The error on all annotated photographs, then of each factor the error on its photographs divided by that.

    A ratio's interval knows what each photograph adds to both its sides; without an error under a factor it has none.

    Args:
        table: with the answers.
        annotated: by number.

    Source: Idrissi et al. (2022), arXiv:2211.01866: top factor, without prototypes; the file's class is the label.
    """
    known = [(row, annotated[number]) for row, number in numbered(table) if number in annotated]
    if not known:
        return []
    rows = np.array([row for row, _ in known])
    wrong = table["answer"][rows, 0] != np.array([each.label for _, each in known])
    return [_overall(wrong), *error_ratios(wrong, [each.factors for _, each in known])]


def _overall(wrong: NDArray[np.bool_]) -> Score:
    hits, n = int(wrong.sum()), len(wrong)
    return FACTOR_ERROR.score(hits / n, n, proportion(hits, n), Condition(factor="all"))


def error_ratios(wrong: NDArray[np.bool_], factors: Sequence[tuple[int, ...]]) -> list[Score]:
    """The error where a factor is over the error of all, for each factor that some photograph has.

    Args:
        wrong: ``(N,)`` whether each photograph was answered wrongly.
        factors: of each photograph, places in `FACTORS`.
    """
    has = np.zeros((len(wrong), len(FACTORS)), bool)
    for row, places in enumerate(factors):
        has[row, list(places)] = True
    counts = np.count_nonzero(has, axis=0)
    present = [place for place in range(len(FACTORS)) if counts[place]]
    if not wrong.any():
        reason = "no annotated photograph was answered wrongly"
        return [_undefined(FACTORS[place], int(counts[place]), reason) for place in present]
    ids, found = np.arange(len(wrong)), []
    overall = mean(ids, wrong)
    for place in present:
        ratio = mean(ids[has[:, place]], wrong[has[:, place]]) / overall
        interval = ratio.interval() if ratio.differing > 1 else None
        bounded = interval and within(interval, 0.0, math.inf)
        n = int(counts[place])
        found.append(ERROR_RATIO.score(ratio.value, n, bounded, Condition(factor=FACTORS[place])))
    return found


def _undefined(factor: str, n: int, reason: str) -> Score:
    return ERROR_RATIO.score(None, n, condition=Condition(factor=factor), reason=reason)


@cache
def published_annotations() -> Annotations:
    """The annotations inside the package ``imagenet-x``.

    Raises:
        DataError: the package is not installed, or does not hold them as published.
    """
    said, prototypes = (
        installed_file(PACKAGE, f"{FOLDER}/{name}", sha256).read_text("utf-8").splitlines()
        for name, sha256 in (("imagenet_x_val_top_factor.jsonl", SHA256), ("prototypical_paths.csv", PROTOTYPES_SHA256))
    )
    return read(map(json.loads, said), {row["file_name"] for row in csv.DictReader(prototypes)})


def read(lines: Iterable[Mapping[str, Any]], prototypes: Collection[str]) -> Annotations:
    """Annotations from the lines of the published file, without those of the prototypes' file names."""
    found = {}
    for line in lines:
        number = validation_number(line["file_name"])
        if number is not None and line["file_name"] not in prototypes:
            places = tuple(place for place, factor in enumerate(FACTORS) if line[factor])
            found[number] = Annotation(int(line["class"]), places)
    return found
