"""Clusters and slices of the pictures of a run, from the columns that these pictures have."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import RunRemark
from hardiness.core.columns import Columns, Grouping, SliceOfPictures, codes_of, is_empty, number_of, numbers_of
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.result import FEW_IN_SLICE
from hardiness.core.stems import STEMS, stem_column
from hardiness.statistics.clusters import Clusters

MOST_VALUES = 50
"""The most values of a slice: of more the simultaneous intervals say little, and no reader looks at each."""

_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*(?P<low>{_NUMBER})?\s*-\s*(?P<high>{_NUMBER})?\s*")


class Range(NamedTuple):
    """Numbers from ``low`` on and below ``high``, as ``text`` says; the highest of several includes its end."""

    low: float
    high: float
    text: str


class SlicedColumn(NamedTuple):
    """A column of a slice, and the ranges that its numbers are put into; none where each value is a part."""

    name: str
    ranges: tuple[Range, ...] = ()


def parse_slice(text: str, names: Sequence[str] = ()) -> tuple[SlicedColumn, ...]:
    """The columns that a slice is of: one, or two as in ``site+age:0-30,30-``.

    Args:
        text: as people write it.
        names: of the columns that there are; one that is called so as a whole is meant by it.

    Raises:
        ArgumentError: it does not read so; the message says how.
    """
    if text in names:
        return (SlicedColumn(text),)
    parts = tuple(map(_sliced_column, text.split("+")))
    if len(parts) > 2 or not all(part.name for part in parts):
        raise ArgumentError(
            "slice must be a column, as in site, one with ranges, as in age:0-30,30-, or two, as in "
            f"site+age:0-30,30-; was {text!r}"
        )
    return parts


def slice_name(text: str, names: Sequence[str] = ()) -> str:
    """The name of a slice without its ranges: ``site+age``; raises as `parse_slice`."""
    return "+".join(part.name for part in parse_slice(text, names))


def clusters_of(grouping: Grouping, columns: Columns, ids: NDArray[np.object_]) -> Clusters | None:
    """The clusters of some pictures; ``None`` where each stands alone.

    A picture without a value stands alone. Where no column has the name, stems of file names have one of `STEMS`.

    Args:
        grouping: names the column.
        columns: of the pictures.
        ids: of the pictures, sorted.

    Raises:
        ArgumentError: there is no such column.
    """
    if not grouping.cluster:
        return None
    values, codes = codes_of(_cluster_column(grouping, columns, ids))
    alone = np.flatnonzero(codes < 0)
    codes[alone] = len(values) + np.arange(len(alone))
    # By their first pictures, so that sums over clusters of one picture add up in the order of the pictures.
    _, firsts, places = np.unique(codes, return_index=True, return_inverse=True)
    ranks = np.empty(len(firsts), np.int64)
    ranks[np.argsort(firsts)] = np.arange(len(firsts))
    return Clusters(ids, ranks[places], grouping.cluster)


def slices_of(grouping: Grouping, columns: Columns, ids: NDArray[np.object_]) -> list[SliceOfPictures]:
    """The slices of some pictures; arguments as of `clusters_of`.

    A picture whose cell is empty, or whose number is in no range, is in no part.

    Raises:
        ArgumentError: there is no such column, it has more than `MOST_VALUES` values, ranges are asked of text, no
            part of two columns has `FEW_IN_SLICE` pictures, or it is the column of the clusters, whose values are shown
            nowhere.
    """
    placed = columns.at(ids) if grouping.slices else columns
    return [_slice(placed, text, grouping.cluster) for text in grouping.slices]


def _cluster_column(grouping: Grouping, columns: Columns, ids: NDArray[np.object_]) -> NDArray[np.object_]:
    """The column of the clusters, for these pictures: one of theirs, or stems of their file names."""
    if grouping.cluster in STEMS and grouping.cluster not in columns.values:
        return stem_column(ids.tolist(), grouping.cluster)
    return column_of(columns.at(ids), grouping.cluster)


def column_of(columns: Columns, name: str) -> NDArray[np.object_]:
    """A column by its name.

    Raises:
        ArgumentError: there is none; the message has the nearest name.
    """
    if name in columns.values:
        return columns.values[name]
    if not columns:
        raise ArgumentError(
            f"the pictures have no columns, and so none that is called {name!r}: name a table that has it, as in "
            "--columns FILE.csv"
        )
    raise ArgumentError(f"no column of the pictures is called {name!r}{suggestion(name, sorted(columns.values))}")


def named_columns(grouping: Grouping, names: Sequence[str]) -> list[str]:
    """The columns that a grouping needs, each once, without stems of file names; raises as `parse_slice`.

    Args:
        grouping: which.
        names: of the columns that there are.
    """
    sliced = [part.name for text in grouping.slices for part in parse_slice(text, names)]
    has_column = grouping.cluster and (grouping.cluster not in STEMS or grouping.cluster in names)
    return list(dict.fromkeys([*([grouping.cluster] if has_column else []), *sliced]))


def without_columns(grouping: Grouping, missing: Sequence[str], names: Sequence[str]) -> Grouping:
    """A grouping without the clusters and slices of some columns; ``names`` are those of the columns that there are."""
    slices = tuple(
        text for text in grouping.slices if not any(part.name in missing for part in parse_slice(text, names))
    )
    return replace(grouping, cluster="" if grouping.cluster in missing else grouping.cluster, slices=slices)


def gaps_of(grouping: Grouping, columns: Columns, ids: NDArray[np.object_]) -> list[Fact]:
    """A fact where some pictures have no cluster; arguments and errors as of `clusters_of`."""
    if not grouping.cluster:
        return []
    count = int(is_empty(_cluster_column(grouping, columns, ids)).sum())
    arguments = {"count": count, "pictures": len(ids), "column": grouping.cluster}
    return [Fact(RunRemark.WITHOUT_CLUSTER, arguments)] if count else []


def _slice(columns: Columns, text: str, cluster: str) -> SliceOfPictures:
    parts = parse_slice(text, tuple(columns.values))
    for part in parts:
        if part.name == cluster:
            raise ArgumentError(
                f"{cluster} says which pictures belong together, and its values are shown nowhere: slice by another "
                "column, or leave --cluster out"
            )
    values, codes = _parts(columns, parts[0])
    if len(parts) == 1:
        return SliceOfPictures(parts[0].name, values, codes)
    others, other_codes = _parts(columns, parts[1])
    has_both = (codes >= 0) & (other_codes >= 0)
    pairs = np.where(has_both, codes * len(others) + other_codes, -1)
    counts = np.bincount(pairs[has_both], minlength=len(values) * len(others))
    name = f"{parts[0].name}+{parts[1].name}"
    if not np.any(counts >= FEW_IN_SLICE):
        raise ArgumentError(
            f"slice {name}: no values of both together have {FEW_IN_SLICE} pictures; the largest part has "
            f"{int(counts.max(initial=0))}: slice by one of them"
        )
    _refuse_too_many(columns, parts, int(np.count_nonzero(counts >= FEW_IN_SLICE)))
    present = np.flatnonzero(counts)
    place = np.full(len(counts) + 1, -1, np.int64)
    place[present] = np.arange(len(present))
    names = [f"{values[pair // len(others)]}, {others[pair % len(others)]}" for pair in present.tolist()]
    return SliceOfPictures(name, names, place[pairs])


def _parts(columns: Columns, part: SlicedColumn) -> tuple[Sequence[str], NDArray[np.int64]]:
    """The values or ranges of a column, and the place of each picture's among them."""
    column = column_of(columns, part.name)
    values, codes = codes_of(column)
    if not values:
        raise ArgumentError(f"slice {part.name}: the column is empty for all of these pictures")
    if not part.ranges:
        _refuse_too_many(columns, (part,), len(values))
        return values, codes
    numbers = numbers_of(column)
    if numbers is None:
        filled = zip(columns.ids[~is_empty(column)].tolist(), column[~is_empty(column)].tolist(), strict=True)
        picture = next(picture for picture, text in filled if math.isnan(number_of(text)))
        raise ArgumentError(
            f"slice {part.name}: ranges are for numbers, and the column has text, as for {picture}; name it without"
        )
    codes = np.full(len(column), -1, np.int64)
    top = max(each.high for each in part.ranges)
    for place, each in enumerate(part.ranges):
        codes[(numbers >= each.low) & ((numbers < each.high) | ((numbers == top) & (each.high == top)))] = place
    return [each.text for each in part.ranges], codes


