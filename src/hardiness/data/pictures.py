"""Pictures as they lie in a folder, without labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import DataError
from hardiness.data.files import IMAGE_SUFFIXES, FileEntry, fingerprint, of_folder, passed_over
from hardiness.data.items import LabelledFile, items
from hardiness.data.photographs import contents_text
from hardiness.sources.files import DiskFile, Stamp

PICTURES = "pictures"
"""The folder before the path of each picture while ids are made, so that they differ."""


def pictures_at(path: str) -> DataSet:
    """Every picture in a folder as it lies, or the one that is a file; their labels say nothing.

    Raises:
        DataError: there is none.
    """
    place = Path(path)
    if place.is_file():
        status = place.stat()
        one = FileEntry(place.name, status.st_size, status.st_mtime_ns, DiskFile(str(place), Stamp.from_status(status)))
        pictures, unused = [one] if one.suffix in IMAGE_SUFFIXES else [], []
        form, inside = "be a picture", "it is none"
    else:
        tree = of_folder(place, path)
        pictures, form, inside = tree.images(), "hold a picture", contents_text(tree)
        unused = tree.unused(pictures)
    if not pictures:
        raise DataError(f"{path}: must {form}, as .jpg or .png are; {inside}")
    samples = [LabelledFile(PICTURES, entry.path, 0, entry.file) for entry in pictures]
    named = [replace(item, id=item.id.removeprefix(f"{PICTURES}/")) for item in items(samples)]
    remarks = passed_over(place.name, path, unused)
    return DataSet(place.resolve().name, named, 1, fingerprint(pictures), str(place.resolve()), remarks=remarks)
