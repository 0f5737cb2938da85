"""Stopping where every rule of a policy is decided: how often a verdict is false, and how many pictures it takes.

Runs of 10,000 pictures are made, whose truths stand so many points from the limits of seven rules, of every kind that
can be decided while pictures come in, and runs of 50,000 that one rule on an accuracy asks. Each is followed as
`hardiness run --until-decided` follows it, look by look. A truth on the limit makes every verdict false.

Means over many cells that are exactly on the limit are followed by themselves, and judged once as `hardiness gate`
does, ten times as often: no more than 2.5 % may pass, and no more may fail. Some of their pictures are hopeless (wrong
in nine of ten cells, the others in one of fifty), or pictures are as hard as a beta distribution has it.

Rules on a difference (`worse_by_at_most`, `equivalent_within`) are judged once, of scores that a model loses in ways
that a sample may not show: pictures lost wholly, half of the loss in all pictures, a few won wholly beside a loss in
all, plain noise, means over cells, and whole clusters lost beside ordinary flips. With a difference on the limit at
most 2.5 % may pass, 2.5 % may fail, and 5 % may pass as equivalent. How often equal models pass, and models that are
worse by four times the limit fail, is a note: below four in n pictures no rule that keeps the promise passes any.

    python bench/decide.py [--runs 1000] [--means | --differences] [--json]

``--means`` leaves out all but these means, ``--differences`` all but these rules.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bars import at_most, sized, tell, versions
from hardiness.core.result import Score
from hardiness.core.spread import Spread
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.stopping import Extent
from hardiness.statistics.verdicts import Limit, rulings, spread_of_looks

IMAGES, ALONE, FIRST, CELLS = 10_000, 50_000, 100, 5
POINTS = (0, 1, 2, 5, -1, -2, -5)
"""Of the truths: how far beyond the limit, or within it."""

IDS = np.array([f"{k:05d}" for k in range(ALONE)], object)


def scored(spread: Spread, n: int) -> Score:
    """A number that a rule is on."""
    return Score("number", spread.value, "ratio", n, spread)


@dataclass(frozen=True)
class Simulated:
    """One rule: values of every picture in the order in which they come, weights of cells, and the limit."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    limit: Limit
    paired: bool = False

    def score(self, images: int) -> Score | None:
        """Of the first pictures."""
        spread = spread_of_looks(IDS[:images], self.values[:images], self.weights, paired=self.paired)
        return scored(spread, images) if spread else None


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
        known = [(found, rule.limit) for rule in rules if (found := rule.score(extent.images)) is not None]
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


FIRST_OF_CELLS, FEW_CELLS = 1000, 2
"""Pictures and cells of each in the first round of a benchmark of many cells."""

ONCE = [(n, cells, f"{h:.1%} hopeless") for n in (100, 250, 1000) for cells in (45, 75) for h in (0.005, 0.01, 0.03)]
ONCE += [(n, 75, f"beta({a:g}), {p:.0%} wrong") for n in (100, 250, 1000) for a in (0.3, 2) for p in (0.05, 0.3, 0.9)]
LOOKED = [
    (250, 30, "1.0% hopeless"),
    (500, 15, "1.0% hopeless"),
    (500, 15, "0.5% hopeless"),
    (1000, 15, "1.0% hopeless"),
]
"""Pictures, cells, and how hard pictures are."""


def hardness(kind: str, images: int, draws: np.random.Generator) -> tuple[NDArray[np.float64], float]:
    """How often the answers to each picture are wrong, and the mean over all pictures that there are."""
    if kind.endswith("hopeless"):
        share = float(kind.split("%")[0]) / 100
        return np.where(draws.random(images) < share, 0.9, 0.02), 0.9 * share + 0.02 * (1 - share)
    size, wrong = float(kind[5 : kind.index(")")]), float(kind.split()[1].rstrip("%")) / 100
    return draws.beta(size * wrong, size * (1 - wrong), images), wrong


