"""The score that a file has for each picture: its mean by condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness.core.answers import SCORES
from hardiness.core.condition import Condition
from hardiness.core.run import Run
from hardiness.metrics.declaration import metric
from hardiness.metrics.scoring import Outcomes, Scoring

SCORE = "score"
"""The column of image tables that has the score of each picture in each cell, as a share of its range."""


def is_of_scores(run: Run) -> bool:
    """Whether a run is of a file of scores."""
    return not run.model.has_answers


@metric(
    "score",
    table=(SCORE,),
    outputs=SCORES,
    applies=is_of_scores,
    compared=False,
    behind="retained_score",
    explanation="the mean over pictures under one condition, or over all conditions that have this in common.",
)
def score(scoring: Scoring) -> Outcomes:
    """The mean score by condition."""
    values = scoring.table[SCORE]
    parts = conditions_by_part(scoring.table.present)
    return {part: scoring.mean_of(values, *cells) for part, cells in parts.items()}


def conditions_by_part(present: Sequence[Condition]) -> Mapping[Condition, tuple[Condition, ...]]:
    """The disturbed cells by what a score may be of: one value of a key over all others, and each cell itself."""
    cells = [cell for cell in present if cell]
    keys = dict.fromkeys(key for cell in cells for key in cell)
    parts: dict[Condition, tuple[Condition, ...]] = {}
    for key in keys:
        for value in dict.fromkeys(cell[key] for cell in cells if key in cell):
            parts[Condition(**{key: value})] = tuple(cell for cell in cells if cell.get(key) == value)
    return {**parts, **{cell: (cell,) for cell in cells if len(cell) > 1}}
