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
    """Every picture in a folder as it lies, or the one that is a file.

    A picture's label is the place of the folder that it lies in among the folders of the place, so that a limit takes
    these in turn, and, where they are a person's own classes, takes the pictures that a run takes.

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
    folders = sorted({entry.path.partition("/")[0] for entry in pictures if "/" in entry.path})
    labels = {folder: label for label, folder in enumerate(folders)}
    samples = [
        LabelledFile(PICTURES, entry.path, labels.get(entry.path.partition("/")[0], len(folders)), entry.file)
        for entry in pictures
    ]
    named = [replace(item, id=item.id.removeprefix(f"{PICTURES}/")) for item in items(samples)]
    remarks = passed_over(place.name, path, unused)
    classes = len(folders) + 1
    return DataSet(place.resolve().name, named, classes, fingerprint(pictures), str(place.resolve()), remarks=remarks)
