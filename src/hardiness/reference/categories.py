"""Categories of ImageNet classes: the sixteen of cue conflict, LAION-C's, and those of a csv."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from hardiness.core.benchmark import File
from hardiness.core.errors import DataError
from hardiness.core.model import IMAGENET_CLASSES

COLUMNS = ("category", "class_index")

Categories = Mapping[str, tuple[int, ...]]
"""The class indices of each category, by name."""


@cache
def sixteen() -> Categories:
    """The 16 entry-level categories and their 207 ImageNet classes.

    Source: Geirhos et al. (2018), arXiv:1808.08750; Orhan (2019), arXiv:1907.07640 (see ``SOURCES.md``).
    """
    name = "cue_conflict_categories.csv"
    return parse(Path(__file__).parent.joinpath(name).read_text("utf-8").splitlines(), name, IMAGENET_CLASSES)


@cache
def laion_c() -> Categories:
    """LAION-C's 16 superclasses and their 285 ImageNet classes.

    Source: Li et al. (2025), arXiv:2506.16950 (see ``SOURCES.md``).
    """
    name = "laion_c_superclasses.csv"
    return parse(Path(__file__).parent.joinpath(name).read_text("utf-8").splitlines(), name, IMAGENET_CLASSES)


def read(file: File, classes: int) -> Categories:
    """The categories of a csv with the columns ``category`` and ``class_index``, a line for each class.

    Args:
        file: the csv.
        classes: how many classes there are to choose from.

    Raises:
        DataError: a line is wrong, or there are fewer than two categories; the message names the line.
    """
    try:
        text = file.read().decode("utf-8-sig")
        return parse(text.splitlines(), file.name, classes)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.name}: must be a csv in UTF-8, but is not ({error})") from None


def parse(lines: Iterable[str], name: str, classes: int) -> Categories:
    """The categories in the lines of a csv called ``name``; arguments and errors as of `read`."""
    owner: dict[int, str] = {}
    rows = csv.DictReader(lines, skipinitialspace=True)
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise DataError(f"{name}: must have the columns {','.join(COLUMNS)}, but has no {missing[0]}")
    for row in rows:
        where, category, text = f"{name}:{rows.line_num}", *((row[column] or "").strip() for column in COLUMNS)
        if not category:
            raise DataError(f"{where}: must name a category before its class index, but names none")
        if not text.isdecimal() or int(text) >= classes:
            raise DataError(f"{where}: the class of {category} must be an index from 0 to {classes - 1}, was {text!r}")
        if int(text) in owner:
            raise DataError(f"{where}: class {text} must belong to one category, but belongs to {owner[int(text)]} too")
        owner[int(text)] = category
    if len(set(owner.values())) < 2:
        raise DataError(f"{name}: must list the classes of two or more categories, had {len(set(owner.values()))}")
    return {
        category: tuple(sorted(index for index, own in owner.items() if own == category))
        for category in sorted(set(owner.values()))
    }