def judged_once(images: int, cells: int, kind: str, draws: np.random.Generator) -> str:
    """The verdict on a mean over cells whose truth is the limit, with all pictures at once."""
    often, truth = hardness(kind, images, draws)
    of_images = mean(np.arange(images), draws.binomial(cells, often) / cells)
    return rulings([(scored(of_images.spread_of_cells(1.0), images), Limit(truth, 1))])[0].outcome


def judged_at_looks(images: int, cells: int, kind: str, draws: np.random.Generator) -> str:
    """The same, of pictures in two random cells each, then in more, until there is a verdict."""
    often, truth = hardness(kind, images, draws)
    wrong = (draws.random((images, cells)) < often[:, None]).astype(np.float64)
    order = draws.random((images, cells)).argsort(axis=1).argsort(axis=1)
    extent, whole = Extent(min(FIRST_OF_CELLS, images), FEW_CELLS), Extent(images, cells)
    while True:
        seen = np.where(order[: extent.images] < extent.cells, wrong[: extent.images], np.nan)
        spread, times = spread_of_looks(IDS[: extent.images], seen, np.full(cells, 1 / cells)), 2.0
        if spread is not None:
            (ruling,) = rulings([(scored(spread, extent.images), Limit(truth, 1))])
            if ruling.outcome != "cannot tell":
                return ruling.outcome
            times = (extent.images + ruling.more) / extent.images
        following = extent.grown(extent.images * times, extent.cells * times, whole)
        if following is None:
            return "cannot tell"
        extent = following


