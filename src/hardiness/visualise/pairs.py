"""Photographs by category, and pairs of them: the shape of one in the texture of another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hardiness.core.benchmark import DataSet, Item, Stimulus
from hardiness.core.errors import (
    ArgumentError,
    DataError,
)
from hardiness.core.random import rng
from hardiness.data.items import limited
from hardiness.data.layouts.cue_conflict import OWN_CATEGORIES
from hardiness.data.root import locate
from hardiness.reference.categories import COLUMNS, sixteen
from hardiness.reference.classes import class_name, wnids
from hardiness.store.writing import PARTIAL, write


class Pair(NamedTuple):
    """One stimulus to be made: its name, and the photographs of shape and texture."""

    stimulus: Stimulus
    shape: Item
    texture: Item

    def file_name(self) -> str:
        """Name of the stimulus's file, below its folder."""
        return f"{self.stimulus}.png"


@dataclass(frozen=True)
class CategoryPhotographs:
    """One side of the experiment: photographs by category.

    Attributes:
        data: the photographs.
        names: the category of each label.
        numbers: which photograph of its category each item is, from 1, by id.
    """

    data: DataSet
    names: Mapping[int, str]
    numbers: Mapping[str, int]

    def category(self, item: Item) -> str:
        """The category of a photograph."""
        return self.names[item.label]

    def class_folder(self, item: Item) -> str:
        """The wnid where classes are ImageNet's, else the folder that the photograph came from."""
        own = self.data.class_names
        return wnids()[item.label] if own is None else own[item.label]


def photographs(option: str, place: str) -> CategoryPhotographs:
    """The photographs that ``--shapes`` or ``--textures`` names.

    Args:
        option: the option, for messages.
        place: a folder with a folder for each category (any names, or wnids), or another form that ``--data`` takes
            for ``imagenet``: a tar, ``FOLDER:labels=FILE.csv``, ``embedded``.

    Raises:
        DataError: it is not there, empty or laid out differently; two folders give one category name.
    """
    argument = place if place == "embedded" else f"imagenet={place}"
    try:
        data = locate([argument]).dataset("imagenet")
    except DataError as error:
        raise DataError(str(error).replace(f"--data {argument}", f"{option} {place}")) from None
    labels = sorted({item.label for item in data.items})
    own_names = {label: data.class_names[label] if data.class_names else own_name(label) for label in labels}
    names = {label: as_category(name) for label, name in own_names.items()}
    twice = sorted(name for name in names.values() if list(names.values()).count(name) > 1)
    if twice and data.class_names is None:
        names = {label: f"{name}_{wnids()[label]}_" if name in twice else name for label, name in names.items()}
    elif twice:
        same = [own_names[label] for label in labels if names[label] == twice[0]]
        raise DataError(f"{option} {place}: folders {' and '.join(same)} would both be called {twice[0]}; rename one")
    counts: dict[int, int] = {}
    numbers: dict[str, int] = {}
    for item in data.items:
        counts[item.label] = numbers[item.id] = counts.get(item.label, 0) + 1
    return CategoryPhotographs(data, names, numbers)


def pairs(
    shapes: CategoryPhotographs, textures: CategoryPhotographs, each: int, limit: int | None, seed: int
) -> list[Pair]:
    """Every shape in the textures of ``each`` other categories, or the first ``limit`` of these in a seeded order.

    The order is class-stratified over the shapes, and a shape's next texture comes when all shapes have had theirs;
    so a limit is a prefix of any larger one.

    Raises:
        ArgumentError: ``each`` or ``limit`` is below 1.
        DataError: no shape has a texture of another category.
    """
    for name, value in (("--each", each), ("--limit", limit)):
        if value is not None and value < 1:
            raise ArgumentError(f"{name} must be at least 1, was {value}")
    by_category: dict[str, list[Item]] = {}
    for item in textures.data.items:
        by_category.setdefault(textures.category(item), []).append(item)
    ordered = limited(shapes.data.items, len(shapes.data), seed)
    conflicts = [
        _pair(shapes, textures, item, texture)
        for turn in range(min(each, len(by_category)))  # no shape has a texture of more categories
        for item in ordered
        for texture in _texture(by_category, shapes.category(item), item.id, turn, seed)
    ]
    if not conflicts:
        raise DataError(
            f"shapes and textures are of one category, {next(iter(by_category))}, and a conflict needs two; "
            "add photographs of another"
        )
    return conflicts[:limit]


