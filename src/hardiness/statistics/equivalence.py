"""Equivalence: whether a paired difference is known to lie within a margin, by two one-sided tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hardiness.core.forms import json_field
from hardiness.core.result import Interval
from hardiness.statistics.comparison import DifferenceTest, score_statistic
from hardiness.statistics.intervals import level_reaching, outermost

EQUIVALENCE_LEVEL = 0.1
"""One minus the coverage of the interval that decides: each of the two one-sided tests is at half of it, 5 %."""


@dataclass(frozen=True, slots=True)
class Equivalence:
    """The verdict of two one-sided tests on a difference.

    Attributes:
        outcome: ``pass`` where the interval lies inside the margin, ``fail`` where it lies wholly outside, and else
            ``cannot tell``.
        margin: how far the difference may lie from 0 on either side, in the unit of the difference.
        value: the difference.
        interval: of 90 %, of this difference alone; ``None`` where none is defined, and then ``reason`` says why.
        p: of "the difference lies outside the margin": the larger of the two one-sided ones; ``None`` without interval.
        n: images.
        clusters: that these come in; 0 where each stands alone.
        method: how interval and p were found.
        reason: why there is no interval, or why another method than the usual one was taken.
    """

    outcome: Literal["pass", "fail", "cannot tell"]
    margin: float
    value: float
    interval: Interval | None = field(metadata=json_field(as_list=True))
    p: float | None
    n: int
    clusters: int = field(default=0, metadata=json_field(seldom=True))
    method: str = ""
    reason: str = field(default="", metadata=json_field(seldom=True))

    @property
    def least_margin(self) -> float | None:
        """The smallest margin within which these images show the two to be equivalent; ``None`` without interval."""
        return max(-self.interval.low, self.interval.high, 0.0) if self.interval else None


def equivalence_ends(test: DifferenceTest, level: float) -> Interval:
    """The interval at a level by which a difference is held against a margin.

    It is the paired one of the test. Where few images differ that one is narrow because little was seen, and it reaches
    as far as the exact intervals of what either side is ahead by, where a cluster counts as one answer; of means as far
    as with the images that chance did not show.

    Args:
        test: of the difference; it has an interval.
        level: one minus the coverage, in (0, 1).

    Source: Schuirmann (1987), doi:10.1007/BF01068419, for the use of the 90 % interval.
    """
    assert test.ends is not None, "the test has an interval"
    ends = test.ends(level)
    return ends if test.unseen is None else outermost(ends, test.unseen(level))


def equivalence(test: DifferenceTest, margin: float) -> Equivalence:
    """The verdict on a difference within a margin.

    A difference on the edge of the margin passes in at most 5 % of cases (``bench/equal_models.py --only margin``).

    Args:
        test: of the difference.
        margin: in the unit of the difference, above 0.

    Source: Schuirmann (1987), doi:10.1007/BF01068419, two one-sided tests.
    """
    about = test.n, test.clusters, test.method
    if test.ends is None:
        return Equivalence("cannot tell", margin, test.value, None, None, *about, test.reason or "")
    interval = equivalence_ends(test, EQUIVALENCE_LEVEL)
    p = max(one_sided_p(test, margin, side=1), one_sided_p(test, -margin, side=-1))
    outcome: Literal["pass", "fail", "cannot tell"] = "cannot tell"
    if -margin < interval.low and interval.high < margin:
        outcome = "pass"
    elif interval.low > margin or interval.high < -margin:
        outcome = "fail"
    return Equivalence(outcome, margin, test.value, interval, p, *about, test.reason or "")


def one_sided_p(test: DifferenceTest, limit: float, side: int) -> float:
    """The p-value of "the difference is at the limit or beyond", where beyond is above (1) or below (-1)."""
    is_inside = side * (test.value - limit) < 0
    parts = [_paired_p(test, limit), *([] if test.unseen is None else [level_reaching(test.unseen, limit)])]
    p = max(parts)
    return p / 2 if is_inside else 1 - p / 2


def _paired_p(test: DifferenceTest, limit: float) -> float:
    """The two-sided p-value of "the difference is this" by the paired interval; of counts by the score test itself."""
    assert test.ends is not None, "the test has an interval"
    if test.counts is None or abs(limit) >= 1:
        return level_reaching(test.ends, limit)
    errors = score_statistic(*(np.array([number], float) for number in (*test.counts, limit)))
    return math.erfc(abs(float(errors[0])) / math.sqrt(2))
