"""The 1,000 ImageNet classes, their names in sentences, and groups of them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hardiness.core.benchmark import File
from hardiness.core.errors import DataError, UnknownNameError
from hardiness.core.model import IMAGENET_CLASSES


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


@dataclass(frozen=True)
class Wording:
    """The words that a zero-shot model is asked by.

    Attributes:
        names: of the classes, in the order of the wnids.
        templates: sentences with ``{}`` where the name goes; a class is the mean of its sentences.
    """

    names: tuple[str, ...]
    templates: tuple[str, ...]

    @property
    def names_sha256(self) -> str:
        """Hexadecimal sha256 over the names, joined by newlines."""
        return _sha256(self.names)

    @property
    def templates_sha256(self) -> str:
        """Hexadecimal sha256 over the templates, joined by newlines."""
        return _sha256(self.templates)


def wordings() -> tuple[str, ...]:
    """Names of the published wordings."""
    return tuple(sorted(_stored()["templates"]))


@cache
def wording(protocol: str) -> Wording:
    """A published wording: ``"openai80"`` (80 templates) or ``"simple7"`` (7 of them), under OpenAI's class names.

    Raises:
        UnknownNameError: for any other name.

    Source: Radford et al. 2021, arXiv:2103.00020; the lists as open_clip carries them (see ``SOURCES.md``).
    """
    if protocol not in wordings():
        raise UnknownNameError("zero-shot protocol", protocol, wordings())
    return Wording(tuple(_stored()["names"]), tuple(_stored()["templates"][protocol]))


def _sha256(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


@cache
def _stored() -> dict[str, dict[str, list[str]]]:
    words: dict[str, dict[str, list[str]]] = json.loads(
        Path(__file__).with_name("zero_shot_imagenet.json").read_text("utf-8")
    )
    return words
