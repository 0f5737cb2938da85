"""Sets of corruptions and ImageNet-P as trees of files: the pictures that their benchmarks generate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness import data as datasets
from hardiness.benchmarks.corruption_set import CorruptionSet
from hardiness.benchmarks.imagenet_p import ImagenetP, folder_of
from hardiness.core import CANVAS_224, Condition, DataSet, Item, Listener, Request, SampleError
from hardiness.data import limited
from hardiness.distortions import corrupt, perturb, perturbations
from hardiness.imaging import decode, on_canvas, png
from hardiness.imaging.decode import encode_video, is_whole_video
from hardiness.imaging.resize import before_crop
from hardiness.imaging.text import sheet
from hardiness.store import WAIT_S
from hardiness.store.files import write
from hardiness.trees.tree import TreeOutcome, write_tree

JPEG_END = b"\xff\xd9"
PNG_END = b"IEND\xaeB`\x82"
CONTACT_SHEET = "contact-sheet.png"
"""Beside the folders of a tree."""

ENCODERS = {True: {"preset": "veryslow", "tune": "grain"}, False: {"preset": "veryslow", "crf": "20"}}
"""Settings of the released videos, of noises and of the others."""


@dataclass(frozen=True)
class Corrupted:
    """Makes the files of a corruption set as released ones are held: JPEGs, or PNGs where the set has no JPEG."""

    cells: Sequence[Condition]
    seed: int
    benchmark: CorruptionSet
    command: str = "corrupt"

    @property
    def suffix(self) -> str:
        """Of the files, with the dot."""
        return ".JPEG" if self.benchmark.jpeg else ".png"

    @property
    def origin(self) -> Mapping[str, Any]:
        """The versions of the corruptions, and their set."""
        return {"kernel_version": self.benchmark.identity()["kernels"], "set": self.benchmark.name}

    def place(self, cell: Condition) -> str:
        """``<corruption>/<severity>``."""
        return f"{cell['corruption']}/{cell['severity']}"

    def is_whole(self, content: bytes) -> bool:
        """Whether a JPEG or PNG ends as one."""
        return content.endswith(JPEG_END if self.benchmark.jpeg else PNG_END)

    def opened(self, item: Item) -> Callable[[Condition], bytes]:
        """One decode and crop, then a corruption and a file for each cell."""
        clean = on_canvas(decode(item.file.read(), item.file.name), CANVAS_224)

        def make(cell: Condition) -> bytes:
            corrupted = corrupt(clean, cell["corruption"], cell["severity"], seed=self.seed, id=item.id)
            return self.benchmark.encoded(corrupted, optimise=True) if self.benchmark.jpeg else png(corrupted)

        return make


@dataclass(frozen=True)
class Perturbed:
    """Makes videos as the released ImageNet-P holds them."""

    cells: Sequence[Condition]
    seed: int
    benchmark: ImagenetP
    command: str = "perturb"
    suffix: str = ".mp4"

    @property
    def origin(self) -> Mapping[str, Any]:
        """The versions of the perturbations."""
        return {"kernel_version": self.benchmark.identity()["kernels"]}

    def place(self, cell: Condition) -> str:
        """``<perturbation>``, with ``_2`` or ``_3`` where it is harder."""
        return folder_of(cell)

    def is_whole(self, content: bytes) -> bool:
        """Whether an MP4 file ends where its boxes say."""
        return is_whole_video(content)

    def opened(self, item: Item) -> Callable[[Condition], bytes]:
        """One decode and resize, then a sequence and its video for each cell."""
        photograph = before_crop(decode(item.file.read(), item.file.name), CANVAS_224)

        def make(cell: Condition) -> bytes:
            name, difficulty = cell["perturbation"], cell.get("severity", 1)
            frames = perturb(photograph, name, difficulty=difficulty, seed=self.seed, id=item.id)
            return encode_video(frames, ENCODERS[perturbations.get(name).group == "noise"])

        return make


def write_corrupted(
    source: str,
    folder: Path,
    benchmark: CorruptionSet,
    request: Request,
    listener: Listener | None = None,
    wait_s: float = WAIT_S,
) -> TreeOutcome:
    """Write ``folder/<corruption>/<severity>/<id>.JPEG`` for every photograph and cell; finished files are kept.

    Each photograph is decoded and cropped once. The pixels are those that the benchmark generates with the same seed,
    so the tree gives the same predictions.

    Args:
        source: photographs, as ``--data`` takes them for ``imagenet``.
        folder: where the tree is, or goes.
        benchmark: its options pick corruptions and severities.
        request: limit, seed and workers.
        listener: hears of progress, in files.
        wait_s: how long to wait for a process that is writing there.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        DataError: the photographs are not there.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    photographs = replace(benchmark, source="generated").dataset(datasets.locate([source]))
    cells = [cell for cell in benchmark.requested() if cell and _allowed(cell, photographs)]
    return write_tree(Corrupted(cells, request.seed, benchmark), photographs, folder, request, listener, wait_s)


def write_perturbed(
    source: str,
    folder: Path,
    benchmark: ImagenetP,
    request: Request,
    listener: Listener | None = None,
    wait_s: float = WAIT_S,
) -> TreeOutcome:
    """Write ``folder/<perturbation>/<id>.mp4`` for every photograph and sequence; finished files are kept.

    Args:
        source: photographs, as ``--data`` takes them for ``imagenet``.
        folder: where the tree is, or goes.
        benchmark: its options pick the sequences.
        request: limit, seed and workers.
        listener: hears of progress, in files.
        wait_s: how long to wait for a process that is writing there.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        DataError: the photographs are not there.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    photographs = replace(benchmark, source="generated").dataset(datasets.locate([source]))
    return write_tree(
        Perturbed(benchmark.requested(), request.seed, benchmark), photographs, folder, request, listener, wait_s
    )


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
    photographs = generated.dataset(datasets.locate([source]))
    path = folder / CONTACT_SHEET
    unread: SampleError | None = None
    for item in limited(photographs.items, request.limit, request.seed):
        try:
            picture = sheet(generated.exhibits(item, request.seed))
        except SampleError as error:
            unread = unread or error
            continue
        write(path, png(picture), folder)
        return path
    raise unread or SampleError(f"{source}: must hold a photograph to show, but holds none")


def _allowed(cell: Condition, photographs: DataSet) -> bool:
    return photographs.conditions is None or cell in photographs.conditions
