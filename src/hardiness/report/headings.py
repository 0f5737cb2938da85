"""Words of headings: the first of several, the ends that chance cannot have swapped, lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hardiness.core.result import Score
from hardiness.core.spread import Interval

FEW = 3
"""Names that a heading can take; of more it gives the number."""


def first(values: Mapping[str, float], digits: int, lowest: bool = False) -> tuple[str, ...]:
    """The names whose value, rounded as a reader sees it, is the highest, or the lowest; in the order given.

    Args:
        values: at least one.
        digits: decimals that are shown.
        lowest: whether the lowest one is looked for.
    """
    rounded = {name: round(value, digits) for name, value in values.items()}
    end = (min if lowest else max)(rounded.values())
    return tuple(name for name, value in rounded.items() if value == end)


def ends_apart(values: Mapping[str, float], intervals: Mapping[str, Interval]) -> tuple[tuple[str, ...], ...]:
    """The names at the high end and those at the low end, where chance cannot have swapped them; else nothing.

    An end has beside the first name all whose intervals overlap its own, and `FEW` names at most; no name is at both.

    Args:
        values: at least one; names keep their order.
        intervals: of each, at 95 %.
    """
    if set(values) - set(intervals):
        return ()
    highest, lowest = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    high = tuple(name for name in values if intervals[name].high >= intervals[highest].low)
    low = tuple(name for name in values if intervals[name].low <= intervals[lowest].high)
    return () if set(high) & set(low) or max(len(high), len(low)) > FEW else (high, low)


def mean_intervals(scores: Mapping[str, Sequence[Score]]) -> dict[str, Interval]:
    """The interval of each name's mean, however its scores go together; left out where one has none.

    It is the mean of both bounds: scores of several models or severities are of the same images, so that no spread
    cancels for sure.
    """
    intervals = {}
    for name, each in scores.items():
        bounds = [(score.interval.low, score.interval.high) for score in each if score.interval is not None]
        if bounds and len(bounds) == len(each):
            intervals[name] = Interval(*(sum(ends) / len(ends) for ends in zip(*bounds, strict=True)))
    return intervals


def in_words(names: Iterable[str], total: int) -> str:
    """``a``, ``a and b``, ``a, b and c``, or, of more, ``4 of 15``."""
    *others, last = names
    if len(others) >= FEW:
        return f"{len(others) + 1} of {total}"
    return f"{', '.join(others)} and {last}" if others else last
