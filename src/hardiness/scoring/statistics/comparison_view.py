"""What a comparison says, as tables of text and lines below them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from hardiness.core import TextTable
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison
from hardiness.scoring.statistics.comparison import Compared
from hardiness.scoring.statistics.decomposition import DifferencePart
from hardiness.scoring.statistics.effective_robustness import EffectiveRobustness
from hardiness.scoring.statistics.pair_detail import PairDetail
from hardiness.scoring.statistics.proportions import Difference

HEADS = ("score", "first", "second", "difference", "95 %", "p", "told apart?", "this n tells")

LARGEST = 3
"""Parts of a difference, and images, that are named; JSON has all of them."""

LEVEL = 0.05


def comparison_view(found: BenchmarkComparison, rows_most: int | None = None) -> TextTable:
    """A row for each pair and score; below it who ranks where, and where the differences come from.

    Args:
        found: the comparison.
        rows_most: where there are more rows than that, of all scores but the first, and of what is said of pairs, only
            models that stand next to each other are shown, and only as many scores as there is room for.
    """
    every = [dict(score.pairs) for score in found.scores]
    shown = every if rows_most is None else _fewer(found.scores, rows_most)
    total, rows = sum(map(len, every)), list(_rows(found, shown))
    beside = _neighbours(found.scores[0]) if len(rows) < total else None
    notes = (
        *((f"{len(rows)} of {total} differences are shown; 'hardiness compare' has all",) if len(rows) < total else ()),
        *(_ranks(score, found) for score, _ in zip(found.scores, shown, strict=False) if len(score.ranks) > 2),
        *found.notes,
        *(_effective(found, model) for model in found.effective),
        *(
            line
            for detail in found.details
            if beside is None or frozenset((detail.first, detail.second)) in beside
            for line in _detail(detail)
        ),
    )
    return TextTable(found.heading, HEADS, tuple(rows), named=3, notes=notes)


Pairs = Mapping[tuple[str, str], Difference]


def _rows(found: BenchmarkComparison, shown: Sequence[Pairs]) -> Iterator[tuple[str, ...]]:
    for score, pairs in zip(found.scores, shown, strict=False):
        for (first, second), pair in pairs.items():
            yield tuple(_row(found, score, first, second, pair))


def _fewer(scores: Sequence[Compared], rows_most: int) -> list[Pairs]:
    """As many pairs as there is room for: all if all fit, else all of the first score if these do, then neighbours."""
    if sum(len(score.pairs) for score in scores) <= rows_most:
        return [score.pairs for score in scores]
    found: list[Pairs] = []
    for score in scores:
        beside = _neighbours(score)
        few = {pair: each for pair, each in score.pairs.items() if frozenset(pair) in beside}
        pairs = score.pairs if not found and len(score.pairs) <= rows_most else few
        if found and sum(map(len, found)) + len(pairs) > rows_most:
            break
        found.append(pairs)
    return found


def _neighbours(score: Compared) -> set[frozenset[str]]:
    """Each model and the next one by value."""
    order = sorted(score.values, key=lambda name: (math.isnan(score.values[name]), score.values[name]))
    return {frozenset(pair) for pair in pairwise(order)}


def _row(found: BenchmarkComparison, score: Compared, first: str, second: str, pair: Difference) -> Iterator[str]:
    yield score.title or score.metric.replace("_", " ")
    for name in (first, second):
        value = score.values[name]
        doubt = found.doubt_about(score, name)
        yield f"{name}\n{'undefined' if math.isnan(value) else f'{100 * value:.2f}'}{f' {doubt}' if doubt else ''}"
    if pair.interval is None:
        yield from ("undefined" if math.isnan(pair.value) else _points(pair.value), "", "", pair.reason or "", "")
        return
    yield _points(pair.value)
    yield f"{_points(pair.interval.low)} … {_points(pair.interval.high)}"
    yield "" if pair.p is None else f"{pair.p:.3f}" if pair.p >= 0.001 else "<0.001"
    said = f"nothing: noise {100 * score.noise:.2f}" if score.is_nothing(pair) else "yes" if pair.told else "no"
    yield ", ".join([said, *([doubt] if (doubt := found.doubt_about_pair(score, first, second)) else [])])
    yield "" if pair.detectable is None else f"{100 * pair.detectable:.2f}"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def _ranks(score: Compared, found: BenchmarkComparison) -> str:
    places = ", ".join(
        f"{name} {rank.rank}"
        + (f"–{rank.worst}" if rank.worst > rank.rank else "")
        + (f" ({doubt})" if (doubt := found.doubt_about(score, name)) else "")
        for name, rank in sorted(score.ranks.items(), key=lambda item: (item[1].rank, item[1].worst))
    )
    return f"ranks by {score.title or score.metric}: {places}"


def _effective(found: BenchmarkComparison, model: EffectiveRobustness) -> str:
    """How far one model is above the line of the published ones."""
    beyond = "; its clean accuracy is beyond theirs, so the line is continued" if model.outside else ""
    return (
        f"{model.model} is {100 * model.value:+.1f} points of accuracy on {found.benchmark} from the line of the "
        f"published models ({100 * model.interval.low:+.1f} … {100 * model.interval.high:+.1f}){beyond}"
    )


def _detail(detail: PairDetail) -> Iterator[str]:
    """What there is to say of a pair beyond its scores."""
    pair = f"{detail.first} and {detail.second}"
    kappa = detail.kappa.kappa if detail.kappa else None
    if kappa and kappa.value is not None:
        between = f" ({kappa.interval.low:.2f} … {kappa.interval.high:.2f})" if kappa.interval else ", too few errors"
        yield f"{pair} err alike: kappa {kappa.value:.2f}{between}"
    if len(detail.cells) > 1:
        told = sum(cell.adjusted < LEVEL for cell in detail.cells)
        yield f"{pair} differ under {told} of {len(detail.cells)} conditions (false ones held to 1 in 20)"
    for kind, parts in detail.parts.items():
        what = "Brier score by calibration and refinement" if kind == "calibration" else f"mean error by {kind}"
        yield f"{pair}, {what}, largest parts in points: {_parts(parts)}"
    if detail.images:
        named = ", ".join(each.image for each in detail.images[:LARGEST])
        yield f"{pair}, most telling images: {named}"


def _parts(parts: Sequence[DifferencePart]) -> str:
    """The largest; those that are told from none after adjusting for all of them have a star."""
    largest = sorted(parts, key=lambda part: -abs(part.difference.value))[:LARGEST]
    stars = ["*" if part.adjusted is not None and part.adjusted < LEVEL else "" for part in largest]
    return ", ".join(
        f"{part.name} {_points(part.difference.value)}{star}" for part, star in zip(largest, stars, strict=True)
    )
