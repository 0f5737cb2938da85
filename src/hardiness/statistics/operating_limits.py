"""Operating limits: the strongest level up to which accuracy stays above a stated one, with an interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations, takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.spread import Spread
from hardiness.statistics.clusters import Clusters, EstimateByCluster, why_too_few
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages

LEVEL = 0.05
"""How seldom accuracy that falls with the level is said to rise, over all pairs of levels."""


class LevelAnswers(NamedTuple):
    """The answers at one level.

    Attributes:
        value: of the quantity.
        ids: pictures that were evaluated, sorted, ``(n,)``.
        right: whether each was answered rightly, bool ``(n,)``.
    """

    value: float
    ids: NDArray[Any]
    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return float(self.right.mean())

    def spread(self, clusters: Clusters | None = None) -> Spread:
        """How well the accuracy is known, over clusters where pictures come in such."""
        if clusters is None:
            return ShareOfImages(int(np.count_nonzero(self.right)), len(self.right))
        estimate = mean(self.ids, self.right.astype(np.float64)[:, None])
        return EstimateByCluster(clusters.collapse(estimate), estimate).share


def operating_limit(
    metric: Metric,
    levels: Sequence[LevelAnswers],
    above: float,
    ends: tuple[float, float],
    text: Callable[[float], str],
    clusters: Clusters | None = None,
) -> Score:
    """The strongest level that was run up to which accuracy stays at or above a stated one.

    Accuracy is assumed to fall with the level. Its interval inverts that of each level: from the mildest level on the
    limit lies beyond each one that is surely not below, up to the first of which that is not known; from the strongest
    on it lies before each one that is surely below. On either side the first wrong step needs an interval that misses
    its accuracy on one side, so that 95 % of intervals hold however many levels there are. An end is that of the
    quantity where no level that was run is surely on that side.

    Args:
        metric: of the limit, in the quantity's unit.
        levels: at least one, the mildest first, each value once.
        above: the accuracy, in (0, 1).
        ends: the mildest and the strongest value that the quantity has.
        text: how a value is written in a sentence.
        clusters: of the pictures; ``None`` where each stands alone.

    Returns:
        A score without a value where there is no limit, and without an interval where no level is surely on either
        side. Its n is the number of pictures of the level that has fewest.

    Source: Aitchison (1964), doi:10.1111/j.2517-6161.1964.tb00628.x, for intervals of a limit from tests of its values;
        the steps from either end are tests in a fixed order, Maurer, Hothorn & Lehmacher (1995).
    """
    n, count = min(len(level.right) for level in levels), clusters.count(levels[0].ids) if clusters else 0
    score = partial(metric.score, n=n, clusters=count)
    if rise := surely_rising(levels, clusters):
        milder, stronger = rise
        ends_of_rise = {"milder": _named(milder, text), "stronger": _named(stronger, text)}
        return score(None, lack=Fact(Lack.RISES, ends_of_rise))
    holding = list(takewhile(lambda level: level.accuracy >= above, levels))
    first = levels[0]
    if not holding:
        at = {"level": text(first.value), "accuracy": first.accuracy}
        return score(None, lack=Fact(Lack.BELOW_ALREADY, at))
    few = why_too_few(count) if clusters else None
    bounds = [] if few else [level.spread(clusters).interval() for level in levels]
    surely_above = list(takewhile(lambda bound: bound.low >= above, bounds))
    surely_below = list(takewhile(lambda bound: bound.high < above, reversed(bounds)))
    if len(holding) == len(levels):
        up_to = f"{'down' if ends[0] > ends[1] else 'up'} to"
        sure_to = text(levels[len(surely_above) - 1].value) if surely_above else ""
        return score(
            None, lack=Fact(Lack.NO_LIMIT, {"up_to": up_to, "level": text(levels[-1].value), "sure_to": sure_to})
        )
    if few or not (surely_above or surely_below):
        return score(holding[-1].value, lack=few or Fact(Lack.NOT_SURE))
    mild = levels[len(surely_above) - 1].value if surely_above else ends[0]
    strong = levels[len(levels) - len(surely_below)].value if surely_below else ends[1]
    limit = holding[-1].value
    return score(limit, spread=TwoEnds(limit, min(mild, strong), max(mild, strong)))


def _named(level: LevelAnswers, text: Callable[[float], str]) -> tuple[str, float]:
    """A level as it is written, and its accuracy."""
    return text(level.value), level.accuracy


def surely_rising(
    levels: Sequence[LevelAnswers], clusters: Clusters | None = None
) -> tuple[LevelAnswers, LevelAnswers] | None:
    """Two levels, the milder first, of which the stronger surely has the higher accuracy; ``None`` where none have.

    Of the pictures that both levels have, those that one alone answers rightly are a coin's throws where accuracy does
    not rise; of clusters each is a throw, by which level answers more of it rightly. The level is shared among pairs.

    Source: McNemar's exact test, one-sided; Bonferroni.
    """
    from scipy.special import bdtrc

    pairs = [pair for pair in combinations(levels, 2) if pair[1].accuracy > pair[0].accuracy]
    tested = len(levels) * (len(levels) - 1) // 2
    surest: tuple[float, tuple[LevelAnswers, LevelAnswers]] | None = None
    for milder, stronger in pairs:
        gained, lost = _gained_and_lost(milder, stronger, clusters)
        p = float(bdtrc(gained - 1, gained + lost, 0.5)) if gained else 1.0
        if p <= LEVEL / tested and (surest is None or p < surest[0]):
            surest = p, (milder, stronger)
    return surest[1] if surest else None


def _gained_and_lost(milder: LevelAnswers, stronger: LevelAnswers, clusters: Clusters | None) -> tuple[int, int]:
    """How many pictures, or clusters, the stronger level answers rightly and the milder wrongly, and the reverse."""
    ids, before, after = milder.ids, milder.right, stronger.right
    if not np.array_equal(ids, stronger.ids):  # sorting names takes longer than all else, over all pairs of levels
        ids, first, second = np.intersect1d(ids, stronger.ids, assume_unique=True, return_indices=True)
        before, after = before[first], after[second]
    change = after.astype(np.int64) - before.astype(np.int64)
    if clusters is not None:
        change = np.sign(np.bincount(clusters.codes_of(ids), weights=change))
    return int(np.count_nonzero(change > 0)), int(np.count_nonzero(change < 0))
