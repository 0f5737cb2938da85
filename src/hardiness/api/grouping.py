"""Clusters and slices that results are asked for, from the command, from Python and from a policy."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardiness.api.grouping_options import GroupingOptions, MixedGroupingOptions
from hardiness.core.columns import Columns, Grouping
from hardiness.core.errors import ArgumentError
from hardiness.data.columns import GivenColumns, read_columns
from hardiness.data.table_files import open_table
from hardiness.results.grouping import parse_slice, slice_name
from hardiness.sources.files import read_regular, shown

Mix = Mapping[str, Any]
"""By slice a file with a value and its share in each line, or the shares by value."""


@dataclass(frozen=True)
class GroupingArguments:
    """The arguments of `grouping_of`, whose files are read when they are needed."""

    columns: GivenColumns | Sequence[GivenColumns] = ()
    cluster: str | None = None
    slices: str | Sequence[str] = ()
    mix: Mix | None = None

    @property
    def grouping(self) -> Grouping:
        """The clusters and slices that results are asked for; raises as `grouping_of`."""
        return grouping_of(self.columns, self.cluster, self.slices, self.mix)


def grouping_of(
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    mix: Mix | None = None,
) -> Grouping:
    """The grouping that a command, Python or a policy asks for.

    Args:
        columns: a table or several, as `hardiness.data.columns.GivenColumns`.
        cluster: the column whose values say which pictures belong together.
        slices: columns by whose values scores are given.
        mix: by slice the shares of its values, or the file that has them.

    Raises:
        ArgumentError: a table cannot be read, a slice does not read as one, or a mix is of no slice.
    """
    if cluster is not None and (not isinstance(cluster, str) or not cluster.strip()):
        raise ArgumentError(f"cluster must be the name of a column, was {cluster!r}")
    chosen = (slices,) if isinstance(slices, str) else tuple(dict.fromkeys(slices))
    for text in chosen:
        if not isinstance(text, str):
            raise ArgumentError(f"slices must be names of columns, as in ['site', 'age:0-30,30-'], had {text!r}")
        parse_slice(text)
    names = {slice_name(text) for text in chosen}
    shares: dict[str, Mapping[str, float]] = {}
    for name, shares_of_values in (mix or {}).items():
        if name not in names:
            raise ArgumentError(f"mix {name}: must be of a slice that is asked for; add --slice {name}")
        shares[name] = _shares(
            name,
            shares_of_values if isinstance(shares_of_values, Mapping) else _read_mix(name, os.fspath(shares_of_values)),
        )
    return Grouping(cluster or "", chosen, shares, tuple(map(read_columns, _tables(columns))))


def grouping_asked(options: GroupingOptions) -> Grouping:
    """The grouping that the options of a command ask for; raises as `grouping_of`."""
    mix = dict(map(_mix_argument, options.mix)) if isinstance(options, MixedGroupingOptions) else {}
    return grouping_of(options.columns, options.cluster, options.slices, mix)


def _tables(columns: Any) -> Sequence[GivenColumns]:
    """The tables that an argument names, one or several."""
    if columns is None:
        return ()
    is_one = isinstance(columns, str | os.PathLike | Mapping | Columns) or not isinstance(columns, list | tuple)
    return (columns,) if is_one else tuple(columns)


def _mix_argument(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not (equals and name and file):
        raise ArgumentError(f"mix must read COLUMN=FILE, as in site=shares.csv, was {text!r}")
    return name, file


def _read_mix(name: str, file: str) -> Mapping[str, Any]:
    """The shares in a csv of value and share, with or without a line of names above.

    Raises:
        ArgumentError: it cannot be read, or a line is none.
    """
    place = f"mix {name}={shown(file)}"
    try:
        with open_table(read_regular(file), place, head=("value", "share")) as table:
            blocks = [*table.blocks(["value", "share"])]
        lines = [[cell.strip() for cell in row.values()] for block in blocks for row in block.to_pylist()]
    except OSError as error:
        raise ArgumentError(
            f"{place}: must be a csv of values and shares, and cannot be read ({error.strerror})"
        ) from None
    shares: dict[str, str] = {}
    for number, cells in enumerate(lines, 1):
        if number == 1 and math.isnan(_number(cells[1])):
            continue
        if cells[0] in shares:
            raise ArgumentError(f"{place}: has {cells[0]!r} twice; leave one")
        shares[cells[0]] = cells[1]
    return shares


def _shares(name: str, shares: Mapping[Any, Any]) -> Mapping[str, float]:
    """The shares, of which the sum is 1: counts do as well.

    Raises:
        ArgumentError: one is no number from 0 on, or all are 0.
    """
    for value, share in shares.items():
        if not _number(share) >= 0:
            raise ArgumentError(f"mix {name}: the share of {value!r} must be a number from 0 on, was {share!r}")
    total = sum(map(_number, shares.values()))
    if not total > 0:
        raise ArgumentError(f"mix {name}: must have a share above 0, has none")
    return {str(value): _number(share) / total for value, share in shares.items()}


def _number(text: Any) -> float:
    """The number that a text or a number is, "40 %" too; NaN where it is none."""
    try:
        number = float(text.strip().removesuffix("%") if isinstance(text, str) else text)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) else math.nan
