"""The differences of models by slice as tables of text, as sentences, or as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hardiness.core.result import IN_PERCENT, TextTable
from hardiness.report.words import text
from hardiness.results.difference_json import difference_json, finite
from hardiness.results.slice_comparison import SlicedDifference, SliceDifference
from hardiness.sources.files import shown
from hardiness.statistics.comparison import Difference

HEADS = ("n", "first", "second", "difference", "95 %", "p", "better")


def slice_views(
    title: str, differences: Sequence[SlicedDifference], doubts: Mapping[str, str] | None = None
) -> list[TextTable]:
    """A table for each column and score: a row for each value and two models, and a sentence on every two.

    Scores that have an interval at no value are left out.

    Args:
        title: of the comparison.
        differences: of one benchmark.
        doubts: by model, a word where the report on an attack does not stand by its numbers under attack.
    """
    tables: dict[tuple[Any, ...], list[SlicedDifference]] = {}
    for pair in differences:
        tables.setdefault((pair.column, pair.metric, pair.condition), []).append(pair)
    return [
        _view(title, pairs, doubts or {})
        for pairs in tables.values()
        if any(each.difference.interval for pair in pairs for each in pair.slices)
    ]


def _view(title: str, differences: Sequence[SlicedDifference], doubts: Mapping[str, str]) -> TextTable:
    first = differences[0]
    rows = [_row(pair, each) for pair in differences for each in pair.slices]
    names = dict.fromkeys(name for pair in differences for name in (pair.first, pair.second))
    doubted = [name for name in names if name in doubts and "epsilon" in first.condition]
    notes = [
        *(f"{name}: {doubts[name]}: the report on the attack does not stand by its numbers" for name in doubted),
        *map(slice_sentence, differences),
        f"p and intervals are adjusted together for all {len(rows)} differences of this table (Holm 1979)",
        *_limit_line([each.difference for pair in differences for each in pair.slices]),
    ]
    return TextTable(
        f"{title}: {first.title} by {first.column}", (first.column, *HEADS), tuple(rows), named=1, notes=tuple(notes)
    )


def _limit_line(differences: Sequence[Difference]) -> list[str]:
    """A line where intervals do not protect against losses that a slice may not have shown."""
    hiding = [each for each in differences if each.can_hide_losses]
    units = "clusters" if any(each.clusters for each in hiding) else "pictures"
    return [f"a large loss on fewer than 3 in all {units} of a slice cannot be seen here"] if hiding else []


def _row(pair: SlicedDifference, each: SliceDifference) -> tuple[str, ...]:
    n = f"{each.difference.n:,}" + (f"\n{each.clusters:,} clusters" if each.clusters else "")
    values = [
        f"{name}\n{'undefined' if math.isnan(value) else f'{_scale(pair) * value:.2f}'}"
        for name, value in ((pair.first, each.first), (pair.second, each.second))
    ]
    difference = each.difference
    if difference.interval is None:
        value = "undefined" if math.isnan(difference.value) else _points(pair, difference.value)
        return shown(each.value), n, *values, value, "", "", text(difference.lack)
    ends = f"{_points(pair, difference.interval.low)} … {_points(pair, difference.interval.high)}"
    p = "" if difference.p is None else f"{difference.p:.3f}" if difference.p >= 0.001 else "<0.001"
    better = {1: pair.first, -1: pair.second, 0: "not known"}[pair.better(difference)]
    return shown(each.value), n, *values, _points(pair, difference.value), ends, p, better


def slice_sentence(pair: SlicedDifference) -> str:
    """Which of two models is better on average, at which values it is worse, and whether the difference differs."""
    return pair.sentence(lambda value: _points(pair, value))


def _scale(pair: SlicedDifference) -> float:
    return 100.0 if pair.unit in IN_PERCENT else 1.0


def _points(pair: SlicedDifference, value: float) -> str:
    return f"{_scale(pair) * value:+z.2f}"


def slice_json(pair: SlicedDifference) -> dict[str, Any]:
    """The JSON form of two models by one score and column."""
    return {
        "column": pair.column,
        "metric": pair.metric,
        "condition": dict(pair.condition),
        "first": pair.first,
        "second": pair.second,
        "sentence": slice_sentence(pair),
        "reversed": pair.is_reversed,
        "heterogeneity_p": pair.heterogeneity,
        "overall": difference_json(pair.overall),
        "slices": [
            {
                "value": each.value,
                "first": finite(each.first),
                "second": finite(each.second),
                "clusters": each.clusters,
                "difference": difference_json(each.difference),
            }
            for each in pair.slices
        ],
    }