def _texture(by_category: Mapping[str, Sequence[Item]], shape: str, key: str, turn: int, seed: int) -> list[Item]:
    """The texture for a shape in round ``turn``, of another category each round; ``None`` when no category is left."""
    others = [category for category in sorted(by_category) if category != shape]
    if turn >= len(others):
        return []
    draw = rng(seed, "texture", key)
    chosen = by_category[others[int(draw.permutation(len(others))[turn])]]
    return [chosen[int(rng(seed, "texture's photograph", key, turn).integers(len(chosen)))]]


def _pair(shapes: CategoryPhotographs, textures: CategoryPhotographs, shape: Item, texture: Item) -> Pair:
    stimulus = Stimulus(
        shapes.category(shape), shapes.numbers[shape.id], textures.category(texture), textures.numbers[texture.id]
    )
    assert Stimulus.parse(str(stimulus)) == stimulus, stimulus
    return Pair(stimulus, shape, texture)


def own_name(label: int) -> str:
    """The first of the names of an ImageNet class."""
    return class_name(label).split(", ")[0]


def as_category(name: str) -> str:
    """The name changed as file names of stimuli require: it begins with a letter and ends with a letter or ``_``."""
    plain = re.sub(r"\W+", "_", name)
    lettered = plain if re.match(r"[^\W\d_]", plain) else f"c{plain}"
    return f"{lettered}_" if lettered[-1].isdigit() else lettered


def classes_of(shapes: CategoryPhotographs, textures: CategoryPhotographs) -> dict[str, tuple[int, ...]] | None:
    """The ImageNet classes of every category; ``None`` where a category's are not known.

    They are known of wnid folders, of the 16 published categories, and of folders named like one ImageNet class.
    """
    by_category: dict[str, tuple[int, ...]] = {}
    by_name = _classes_by_name()
    for side in (shapes, textures):
        for label, name in side.names.items():
            if side.data.class_names is None:
                classes: tuple[int, ...] = (label,)
            else:
                classes = sixteen().get(name) or by_name.get(name, ())
            if not classes:
                return None
            by_category[name] = classes
    every = [index for classes in by_category.values() for index in classes]
    return dict(sorted(by_category.items())) if len(every) == len(set(every)) else None


def write_categories(folder: Path, sides: tuple[CategoryPhotographs, CategoryPhotographs]) -> tuple[str, ...]:
    """Write ``categories.csv`` beside the stimuli if their classes are known; else return a line that asks for it.

    Raises:
        StoreError: it cannot be written.
    """
    names = {name for side in sides for name in side.names.values()}
    by_category = classes_of(*sides)
    path = folder / OWN_CATEGORIES
    if by_category is None:
        unknown = ", ".join(sorted(names - set(sixteen()))[:3] or sorted(names)[:3])
        return (f"the classes of {unknown} are not known: for the benchmark, write {path} ({','.join(COLUMNS)})",)
    if not names <= set(sixteen()):
        rows = [f"{name},{index}" for name, classes in by_category.items() for index in classes]
        content = "\n".join([",".join(COLUMNS), *rows, ""]).encode()
        write(path, content, folder.parent / PARTIAL)
    return ()


def _classes_by_name() -> dict[str, tuple[int, ...]]:
    """The index of every ImageNet class whose first name no other has, by that name as a category."""
    indices: dict[str, list[int]] = {}
    for index in range(len(wnids())):
        indices.setdefault(as_category(own_name(index)), []).append(index)
    return {name: (classes[0],) for name, classes in indices.items() if len(classes) == 1}
