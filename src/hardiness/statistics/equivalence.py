"""Equivalence: whether a paired difference is known to lie within a margin, by two one-sided tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hardiness.core.forms import json_field
from hardiness.core.spread import Interval
from hardiness.statistics.comparison import DifferenceTest
from hardiness.statistics.verdicts import EQUIVALENCE_LEVEL


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
        allows_for_unseen: whether the interval is wider than what was seen, for losses that the images did not show.
        unbounded: whether nothing bounds what an image can add, so that it cannot allow for such losses.
    """

    outcome: Literal["pass", "fail", "cannot tell"]
    margin: float
    value: float
    interval: Interval | None = field(metadata=json_field(as_list=True))
    p: float | None
    n: int
    clusters: int = 0
    method: str = ""
    reason: str = ""
    allows_for_unseen: bool = False
    unbounded: bool = False

    @property
    def least_margin(self) -> float | None:
        """The smallest margin within which these images show the two to be equivalent; ``None`` without interval."""
        return max(-self.interval.low, self.interval.high, 0.0) if self.interval else None


def equivalence(test: DifferenceTest, margin: float) -> Equivalence:
    """The verdict on a difference within a margin.

    It is that of the interval by which a gate's rules on the same difference decide. A difference on the edge of the
    margin passes in at most 5 % of cases (``bench/equal_models.py --only margin``).

    Args:
        test: of the difference.
        margin: in the unit of the difference, above 0.

    Source: Schuirmann (1987), doi:10.1007/BF01068419, two one-sided tests.
    """
    about = test.n, test.clusters, test.method
    if test.spread is None:
        return Equivalence("cannot tell", margin, test.value, None, None, *about, test.reason or "")
    interval = test.spread.deciding_ends(EQUIVALENCE_LEVEL)
    p = max(test.spread.p(margin, -1), test.spread.p(-margin, 1))
    outcome: Literal["pass", "fail", "cannot tell"] = "cannot tell"
    if -margin < interval.low and interval.high < margin:
        outcome = "pass"
    elif interval.low > margin or interval.high < -margin:
        outcome = "fail"
    guard = test.spread.allows_for_unseen, test.guarded is None
    return Equivalence(outcome, margin, test.value, interval, p, *about, test.reason or "", *guard)
