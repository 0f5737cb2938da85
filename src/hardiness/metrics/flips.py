"""Flips between two runs: pictures that one answers rightly and the other wrongly, and those answered alike.

Over all conditions they are the mean over those that are not clean, if there are such, as errors are.
"""

from __future__ import annotations

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
    return {Condition(): other.mean_of((one.table[RIGHT] == 1) & (other.table[RIGHT] == 0))}


@pair_metric(
    "positive_flips",
    table=("answer",),
    detail=True,
    explanation="the share of pictures that were answered wrongly by the earlier run and are right in the later one.",
)
def positive_flips(one: Scoring, other: Scoring) -> Outcomes:
    """The share of pictures that were wrong and are right now."""
    return {Condition(): other.mean_of((one.table[RIGHT] == 0) & (other.table[RIGHT] == 1))}


@pair_metric(
    "agreement",
    table=("answer",),
    detail=True,
    explanation="the share of pictures to which both runs give the same answer, right or wrong.",
)
def agreement(one: Scoring, other: Scoring) -> Outcomes:
    """The share of pictures that get the same answer from both."""
    return {Condition(): other.mean_of(one.table["answer"] == other.table["answer"])}
