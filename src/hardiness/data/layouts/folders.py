"""Sets of plain folders, a line each: its name, its place and its reader."""

from __future__ import annotations

import re
from functools import partial

from hardiness.core.benchmark import DataSet
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError
from hardiness.data.conditions import ConditionTrees, PerturbedCopies, corruption_tree
from hardiness.data.files import Tree, fingerprint, passed_over
from hardiness.data.items import LabelledFile, items
from hardiness.data.photographs import PhotographSet
from hardiness.data.root import LAYOUTS, OUTSIDE, OWN, Layout, Place, outside_name
from hardiness.data.saved_pictures import read
from hardiness.data.sizes import at_own_size
from hardiness.reference.classes import subset_wnids, wnid_indices, wnids
from hardiness.reference.sets import distortion_set, set_names

OUTSIDE_SETS = ("ninco", "ssb-hard", "inaturalist", "textures", "openimage-o")
"""Sets of photographs that show none of ImageNet's classes: any tree of images, in folders or not."""


def _read_outside(name: str, place: Place) -> DataSet:
    """Every image below a folder or in a tar.

    None has a class of ImageNet's. Their labels count round the 1,000 classes, so that ``--limit``, which takes every
    class in turn, takes as large a share of them as of labelled photographs; no score reads them.

    Raises:
        DataError: there is none.
    """
    opened = place.contents()
    if not isinstance(opened, Tree):
        raise DataError(f"--data {place.argument}: must be a folder or a tar of images, but holds shards or tables")
    images = opened.images()
    if not images:
        raise DataError(f"--data {place.argument}: {opened.location} must hold images, but holds none")
    classes = len(wnids())
    samples = (LabelledFile(name, entry.path, index % classes, entry.file) for index, entry in enumerate(images))
    remarks = passed_over(name, place.path, opened.unused(images))
    return DataSet(name, items(samples), classes, fingerprint(images, opened.stamp), place.location, remarks=remarks)


def _read_own_outside(place: Place) -> DataSet:
    """Every image below a folder that a person named for pictures which show none of the classes."""
    return _read_outside(outside_name(place), place)


def _read_own(place: Place) -> DataSet:
    """A person's own pictures, which have a size of their own where all are small."""
    return at_own_size(PhotographSet(OWN, dict, "", own_classes=True).read(place))


def _layout_of_200(name: str) -> Layout:
    """A folder for each of the 200 classes of a set that names them itself, as ``imagenet-a`` does."""
    classes, folder_kind = partial(subset_wnids, name), f"the 200 wnids of ImageNet-{name[-1].upper()}"
    return Layout(f"{name}/<wnid>/*", PhotographSet(name, classes, folder_kind).read)


def _class_indices() -> dict[str, int]:
    return {str(index): index for index in range(len(wnids()))}


def _perturbation(folder: str) -> Condition:
    """Folders are named after the perturbation, those of difficulty 2 and 3 with ``_2`` and ``_3`` behind it."""
    harder = re.fullmatch(r"(\w+)_([23])", folder)
    return Condition(perturbation=harder[1], severity=int(harder[2])) if harder else Condition(perturbation=folder)


ALL, ALL_INDICES = "the 1,000 ImageNet wnids", "the class indices 0 … 999"
VALIDATION = PhotographSet("imagenet", wnid_indices, ALL, subfolder="val", own_classes=True)
VIDEOS = "<perturbation>/<wnid>/*.mp4"
PERTURBED = ConditionTrees("imagenet-p", VIDEOS, 1, _perturbation, frozenset((".mp4",)), PerturbedCopies)

TABLE = {
    "imagenet": Layout("imagenet/val/<wnid>/*.JPEG", VALIDATION.read),
    "imagenet-sketch": Layout("imagenet-sketch/<wnid>/*", PhotographSet("imagenet-sketch", wnid_indices, ALL).read),
    "imagenet-v2": Layout("imagenet-v2/<0 … 999>/*", PhotographSet("imagenet-v2", _class_indices, ALL_INDICES).read),
    "imagenet-p": Layout(f"imagenet-p/{VIDEOS}", PERTURBED.read),
    OWN: Layout("FOLDER/<class>/*", _read_own),
    # Their folders are named: a root that happens to hold one of that name is not meant.
    OUTSIDE: Layout("FOLDER/**/*", _read_own_outside),
    "adversarial": Layout("OUT/images/<benchmark>/<model>/<condition>/<class>/*.png", read),
    **{name: corruption_tree(name) for name in set_names("still") if distortion_set(name).pictures == VALIDATION.name},
    **{name: Layout(f"{name}/**/*", partial(_read_outside, name)) for name in OUTSIDE_SETS},
    **{name: _layout_of_200(name) for name in ("imagenet-a", "imagenet-o", "imagenet-r")},
}
"""The layouts by the name of the data set; another package adds its own under ``hardiness.datasets``."""

for _name, _layout in TABLE.items():
    LAYOUTS.register(_name, _layout, __name__)
