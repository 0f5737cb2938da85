"""Sets of photographs that show none of ImageNet's classes: any tree of images, in folders or not."""

from __future__ import annotations

from functools import partial

from hardiness.core import DataError, DataSet
from hardiness.data.files import LabelledFile, Tree, fingerprint, items, passed_over
from hardiness.data.root import LAYOUTS, Layout, Place, open_place
from hardiness.reference import wnids

NAMES = ("ninco", "ssb-hard", "inaturalist", "textures", "openimage-o")


def read(name: str, place: Place) -> DataSet:
    """Every image below a folder or in a tar.

    None has a class of ImageNet's. Their labels count round the 1,000 classes, so that ``--limit``, which takes every
    class in turn, takes as large a share of them as of labelled photographs; no score reads them.

    Raises:
        DataError: there is none.
    """
    opened = open_place(place)
    if not isinstance(opened, Tree):
        raise DataError(f"--data {place.argument}: must be a folder or a tar of images, but holds shards or tables")
    found = opened.images()
    if not found:
        raise DataError(f"--data {place.argument}: {opened.location} must hold images, but holds none")
    classes = len(wnids())
    samples = (LabelledFile(name, entry.path, index % classes, entry.file) for index, entry in enumerate(found))
    remarks = passed_over(name, place.path, opened.unused(found))
    return DataSet(name, items(samples), classes, fingerprint(found, opened.stamp), place.location, remarks=remarks)


for _name in NAMES:
    LAYOUTS.register(_name, Layout(f"{_name}/**/*", partial(read, _name)), __name__)
