"""Figures, grids and pictures of the flips between two models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hardiness.benchmarks.galleries import Gallery
from hardiness.report import format as formatting
from hardiness.report.charts import Dots, Grid, GridCell, Observer
from hardiness.results.flips import PairFlips

ROWS_MOST = 20
"""Rows of a figure, and classes of a grid."""

Numbers = TypeVar("Numbers")


def flip_charts(pair: PairFlips, number: int) -> Iterator[Dots]:
    """The share of pictures that either of two models alone answers rightly, by condition and by class."""
    if pair.has_equal_answers:
        return
    overall = pair.overall
    title = (
        f"{formatting.number(pair.differing, 'fraction')} % of answers differ between {pair.first} and {pair.second}: "
        f"{formatting.number(overall.negative.number, 'fraction')} % were right and are wrong, "
        f"{formatting.number(overall.positive.number, 'fraction')} % the reverse"
    )
    conditions = [(str(condition) or "clean", flips) for condition, flips in pair.conditions]
    by = [("flips", title, pair.kinds or (conditions if len(conditions) > 1 else ()), 0)]
    if len(pair.classes) > 1:
        by.append(("flips_by_class", f"Flips from {pair.first} to {pair.second}, by class", pair.classes, pair.small))
    for name, heading, parts, small in by:
        rows = {each.replace("_", " "): flips for each, flips in _first(parts, small)}
        all_flips = [overall, *rows.values()]
        most = max(
            share.interval.high if share.interval else share.number
            for flips in all_flips
            for share in (flips.negative, flips.positive)
        )
        single, rest = (len(parts) - 1, ", and those of few images together") if small else (len(parts), "")
        single_shown = len(rows) - bool(small)
        left_out = f" The {single_shown} of {single} with most negative flips{rest}." if single_shown < single else ""
        yield Dots(
            name=f"{name}_{number}",
            title=heading,
            caption=f"Of all pictures, those that one model alone answers rightly, with 95 % intervals: under "
            f"{pair.first} alone are its negative flips to {pair.second}.{left_out}",
            label="share of pictures that this model alone answers rightly",
            ends=("", ""),
            all_rows="all but clean" if pair.clean else "all pictures",
            rows=tuple(rows),
            observers=(
                Observer(pair.first, overall.negative, {name: flips.negative for name, flips in rows.items()}),
                Observer(pair.second, overall.positive, {name: flips.positive for name, flips in rows.items()}),
            ),
            limit=next(limit for limit in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if limit >= most - 1e-9),
            bars=True,
        )


def flip_gallery(pair: PairFlips, shown: int) -> Gallery:
    """Some of the pictures that were right under the first model and are wrong under the second."""
    return Gallery(
        f"Right under {pair.first}, wrong under {pair.second}",
        f"Negative flips: right under {pair.first}, whose answer is named as the one before, and wrong "
        f"under {pair.second}; those that it is surest of, no photograph twice. "
        f"Pictures that qualify: {pair.flipped:,}.",
        pair.samples[:shown],
    )


def recall_changes(pair: PairFlips) -> Grid:
    """The change of each class's recall, with an interval and the smallest that would show; what lost most first."""
    rows = []
    for name, change in _first(pair.changes, pair.small):
        ends = (change.interval.low, change.interval.high) if change.interval else (None, None)
        values = (change.value, *ends, change.detectable)
        cells = tuple(None if value is None else GridCell(value, shaded=False) for value in values)
        rows.append((f"{name} ({change.n:,})", cells))
    title = (
        f"recall by class, less that of {pair.first}, with intervals that hold for all classes at once; {pair.changed}"
    )
    return Grid(pair.second, title, "class", ("change", "from", "to", "would show"), tuple(rows))


def _first(parts: Sequence[tuple[str, Numbers]], small: int) -> Sequence[tuple[str, Numbers]]:
    """The first parts, as many as a figure has rows; small classes together, the last part, are always one of them."""
    rest = parts[-1:] if small else ()
    return [*parts[: min(ROWS_MOST, len(parts)) - len(rest)], *rest]
