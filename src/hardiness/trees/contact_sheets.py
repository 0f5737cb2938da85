"""Contact sheets: one picture that shows what a tree holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.imagenet_p import ImagenetP, strips
from hardiness.core.benchmark import Image
from hardiness.core.errors import SampleError
from hardiness.core.request import Request
from hardiness.data.items import limited
from hardiness.data.root import locate
from hardiness.imaging.codecs import png
from hardiness.imaging.sheets import sheet
from hardiness.store.writing import write
from hardiness.trees.corruptions import PictureForm, corruption_tree

THUMBNAIL_PX = 160
"""Longer side of a picture on a contact sheet."""

SHOWN_SEVERITIES = 5
"""Pictures beside each other on a contact sheet."""

CONTACT_SHEET = "contact-sheet.png"
"""Name of the contact sheet, beside the folders of a tree."""


def write_corruption_sheet(
    source: str, folder: Path, benchmark: CorruptionSet, request: Request, form: PictureForm | None = None
) -> Path:
    """Write the first photograph that can be read under every corruption, a row each, and say where.

    Args:
        source, folder, benchmark, request, form: as in `write_corrupted`.

    Raises:
        DataError: the photographs are not there.
        SampleError: none of them can be read.
        StoreError: the folder cannot be written to.
    """
    maker, photographs = corruption_tree(source, benchmark, request, form)
    unread: SampleError | None = None
    for item in limited(photographs.items, request.limit, request.seed):
        try:
            clean = maker.clean(item)
        except SampleError as error:
            unread = unread or error
            continue
        rows: dict[str, list[Image]] = {}
        for cell in filter(None, maker.cells):
            corrupted = benchmark.corrupted(clean, cell, item.id, request.seed)
            rows.setdefault(cell["corruption"].replace("_", " "), []).append(_small(corrupted))
        columns = min(max(map(len, rows.values())), SHOWN_SEVERITIES)
        blank = np.full_like(_small(clean), 255)
        strips = {"clean": [_small(clean)], **{name: images[:SHOWN_SEVERITIES] for name, images in rows.items()}}
        picture = sheet(
            {name: np.hstack([*images, *[blank] * (columns - len(images))]) for name, images in strips.items()}
        )
        path = folder / CONTACT_SHEET
        write(path, png(picture), folder)
        return path
    raise unread or SampleError(f"{source}: must hold a photograph to show, but holds none")


def _small(image: Image) -> Image:
    """The image with its longer side at `THUMBNAIL_PX` at most."""
    picture = PIL.Image.fromarray(image)
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return np.asarray(picture)


def write_contact_sheet(source: str, folder: Path, benchmark: ImagenetP, request: Request) -> Path:
    """Write a strip of frames of each sequence of the first photograph that can be read, and say where.

    Args:
        source, folder, benchmark, request: as in `write_perturbed`.

    Raises:
        DataError: the photographs are not there.
        SampleError: none of them can be read.
        StoreError: the folder cannot be written to.
    """
    generated = replace(benchmark, source="generated")
    photographs = generated.dataset(locate([source]))
    path = folder / CONTACT_SHEET
    unread: SampleError | None = None
    for item in limited(photographs.items, request.limit, request.seed):
        try:
            picture = sheet(strips(generated, item, request.seed))
        except SampleError as error:
            unread = unread or error
            continue
        write(path, png(picture), folder)
        return path
    raise unread or SampleError(f"{source}: must hold a photograph to show, but holds none")
