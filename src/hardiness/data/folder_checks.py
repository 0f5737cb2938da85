"""Faults of class folders that names alone show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hardiness.data.faults import Fault, Move
from hardiness.data.root import OWN
from hardiness.reference.classes import subset_wnids, wnid_indices, wnids
from hardiness.reference.published_data import PublishedSet
from hardiness.reference.validation_images import validation_labels, validation_name
from hardiness.sources.files import shown

_VALIDATION = re.compile(r"(ILSVRC2012_val_)([0-9]{8})\.", re.IGNORECASE)

_OWN_WNID = re.compile(r"(n[0-9]{8})_", re.IGNORECASE)


def expected(published: PublishedSet) -> Mapping[str, int] | None:
    """Class index by folder name; ``None`` where the folders are no ImageNet classes."""
    if published.layout in ("cue-conflict", "folders", "class-set", OWN):
        return None
    if published.layout == "index":
        return {str(index): index for index in range(len(wnids()))}
    return subset_wnids(published.subset) if published.subset else wnid_indices()


def folder_faults(
    published: PublishedSet, where: str, folders: Iterable[str], counts: Mapping[str, int], top: Path | None
) -> Iterator[Fault]:
    """The faults of the class folders of one tree.

    Args:
        published: the data set.
        where: text before each path in messages; empty or ending with ``/``.
        folders: the top folders.
        counts: images in each.
        top: the folder on disk; ``None`` in a tar, where nothing can be moved.
    """
    classes = expected(published)
    if classes is None:
        return
    present, lower = set(folders), {name.lower(): name for name in classes}
    for name in sorted(present - set(classes)):
        right = lower.get(name.lower())
        if right is None:
            yield Fault("unknown-class", shown(where + name), f"is none of the {len(classes):,} classes; move it away")
        else:
            move = Move(top / name, top / right) if top else None
            yield Fault("case", shown(where + name), f"must be {right}", move)
    right_or_nearly = Counter({lower.get(name.lower(), name): count for name, count in counts.items()})
    missing = [name for name in classes if not right_or_nearly[name]]
    for name in missing:
        yield Fault("missing-class", where + name, "has no image")
    if published.per_class:
        for name in classes:
            count = right_or_nearly[name]
            if count and count != published.per_class:
                yield Fault(
                    "count",
                    where + name,
                    f"has {count} of {published.per_class} images"
                    if count < published.per_class
                    else f"has {count} images, must have {published.per_class}",
                )


def name_fault(published: PublishedSet, where: str, path: str, top: Path | None) -> Fault | None:
    """The fault of the name of an image in a class folder; ``None`` where it is right.

    Args:
        published: the data set.
        where: text before the path in messages.
        path: ``<folder>/<file>``.
        top: the folder on disk; ``None`` in a tar.
    """
    folder, _, file = path.rpartition("/")
    if published.layout == "index" or "/" in folder:
        return None
    wnid = _wnid_in(file)
    if wnid is not None and wnid != folder.lower():
        move = Move(top / path, top / wnid / file) if top and (top / wnid).is_dir() else None
        return Fault("mislabelled", shown(where + path), f"its name says {wnid}", move)
    if validation := _VALIDATION.match(file):
        right = validation_name(int(validation[2]))
        if file != right and file.casefold() == right.casefold():
            move = Move(top / path, top / folder / right) if top else None
            return Fault("case", shown(where + path), f"must be {right}", move)
    return None


def _wnid_in(file: str) -> str | None:
    """The class that a file's name states: by the number of a validation image, or by the wnid it begins with."""
    if validation := _VALIDATION.match(file):
        number = int(validation[2])
        return wnids()[validation_labels()[number - 1]] if 1 <= number <= len(validation_labels()) else None
    own = _OWN_WNID.match(file)
    return own[1].lower() if own and own[1].lower() in wnid_indices() else None


def case_faults(where: str, paths: Iterable[str]) -> Iterator[Fault]:
    """Files of one folder that differ in case alone: on some systems one of them hides the other."""
    by_folded: dict[str, str] = {}
    for path in paths:
        other = by_folded.setdefault(path.casefold(), path)
        if other != path:
            yield Fault("case", shown(where + path), f"differs from {shown(other.rpartition('/')[2])} in case alone")
