"""Operating limits: how often an interval holds the true limit of a quantity, and how long it is.

Pictures of a random sample have a level each up to which the answer is right, and a few answers are wrong at any level
or right at any; accuracy so falls with the level along a curve whose crossing with the stated accuracy is known. Levels
are run on the same pictures, at equal steps, or so that one lies just beyond the true limit: there it is likeliest
that a level is taken to hold which does not.

    python bench/limits.py [--runs 1000] [--json]
"""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from bars import at_least, sized, tell, versions
from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.distortions.levels import number_text
from hardiness.statistics.operating_limits import LevelAnswers, operating_limit

PICTURES = (60, 200, 1000)
LEVELS = (5, 20)
PLACES = ("even", "just beyond")
ABOVE = (0.5, 0.8, 0.9)
CEILING, CENTRE, SPREAD, FLIPPED = 0.97, 0.55, 0.18, 0.05
"""Accuracy without corruption; the middle and the spread of the levels up to which answers are right, of a quantity
from 0 to 1; and the share of answers at a level that are drawn anew, whatever the level."""


def accuracy(level: float) -> float:
    """The true accuracy at a level."""
    return float((1 - FLIPPED) * CEILING * norm.sf(level, CENTRE, SPREAD) + FLIPPED * 0.3)


def true_limit(above: float) -> float:
    """The level at which the true accuracy falls below a stated one."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if accuracy(middle) >= above else (low, middle)
    return low


def answers(pictures: int, levels: NDArray[np.float64], draws: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each of some pictures is answered rightly at each level, ``(N, M)``."""
    threshold = np.where(draws.random(pictures) < CEILING, draws.normal(CENTRE, SPREAD, pictures), -np.inf)
    right = threshold[:, None] > levels
    anew = draws.random(right.shape) < FLIPPED
    return np.where(anew, draws.random(right.shape) < 0.3, right)


def placed(above: float, count: int, place: str) -> NDArray[np.float64]:
    """Levels at equal steps from 0 to 1; or shifted until one lies just beyond the true limit, where it errs most."""
    levels = np.linspace(0, 1, count + 1)[1:]
    if place == "even":
        return levels
    limit = true_limit(above) + 0.002
    return levels - levels[np.searchsorted(levels, limit)] + limit


def main() -> int:
    """Print coverage by pictures, levels, their place and the stated accuracy."""
    runs = int(sys.argv[sys.argv.index("--runs") + 1]) if "--runs" in sys.argv else sized(1000, 3)
    bars, notes, began = {}, {}, time.perf_counter()
    for pictures, count, place in itertools.product(PICTURES, LEVELS, PLACES):
        ids = np.array([f"{k:04d}" for k in range(pictures)], object)
        for above in ABOVE:
            draws, levels, truth = (
                np.random.default_rng([pictures, count]),
                placed(above, count, place),
                true_limit(above),
            )
            limits = [
                operating_limit(
                    OPERATING_LIMIT,
                    [LevelAnswers(level, ids, right[:, k]) for k, level in enumerate(levels.tolist())],
                    above,
                    (0.0, 1.5),
                    number_text,
                )
                for right in (answers(pictures, levels, draws) for _ in range(runs))
            ]
            intervals = [limit.spread.interval() for limit in limits if limit.spread is not None]
            wrong = sum(not interval.low <= truth <= interval.high for interval in intervals)
            name = f"{pictures:,} pictures, {count} levels {place}, above {above:.0%}"
            bars[f"{name}: not wrong"] = at_least(1 - wrong / runs, 0.95 - 2 * float(np.sqrt(0.95 * 0.05 / runs)))
            notes[f"{name}: without an interval"] = 1 - len(intervals) / runs
            notes[f"{name}: median length"] = float(np.median([each.high - each.low for each in intervals] or [0.0]))
    notes["seconds"] = time.perf_counter() - began
    return tell(bars, notes, versions("numpy", "scipy"), runs)


if __name__ == "__main__":
    sys.exit(main())
