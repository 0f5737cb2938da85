"""Labels and answers in a csv or Parquet file, scored as those that Python holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.api.held_scores import HeldScores
from hardiness.api.labels import score
from hardiness.core.columns import numbers_of
from hardiness.core.errors import ArgumentError
from hardiness.data.answer_columns import CONDITION, prediction_column, sample_column
from hardiness.data.columns import arrays_of_file
from hardiness.results.grouping import parse_slice
from hardiness.sources.files import shown

LABEL, MODEL, ANSWER = "label", "model", "answer"

Cells = Mapping[str, NDArray[np.object_]]


def score_labelled_file(
    file: str, cluster: str | None = None, slices: Sequence[str] = (), metrics: Sequence[str] | None = None
) -> HeldScores:
    """The scores of the answers in a file, which has a column ``label``.

    Either a line a picture, and a column for each model: each that is neither ``label``, nor the pictures' names, nor
    named by ``cluster`` or ``slices``. Or a line an answer, with the columns ``model``, ``picture`` (or another usual
    name), ``label``, ``answer`` and, where there are several, ``condition``; further columns are those of the pictures.

    Args:
        file: csv or Parquet.
        cluster, slices, metrics: as of `score`.

    Raises:
        ArgumentError: the file cannot be read, lacks a column or a cell, or an answer of a model is missing or there
            twice; the message says where.
    """
    place = shown(file)
    cells, _, _ = arrays_of_file(file, place)
    if LABEL not in cells:
        raise ArgumentError(f"{place} must have the column {LABEL}, has {', '.join(map(shown, list(cells)[:8]))}")
    named = {name for text in slices for name, _ in parse_slice(text)} | ({cluster} if cluster else set())
    answers: dict[str, Any]
    if MODEL in cells:
        labels, answers, groups = _of_long_form(cells, place)
    else:
        taken = {LABEL, sample_column(list(cells)), *named}
        answers = {name: _classes(column) for name, column in cells.items() if name not in taken}
        labels, groups = _classes(cells[LABEL]), {name: cells[name] for name in named if name in cells}
        if not answers:
            raise ArgumentError(f"{place} must have a column for each model beside {LABEL}, has none")
    return score(
        labels, answers, groups=groups or None, cluster=cluster, slices=slices, metrics=metrics, name=Path(file).stem
    )


def _classes(column: NDArray[np.object_]) -> NDArray[Any]:
    """The classes of a column: integers where each cell is a number, else names; an empty cell stays one."""
    numbers = numbers_of(column)
    return column if numbers is None else numbers


def _of_long_form(cells: Cells, place: str) -> tuple[NDArray[Any], dict[str, Any], Cells]:
    """Labels and columns of each picture, and the answers by model and condition.

    Raises:
        ArgumentError: a column is missing, a picture has two labels, or an answer is missing or there twice.
    """
    answer = ANSWER if ANSWER in cells else prediction_column(list(cells))
    picture = sample_column(list(cells))
    if not answer or not picture:
        raise ArgumentError(
            f"{place} must have the columns {MODEL}, picture, {LABEL}, {ANSWER} and may have {CONDITION}, has "
            f"{', '.join(map(shown, list(cells)[:8]))}"
        )
    names, first, at = np.unique(cells[picture].astype(str), return_index=True, return_inverse=True)
    groups = {}
    for name in [LABEL, *(each for each in cells if each not in (MODEL, picture, LABEL, answer, CONDITION))]:
        column = cells[name]
        differs = np.flatnonzero(column[first][at] != column)
        if len(differs) and name == LABEL:
            row = int(differs[0])
            raise ArgumentError(
                f"{place}: {LABEL} of {shown(names[at[row]])} must be one, was {column[first[at[row]]]!r} in row "
                f"{first[at[row]] + 1} and {column[row]!r} in row {row + 1}"
            )
        if not len(differs):
            groups[name] = column[first]
    conditions = cells[CONDITION] if CONDITION in cells else np.full(len(at), "clean", object)
    classes, answers = _classes(cells[answer]), dict[str, Any]()
    for model in dict.fromkeys(cells[MODEL].tolist()):
        for condition in dict.fromkeys(conditions[cells[MODEL] == model].tolist()):
            rows = np.flatnonzero((cells[MODEL] == model) & (conditions == condition))
            count = np.bincount(at[rows], minlength=len(names))
            if (count != 1).any():
                lacking = int(np.flatnonzero(count != 1)[0])
                raise ArgumentError(
                    f"{place}: {model} must have one answer to each picture under {condition or 'clean'}, has "
                    f"{count[lacking]} to {shown(names[lacking])}"
                )
            answers.setdefault(str(model), {})[condition or "clean"] = classes[rows[np.argsort(at[rows])]]
    return _classes(groups.pop(LABEL)), answers, groups
