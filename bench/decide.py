"""Stopping where every rule of a policy is decided: how often a verdict is false, and how many pictures it takes.

Runs of 10,000 pictures are made, whose truths stand so many points from the limits of seven rules, of every kind that
can be decided while pictures come in, and runs of 50,000 that one rule on an accuracy asks. Each is followed as
`hardiness run --until-decided` follows it, look by look. A truth on the limit makes every verdict false.

    python bench/decide.py [--runs 1000] [--json]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bars import at_most, sized, tell, versions
from hardiness.statistics.stopping import Extent
from hardiness.statistics.verdicts import Evidence, Limit, rulings

IMAGES, ALONE, FIRST, CELLS = 10_000, 50_000, 100, 5
POINTS = (0, 1, 2, 5, -1, -2, -5)
"""Of the truths: how far beyond the limit, or within it."""

IDS = np.array([f"{k:05d}" for k in range(ALONE)], object)


@dataclass(frozen=True)
class Simulated:
    """One rule: values of every picture in the order in which they come, weights of cells, and the limit."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    limit: Limit
    paired: bool = False

    def evidence(self, images: int) -> Evidence | None:
        """Of the first pictures."""
        return Evidence.from_looks(IDS[:images], self.values[:images], self.weights, paired=self.paired)


def cells(truth: float, count: int, draws: np.random.Generator) -> NDArray[np.float64]:
    """Answers that are wrong as often as that; pictures are hard or easy, so that their cells go together."""
    truth = min(max(truth, 1e-3), 1 - 1e-3)
    hard = draws.beta(2 * truth, 2 * (1 - truth), (IMAGES, 1)) if count > 1 else np.full((IMAGES, 1), truth)
    return (draws.random((IMAGES, count)) < hard).astype(np.float64)


def changes(apart: float, count: int, draws: np.random.Generator) -> NDArray[np.float64]:
    """Differences of two runs: some answers are lost and some won, half of them in all cells of a picture at once."""
    lost = max(0.03, apart + 0.01)
    won = lost - apart
    uniform = draws.random((IMAGES, count))
    if count > 1:
        uniform = np.where(draws.random((IMAGES, 1)) < 0.5, draws.random((IMAGES, 1)), uniform)
    return np.where(uniform < lost, 1.0, np.where(uniform > 1 - won, -1.0, 0.0))


def simulated(off: float, draws: np.random.Generator) -> list[Simulated]:
    """Seven rules, each of which is beyond its limit by ``off``, or within it where that is below 0."""
    one, mean = np.ones(1), np.full(CELLS, 1 / CELLS)
    of_class = cells(0.2 + off, 1, draws)
    of_class[draws.random(IMAGES) > 0.2] = np.nan
    return [
        Simulated(cells(0.3 + off, 1, draws), one, Limit(0.3, 1)),
        Simulated(cells(0.05 + off, 1, draws), one, Limit(0.05, 1)),
        Simulated(1 - cells(0.4 + off, CELLS, draws), mean, Limit(0.6, -1)),
        Simulated(changes(0.01 + off, 1, draws), one, Limit(0.01, 1), paired=True),
        Simulated(changes(0.01 + off, CELLS, draws), mean, Limit(0.01, 1), paired=True),
        Simulated(cells(0.06 + off, CELLS, draws), mean, Limit(0.06, 1)),
        Simulated(of_class, one, Limit(0.2, 1)),
    ]


def alone(off: float, draws: np.random.Generator) -> list[Simulated]:
    """One rule on an accuracy of 70 %, of many pictures."""
    wrong = (draws.random((ALONE, 1)) < 0.3 + off).astype(np.float64)
    return [Simulated(wrong, np.ones(1), Limit(0.3, 1))]


def followed(rules: list[Simulated], off: float) -> tuple[bool, float]:
    """Whether a verdict was false at any look, and after what share of the pictures all were decided."""
    whole = len(rules[0].values)
    wrong = {"pass", "fail"} if off == 0 else {"pass" if off > 0 else "fail"}
    false, extent = False, Extent(FIRST, 1)
    while True:
        known = [(found, rule.limit) for rule in rules if (found := rule.evidence(extent.images)) is not None]
        ruled = rulings(known, len(rules))
        false |= any(ruling.outcome in wrong for ruling in ruled)
        open_ = [(each.n + r.more) / each.n for (each, _), r in zip(known, ruled, strict=True) if r.more]
        if len(known) == len(rules) and not open_:
            return false, extent.images / whole
        times = max(open_) if len(known) == len(rules) else 2.0
        following = extent.grown(extent.images * times, 1, Extent(whole, 1))
        if following is None:
            return false, extent.images / whole
        extent = following


def main() -> int:
    """Print the shares of runs with a false verdict, and of pictures."""
    runs = int(sys.argv[sys.argv.index("--runs") + 1]) if "--runs" in sys.argv else sized(1000)
    began, bars, notes = time.perf_counter(), {}, {}
    for points in POINTS:
        off, draws = points / 100, np.random.default_rng(points % 97)
        where = "on the limit" if not points else f"{abs(points)} points {'beyond' if points > 0 else 'within'}"
        for policy, make in (("seven rules", simulated), ("one rule", alone)):
            found = [followed(make(off, draws), off) for _ in range(runs)]
            false, share = np.mean(found, axis=0)
            bars[f"{policy}, {where}: runs with any false verdict"] = at_most(float(false), 0.05)
            notes[f"{policy}, {where}: share of pictures"] = float(share)
    notes["seconds"] = time.perf_counter() - began
    return tell(bars, notes, versions("numpy", "scipy"), runs)


if __name__ == "__main__":
    sys.exit(main())
