"""What a look makes of scores."""

from __future__ import annotations

import pytest

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import error_of
from hardiness.core.result import Score
from hardiness.core.spread import Interval
from hardiness.report.words import text as said
from hardiness.results.stopped import population_of, with_looks
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.stopping import Headline

NAME = ("top1", Condition())


def score(value: float | None = 0.9, reason: str | None = None) -> Score:
    spread = TwoEnds(value, 0.85, 0.95) if reason is None else None
    return Score("top1", value, "fraction", 50, spread, lack=error_of(ArgumentError(reason)) if reason else None)


def test_a_look_gives_a_score_its_value_its_interval_and_its_images() -> None:
    (found,) = with_looks([score()], {NAME: Headline("m: top1", 0.91, TwoEnds(0.91, 0.8, 1.02), 100, 60)})
    assert (found.value, found.n) == (0.91, 60)
    assert found.interval == Interval(0.8, 1.0)  # a share lies in [0, 1]


def test_where_a_look_cannot_tell_there_is_no_interval_and_it_says_why() -> None:
    (found,) = with_looks(
        [score()], {NAME: Headline("m: top1", 0.9, None, 100, 60, error_of(ArgumentError("2 images deviate")))}
    )
    assert found.interval is None
    assert said(found.lack) == "2 images deviate"


def test_other_scores_and_undefined_ones_stay_as_they_are() -> None:
    kept = [score(), score(None, "nothing was evaluated")]
    looks = {("top5", Condition()): Headline("m: top5", 0.9, None, 1, 1)}
    assert with_looks(kept[:1], looks) == kept[:1]
    assert with_looks(kept[1:], {NAME: Headline("m: top1", 0.9, None, 1, 1)}) == kept[1:]


@pytest.mark.parametrize(
    ("data", "samples", "population"),
    [("imagenet", 50_000, 50_000), ("imagenet", 250, None), ("imagenet-a", 7500, 7500), ("own-12ab", 50_000, None)],
)
def test_only_a_complete_published_set_is_a_population(data: str, samples: int, population: int | None) -> None:
    assert population_of(data, samples) == population
