"""Flips between two runs: pictures that one answers rightly and the other wrongly, and those answered alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.core.table import RIGHT
from hardiness.metrics.declaration import pair_metric
from hardiness.metrics.scoring import Outcomes, Scoring


@pair_metric(
    "negative_flips",
    table=("answer",),
    higher_is_better=False,
    detail=True,
    explanation="the share of pictures that were answered rightly by the earlier run and are wrong in the later one.",
)
def negative_flips(one: Scoring, other: Scoring) -> Outcomes:
    """The share of pictures that were right and are wrong now.

    Source: Yan et al. (2021), arXiv:2011.09161.
    """
    return over_all_cells(other, (one.table[RIGHT] == 1) & (other.table[RIGHT] == 0))


@pair_metric(
    "positive_flips",
    table=("answer",),
    detail=True,
    explanation="the share of pictures that were answered wrongly by the earlier run and are right in the later one.",
)
def positive_flips(one: Scoring, other: Scoring) -> Outcomes:
    """The share of pictures that were wrong and are right now."""
    return over_all_cells(other, (one.table[RIGHT] == 0) & (other.table[RIGHT] == 1))


@pair_metric(
    "agreement",
    table=("answer",),
    detail=True,
    explanation="the share of pictures to which both runs give the same answer, right or wrong.",
)
def agreement(one: Scoring, other: Scoring) -> Outcomes:
    """The share of pictures that get the same answer from both."""
    return over_all_cells(other, one.table["answer"] == other.table["answer"])


def over_all_cells(scoring: Scoring, counts: NDArray[np.bool_]) -> Outcomes:
    """The mean over all cells, the clean one too, each weighing the same."""
    return {Condition(): scoring.mean_of(counts, *scoring.table.present)}
