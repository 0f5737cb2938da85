"""Cue-conflict stimuli: shape of one category, texture of another; the file's name says which."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from hardiness.core.benchmark import DataSet, Item, Stimulus
from hardiness.core.errors import DataError, suggestion
from hardiness.core.run import DataIdentity
from hardiness.data.files import FileEntry, Tree, fingerprint, passed_over
from hardiness.data.root import LAYOUTS, Layout, Place, Shards, Tables
from hardiness.reference.categories import COLUMNS, Categories, sixteen
from hardiness.reference.categories import read as read_categories
from hardiness.reference.classes import wnids

NAME = "cue-conflict"
OWN_CATEGORIES, CONTACT_SHEET = "categories.csv", "contact-sheet.png"
WITHOUT_CONFLICT = "bicycle6-bicycle3"
"""The one stimulus without a conflict that the set of Orhan (2019) still held."""

IN_CONFLICT = 1200
"""Published stimuli whose shape and texture are of two categories."""

RULE = "<shape><number>-<texture><number>, as in cat7-elephant1.png"


def read(place: Place) -> DataSet:
    """The stimuli of a folder or tar, flat or in a folder for each shape; those without a conflict are left out.

    Labels are the first class of the shape's category: they give the order of ``--limit``, and answers are judged by
    `DataSet.categories`. A ``classes.csv`` beside the stimuli replaces the 16 published categories; a
    ``contact-sheet.png`` is no stimulus.

    Raises:
        DataError: there is none, a name breaks the rule or names no category; the message names the file.
    """
    if place.labels is not None or (place.classes is not None and place.class_count is None):
        wrong = "labels=" if place.labels is not None else f"classes={place.classes}"
        raise DataError(f"--data {place.argument}: the names of the stimuli say what they show; leave {wrong} out")
    tree = place.contents()
    if isinstance(tree, Shards | Tables):
        what = "Parquet" if isinstance(tree, Tables) else "shards"
        raise DataError(f"--data {place.argument}: must be a folder or a tar of stimuli, but holds {what}")
    own_table = next((entry for entry in tree.entries if PurePosixPath(entry.path).name == OWN_CATEGORIES), None)
    if place.class_count is not None and own_table is None:
        raise DataError(
            f"--data {place.argument}: classes= needs a {OWN_CATEGORIES} (category,class_index) beside them"
        )
    num_classes = place.class_count or len(wnids())
    categories = read_categories(own_table.file, num_classes) if own_table else sixteen()
    images = [image for image in tree.images() if PurePosixPath(image.path).name != CONTACT_SHEET]
    items = _items(place, tree, images, categories)
    is_made = own_table is not None or len(images) < len(tree.images())  # beside a contact sheet
    return DataSet(
        name=f"{DataIdentity.OWN}{Path(place.path).stem}" if own_table else NAME,
        items=items,
        num_classes=num_classes,
        fingerprint=fingerprint([*images, *([own_table] if own_table else [])], tree.stamp),
        location=place.location,
        remarks=passed_over(NAME, place.path, tree.unused(images)),
        class_names=tuple(map(str, range(num_classes))) if place.class_count else None,
        categories=categories,
        released=None if is_made else IN_CONFLICT,
    )


def _items(place: Place, tree: Tree, images: list[FileEntry], categories: Categories) -> tuple[Item, ...]:
    by_stem: dict[str, FileEntry] = {}
    items = []
    for entry in images:
        stimulus, stem = _stimulus(entry, categories), PurePosixPath(entry.path).stem
        if stem in by_stem:
            raise DataError(f"{entry.file.name}: must come once, but is also at {by_stem[stem].file.name}; remove one")
        by_stem[stem] = entry
        if stimulus.in_conflict or stem == WITHOUT_CONFLICT:
            items.append(Item(stem, categories[stimulus.shape][0], entry.file))
    if not items:
        lacking = (
            f"shape and texture are the same in each of its images ({len(images)})" if images else "holds no image"
        )
        raise DataError(f"--data {place.argument}: {tree.location} must hold stimuli named {RULE}, but {lacking}")
    return tuple(sorted(items, key=lambda item: item.id))


def _stimulus(entry: FileEntry, categories: Categories) -> Stimulus:
    path = PurePosixPath(entry.path)
    stimulus = Stimulus.parse(path.stem)
    if stimulus is None:
        raise DataError(f"{entry.file.name}: must be named {RULE}; rename it or move it away")
    for category in (stimulus.shape, stimulus.texture):
        if category not in categories:
            raise DataError(f"{entry.file.name}: {category!r} is no category{_advice(category, categories)}")
    folder = path.parent.name
    if folder in categories and folder != stimulus.shape:
        raise DataError(f"{entry.file.name}: lies in the folder {folder}, but its shape is {stimulus.shape}; move it")
    return stimulus


def _advice(category: str, categories: Categories) -> str:
    advice = suggestion(category, list(categories))
    own = f"; for others, put a {OWN_CATEGORIES} ({','.join(COLUMNS)}) beside the stimuli"
    return advice + (own if categories is sixteen() else f" (from {OWN_CATEGORIES})")


LAYOUTS.register(NAME, Layout("cue-conflict/*.png", read), __name__)
