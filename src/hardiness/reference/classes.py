"""The 1,000 ImageNet classes, their names in sentences, and groups of them."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from hardiness.core.errors import UnknownNameError


@cache
def wnids() -> tuple[str, ...]:
    """The 1,000 WordNet ids, sorted; a class's index is its position here.

    Source: timm's package data (see ``SOURCES.md``); the order of torchvision's ``ImageFolder`` on the full set.
    """
    return tuple(row["wnid"] for row in _classes())


def class_name(index: int) -> str:
    """The name of a class, synonyms and all, e.g. ``"tench, Tinca tinca"`` for 0."""
    return _classes()[index]["name"]


def subset(name: str) -> tuple[int, ...]:
    """The 200 class indices, ascending, of ``"imagenet-a"``, ``"imagenet-o"`` or ``"imagenet-r"``.

    Raises:
        UnknownNameError: for any other name.

    Source: hendrycks/natural-adv-examples and hendrycks/imagenet-r (see ``SOURCES.md``).
    """
    subsets = _subsets()
    if name not in subsets:
        raise UnknownNameError("class subset", name, subsets)
    return subsets[name]


@cache
def wnid_indices() -> dict[str, int]:
    """Class index by wnid."""
    return {wnid: index for index, wnid in enumerate(wnids())}


def subset_wnids(name: str) -> dict[str, int]:
    """Class index by wnid, for the 200 classes of a `subset`."""
    return {wnids()[index]: index for index in subset(name)}


@cache
def _classes() -> tuple[dict[str, str], ...]:
    return tuple(_rows("imagenet_classes.csv"))


@cache
def _subsets() -> dict[str, tuple[int, ...]]:
    subsets: dict[str, tuple[int, ...]] = {}
    for row in _rows("imagenet_subsets.csv"):
        subsets[row["subset"]] = (*subsets.get(row["subset"], ()), int(row["index"]))
    return subsets


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(__file__).parent.joinpath(name).read_text("utf-8").splitlines()))