def _refuse_too_many(columns: Columns, parts: Sequence[SlicedColumn], count: int) -> None:
    """Raise where a slice has more values than a reader can look at."""
    if count <= MOST_VALUES:
        return
    advice = (_ranges_advised(columns, part.name) for part in parts if not part.ranges)
    first = next(filter(None, advice), "")
    ranges = f"put its numbers into ranges, as in {first}, or " if first else ""
    name = "+".join(part.name for part in parts)
    raise ArgumentError(
        f"slice {name}: must have at most {MOST_VALUES} values, has {count:,}; {ranges}where they say which pictures "
        f"belong together, give --cluster {parts[0].name}"
    )


def _ranges_advised(columns: Columns, name: str) -> str:
    """Three ranges of about as many pictures each, as they are written; empty where the column has text."""
    numbers = numbers_of(columns.values[name])
    if numbers is None:
        return ""
    low, high = (f"{end:.3g}" for end in np.nanquantile(numbers, [1 / 3, 2 / 3]))
    return f"{name}:-{low},{low}-{high},{high}-" if float(low) < float(high) else f"{name}:-{low},{low}-"


def _sliced_column(text: str) -> SlicedColumn:
    name, colon, ranges = text.partition(":")
    if not colon:
        return SlicedColumn(text.strip())
    parts = tuple(_range(part, text) for part in ranges.split(","))
    ordered = sorted(parts)
    for lower, upper in pairwise(ordered):
        if upper.low < lower.high:
            raise ArgumentError(f"slice {text}: ranges must not overlap, and {lower.text} and {upper.text} do")
    return SlicedColumn(name.strip(), parts)


def _range(text: str, whole: str) -> Range:
    match = _RANGE.fullmatch(text)
    if match is None or not (match["low"] or match["high"]):
        raise ArgumentError(
            f"slice {whole}: ranges must read as in 0-30,30-60,60- (from the first number on, below the second), was "
            f"{text.strip()!r}"
        )
    low = float(match["low"]) if match["low"] else -math.inf
    high = float(match["high"]) if match["high"] else math.inf
    if not low < high:
        raise ArgumentError(f"slice {whole}: a range must end above where it begins, was {text.strip()!r}")
    return Range(low, high, text.strip())