@dataclass(frozen=True)
class Population:
    """Pictures of which a new model loses some.

    Attributes:
        n: pictures.
        limit: of the loss.
        noise: of a picture's score, of either sign and without effect on the mean.
        lost: of the loss, the share that lies in pictures, or clusters, that are lost wholly; below 0 they are won.
        cells: of a mean over cells of 0 and 1, of which hard pictures flip many; 0 of other scores.
        size: pictures of a cluster; 0 where each stands alone. Pictures in clusters are right or wrong.
        unlike: whether sizes of clusters are exponential.
    """

    n: int
    limit: float
    noise: float = 0.02
    lost: float = 0.0
    cells: int = 0
    size: int = 0
    unlike: bool = False

    def draw(self, loss: float, draws: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """What each picture loses, ``(n,)``, that is so much on average, and its cluster."""
        code = np.arange(self.n)
        if self.size:
            count = self.n // self.size
            parts = draws.exponential(1.0, count) if self.unlike else np.ones(count)
            code = np.repeat(np.arange(count), np.maximum(1, np.rint(parts / parts.sum() * self.n)).astype(int))
        units = int(code.max()) + 1
        share = abs(self.lost) * loss / LOST
        is_lost = (draws.random(units) < share)[code]
        general = (loss - np.sign(self.lost) * share * LOST) / (1 - share)
        if self.cells:
            often = np.where(draws.random(self.n) < 0.1, 0.3, 0.01)
            own = (draws.binomial(self.cells, often + general) - draws.binomial(self.cells, often)) / self.cells
        elif self.size:
            own = draws.choice([-1.0, 0.0, 1.0], len(code), p=[0.03, 0.94 - general, 0.03 + general])
        else:
            own = general + self.noise * draws.standard_normal(len(code))
        return np.where(is_lost, np.sign(self.lost) * LOST, own), code


LOST = 0.9
"""What a picture loses that is lost wholly."""

POPULATIONS = {
    f"{name}, {n:,} pictures": Population(n, limit, lost=lost)
    for name, lost in (("lost wholly", 1.0), ("half general, half lost", 0.5), ("generally worse, a few won", -1.0))
    for n, limit in ((100, 0.01), (300, 0.005), (1000, 0.002))
}
POPULATIONS |= {f"plain noise of .05, {n:,} pictures": Population(n, 0.01, 0.05) for n in (100, 300, 1000)}
POPULATIONS |= {f"noise of .1 and lost, {n:,} pictures": Population(n, 3 / n, 0.1, 1.0) for n in (300, 1000)}
POPULATIONS |= {f"means of 20 cells, {n:,} pictures": Population(n, 0.02, cells=20) for n in (100, 300, 1000)}
POPULATIONS |= {
    f"clusters {name}lost beside flips, {n // size} of {size}": Population(
        n, 1.5 * LOST * size / n, lost=1.0, size=size, unlike=bool(name)
    )
    for name in ("", "of unlike sizes ")
    for n, size in ((300, 20), (880, 20), (176, 4), (2000, 20))
}
"""How models lose, by what it is called."""


def ruled(population: Population, loss: float, draws: np.random.Generator) -> tuple[str, str]:
    """The verdicts of a rule that asks for no more than the limit, and of one that asks for equivalence within it."""
    lost, code = population.draw(loss, draws)
    at = np.arange(len(lost))
    sides = mean(at, np.maximum(lost, 0.0)), mean(at, np.maximum(-lost, 0.0))
    test = difference(*sides, 1.0, clusters=Clusters(at, code) if population.size else None)
    assert test.spread is not None
    score = replace(scored(test.spread, test.n), clusters=test.clusters)
    worse, apart = (rulings([(score, Limit(population.limit, side))])[0].outcome for side in (1, 0))
    return worse, apart


def differences_on_the_limit(runs: int, notes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """How often rules on a difference are false where it is the limit; notes on how often they decide elsewhere."""
    bars = {}
    for name, population in list(POPULATIONS.items())[: sized(len(POPULATIONS))]:
        draws = np.random.default_rng([population.n, len(name)])
        worse, apart = zip(*(ruled(population, population.limit, draws) for _ in range(runs)), strict=True)
        for what, outcomes, level in (
            ("pass", [each == "pass" for each in worse], 0.025),
            ("fail", [each == "fail" for each in worse], 0.025),
            ("pass as equivalent", [each == "pass" for each in apart], 0.05),
        ):
            most = level + 2 * float(np.sqrt(level * (1 - level) / runs))
            bars[f"{name}, limit {population.limit:.2%}: {what}"] = at_most(float(np.mean(outcomes)), most)
        for what, loss in (("pass", 0.0), ("fail", 4 * population.limit)):
            elsewhere = [ruled(population, loss, draws)[0] for _ in range(max(runs // 4, 1))]
            notes[f"{name}, {loss:.2%} worse: {what}"] = elsewhere.count(what) / len(elsewhere)
    return bars


def means_on_the_limit(runs: int) -> dict[str, dict[str, Any]]:
    """How often a mean over cells passes and fails on its limit, beside 2.5 % and its simulation's error."""
    bars, most = {}, 0.025 + 2 * float(np.sqrt(0.025 * 0.975 / runs))
    for judged, cases, times in ((judged_once, ONCE, "once"), (judged_at_looks, LOOKED, "at every look")):
        for images, cells, kind in cases[: sized(len(cases))]:
            draws = np.random.default_rng([images, cells, len(kind)])
            outcomes = [judged(images, cells, kind, draws) for _ in range(runs)]
            for verdict in ("pass", "fail"):
                name = f"{images:,} x {cells}, {kind}, {times}: {verdict}"
                bars[name] = at_most(outcomes.count(verdict) / runs, most)
    return bars


def main() -> int:
    """Print the shares of runs with a false verdict, and of pictures."""
    runs = int(sys.argv[sys.argv.index("--runs") + 1]) if "--runs" in sys.argv else sized(1000)
    began, notes = time.perf_counter(), dict[str, Any]()
    bars: dict[str, dict[str, Any]] = {}
    if "--differences" not in sys.argv:
        bars |= means_on_the_limit(10 * runs)
    if "--means" not in sys.argv:
        bars |= differences_on_the_limit(runs, notes)
    if {"--means", "--differences"} & set(sys.argv):
        return tell(bars, notes, versions("numpy", "scipy"), runs)
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
