"""Which ImageNet classes the categories of one's own photographs are, as the benchmark wants to know them."""

from __future__ import annotations

from pathlib import Path

from hardiness import reference
from hardiness.data.layouts.cue_conflict import OWN_CATEGORIES
from hardiness.reference.categories import COLUMNS, sixteen
from hardiness.store.files import PARTIAL, write
from hardiness.visualise.pairs import CategoryPhotographs, as_category, own_name


def classes_of(shapes: CategoryPhotographs, textures: CategoryPhotographs) -> dict[str, tuple[int, ...]] | None:
    """The ImageNet classes of every category; ``None`` where a category's are not known.

    They are known of wnid folders, of the 16 published categories, and of folders named like one ImageNet class.
    """
    found: dict[str, tuple[int, ...]] = {}
    by_name = _classes_by_name()
    for side in (shapes, textures):
        for label, name in side.names.items():
            if side.data.class_names is None:
                classes: tuple[int, ...] = (label,)
            else:
                classes = sixteen().get(name) or by_name.get(name, ())
            if not classes:
                return None
            found[name] = classes
    every = [index for classes in found.values() for index in classes]
    return dict(sorted(found.items())) if len(every) == len(set(every)) else None


def write_categories(folder: Path, sides: tuple[CategoryPhotographs, CategoryPhotographs]) -> tuple[str, ...]:
    """Write ``categories.csv`` beside the stimuli if their classes are known; else return a line that asks for it.

    Raises:
        StoreError: it cannot be written.
    """
    names = {name for side in sides for name in side.names.values()}
    known = classes_of(*sides)
    path = folder / OWN_CATEGORIES
    if known is None:
        unknown = ", ".join(sorted(names - set(sixteen()))[:3] or sorted(names)[:3])
        return (f"the classes of {unknown} are not known: for the benchmark, write {path} ({','.join(COLUMNS)})",)
    if not names <= set(sixteen()):
        rows = [f"{name},{index}" for name, classes in known.items() for index in classes]
        content = "\n".join([",".join(COLUMNS), *rows, ""]).encode()
        write(path, content, folder.parent / PARTIAL)
    return ()


def _classes_by_name() -> dict[str, tuple[int, ...]]:
    """The index of every ImageNet class whose first name no other has, by that name as a category."""
    indices: dict[str, list[int]] = {}
    for index in range(len(reference.wnids())):
        indices.setdefault(as_category(own_name(index)), []).append(index)
    return {name: (found[0],) for name, found in indices.items() if len(found) == 1}
