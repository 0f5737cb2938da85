"""Options of every command that reads scores: columns of pictures, clusters and slices."""

from __future__ import annotations

from dataclasses import dataclass

from hardiness.core.options import option


@dataclass(frozen=True, kw_only=True)
class GroupingOptions:
    """The columns of pictures, and what results are grouped by."""

    columns: tuple[str, ...] = option(
        "What is known of pictures beyond labels, in csv or Parquet; FILE:path=COLUMN,where=COLUMN:VALUE,NAME=COLUMN "
        "maps other names.",
        (),
        metavar="FILE",
    )
    cluster: str | None = option(
        "Pictures with one value of this column belong together (patient, scene): intervals count such clusters.",
        None,
        metavar="COLUMN",
    )
    slices: tuple[str, ...] = option(
        "Scores for each value of a column; ranges as age:0-30,30-60,60-, two columns as site+age:0-30,30-.",
        (),
        name="--slice",
        metavar="COLUMN",
    )


@dataclass(frozen=True, kw_only=True)
class MixedGroupingOptions(GroupingOptions):
    """The columns of pictures, what results are grouped by, and the shares that values have elsewhere."""

    mix: tuple[str, ...] = option(
        "The share of each value of a slice where the model will work, as csv (value,share): the average for it.",
        (),
        metavar="COLUMN=FILE",
    )
