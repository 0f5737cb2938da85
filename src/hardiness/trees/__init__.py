"""Writers of corrupted and perturbed trees of files: the pictures that a benchmark would generate."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import PIL.Image

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.imagenet_p import ImagenetP, strips
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.benchmark import DataSet, Image, Item
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError, SampleError, StoreError, UnknownNameError, require_within
from hardiness.core.model import CANVAS_224, MAX_PX, Canvas
from hardiness.core.options import option
from hardiness.core.process import ordered
from hardiness.core.progress import Clock, Listener, Silence
from hardiness.core.request import Request
from hardiness.core.table import Failure
from hardiness.core.whole_files import whole_file
from hardiness.data.files import IMAGE_SUFFIXES, limited
from hardiness.data.photographs import pictures_at
from hardiness.data.root import locate
from hardiness.distortions.apply import SMALLEST_PX, corrupt, perturb, perturbations
from hardiness.imaging.codecs import decode, encode_video, is_whole_video, is_whole_webp, png, webp
from hardiness.imaging.resizing import before_crop, on_canvas
from hardiness.imaging.text import sheet
from hardiness.sources.files import read_regular, shown
from hardiness.store.files import PARTIAL, WAIT_S, file_errors, refuse_links, write
from hardiness.store.manifest import Manifest, alone, refuse_strangers

AHEAD = 2
"""Photographs in the making for each worker: all their files are on disk, so that only hashes wait."""


class Maker(Protocol):
    """What makes the files of a tree."""

    @property
    def command(self) -> str:
        """What it is called beside the progress bar."""
        ...

    @property
    def cells(self) -> Sequence[Condition]:
        """What each photograph is written for."""
        ...

    @property
    def suffix(self) -> str:
        """Of the files, with the dot."""
        ...

    @property
    def origin(self) -> Mapping[str, Any]:
        """Everything but the photographs and the seed that the bytes depend on."""
        ...

    def place(self, cell: Condition) -> str:
        """The folder of a cell below the tree, e.g. ``"fog/3"``."""
        ...

    def is_whole(self, content: bytes) -> bool:
        """Whether a file that an interrupted command left is finished."""
        ...

    def opened(self, item: Item) -> Callable[[Condition], bytes]:
        """What gives the file of each cell of one photograph, which is read now, and once.

        Raises:
            SampleError: it cannot be read.
        """
        ...


class WrittenFile(NamedTuple):
    """One file of the tree: its cell (``"fog/3"``), its path below it, its hash."""

    cell: str
    path: str
    sha256: str


@dataclass(frozen=True)
class TreeOutcome:
    """What became of a tree.

    Attributes:
        files: how many files the tree holds now.
        failures: photographs that could not be written, each with the reason.
        notes: parts that could not be written at all, one line each.
    """

    files: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0 where everything asked for is there, else 1."""
        return 1 if self.failures or self.notes else 0


def write_tree(
    maker: Maker,
    photographs: DataSet,
    folder: Path,
    request: Request,
    listener: Listener | None = None,
    wait_s: float = WAIT_S,
) -> TreeOutcome:
    """Write ``folder/<place of a cell>/<id><suffix>`` for every photograph and cell; finished files are kept.

    Args:
        maker: makes the files.
        photographs: of what.
        folder: where the tree is, or goes.
        request: limit, seed and workers.
        listener: listener of progress, in files.
        wait_s: how long to wait for a process that is writing there.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    origin = {
        "source": photographs.name,
        "source_fingerprint": photographs.fingerprint,
        "seed": request.seed,
        **maker.origin,
    }
    refuse_strangers(folder)
    listener = listener or Silence()
    for line in photographs.remarks:
        listener.note(line)
    with alone(folder, wait_s):
        tree = TreeWriter(Manifest.open(folder, origin), maker)
        chosen = limited(photographs.items, request.limit, request.seed)
        failures = tree.write_all(chosen, request.workers, listener)
    return TreeOutcome(len(tree.manifest), failures, photographs.notes)


@dataclass
class TreeWriter:
    """A tree while it is written.

    Attributes:
        manifest: what it holds; changed by the main thread alone.
        maker: makes the files.
    """

    manifest: Manifest
    maker: Maker
    partial: Path = field(init=False)

    def __post_init__(self) -> None:
        self.partial = self.manifest.folder / PARTIAL

    def listed(self, item: Item) -> int:
        """How many of one photograph's files the manifest lists."""
        name = f"{item.id}{self.maker.suffix}"
        return sum(self.manifest.holds(self.maker.place(cell), name) for cell in self.maker.cells)

    def write(self, item: Item) -> list[WrittenFile] | SampleError:
        """The files of one photograph that were made or found unlisted, or why there are none; on worker threads."""
        try:
            return list(self._files(item))
        except SampleError as error:
            return error

    def _files(self, item: Item) -> Iterator[WrittenFile]:
        name, make = f"{item.id}{self.maker.suffix}", None
        for cell in self.maker.cells:
            place = self.maker.place(cell)
            path = self.manifest.folder / place / name
            listed = self.manifest.sha256(place, name)
            content = self._finished(path)
            sha256 = hashlib.sha256(content).hexdigest() if content is not None else ""
            if listed and sha256 == listed:
                continue
            if content is None or listed:  # a listed file that is another one now was damaged: it is made again
                make = make or self.maker.opened(item)
                content = make(cell)
                self._put(path, content)
                sha256 = hashlib.sha256(content).hexdigest()
            yield WrittenFile(place, name, sha256)

    def _finished(self, path: Path) -> bytes | None:
        """The bytes of a whole file that an earlier command left; ``None`` where there is none."""
        try:
            content = read_regular(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{shown(str(path))} cannot be read ({error.strerror or error}); remove it") from None
        return content if self.maker.is_whole(content) else None

    def _put(self, path: Path, content: bytes) -> None:
        """As `atomic.write`, but without waiting for the disk: a file cut off by a power failure is made again."""
        temporary = self.partial / f"{os.getpid()}-{threading.get_ident()}"
        with file_errors(path, "write"):
            refuse_links(path.parent, self.manifest.folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path, temporary):
                temporary.write_bytes(content)

    def write_all(self, photographs: Sequence[Item], workers: int, listener: Listener) -> tuple[Failure, ...]:
        """Write what is missing and keep the manifest; the photographs that failed."""
        every = tuple(range(len(self.maker.cells)))
        failures = []
        stored = sum(map(self.listed, photographs))
        remaining = len(photographs) * len(every) - stored
        listener.begin(self.maker.command, remaining + stored, stored)
        clock = Clock(warmup=workers)
        outcomes = ordered(self.write, photographs, workers, AHEAD * workers)
        try:
            for item, outcome in outcomes:
                rows = len(every) - self.listed(item)
                if isinstance(outcome, SampleError):
                    failures.append(Failure(item.id, str(outcome), every))
                else:
                    for file in outcome:
                        self.manifest.add(*file)
                listener.advance(rows)
                remaining -= rows
                seconds = clock.estimate(rows, remaining) if rows else None
                if seconds is not None:
                    listener.estimate(seconds)
        finally:
            outcomes.close()
            listener.end()
            self.manifest.save()
        return tuple(failures)


THUMBNAIL_PX = 160
"""Longer side of a picture on a contact sheet."""

SHOWN_SEVERITIES = 5
"""Pictures beside each other on a contact sheet."""

JPEG_END = b"\xff\xd9"
PNG_END = b"IEND\xaeB`\x82"
CONTACT_SHEET = "contact-sheet.png"
"""Beside the folders of a tree."""

ENCODERS = {True: {"preset": "veryslow", "tune": "grain"}, False: {"preset": "veryslow", "crf": "20"}}
"""Settings of the released videos, of noises and of the others."""


FORMATS = ("png", "jpeg", "webp")
"""WebP without loss, so that its pictures are those of PNG."""

SUFFIXES = {"png": ".png", "jpeg": ".JPEG", "webp": ".webp"}


@dataclass(frozen=True, slots=True)
class PictureForm:
    """How pictures are written: their size, where it is not the set's, and their format.

    Attributes:
        keep_size: corrupt each photograph at its own size, without a crop.
        size_px: side of the square that is corrupted: the centre of the photograph, whose shorter side is 8/7 of it.
        format: of `FORMATS`.
    """

    keep_size: bool = option("Each picture at its own size, without a crop.", False)
    size_px: int | None = option("Side of the centre crop; 224 if not given.", None, name="--size", metavar="PX")
    format: str = option(
        "Of the files. PNG and WebP lose nothing; JPEG is as released ones, without clean ones.",
        FORMATS[0],
        metavar="|".join(FORMATS),
    )

    def __post_init__(self) -> None:
        if self.keep_size and self.size_px is not None:
            raise ArgumentError("--keep-size and --size contradict each other; leave one out")
        if self.size_px is not None:
            require_within("--size", self.size_px, SMALLEST_PX, MAX_PX)

    @property
    def canvas(self) -> Canvas | None:
        """The part of a photograph that is corrupted; ``None`` for all of it."""
        if self.keep_size:
            return None
        return Canvas(round(self.size_px * 8 / 7), self.size_px) if self.size_px else CANVAS_224


@dataclass(frozen=True)
class CorruptionTree:
    """Makes the files of a corruption set: PNGs or WebPs of what a model is shown in memory, or JPEGs as released ones.

    A JPEG is decoded otherwise by each library, so that answers for it are not answers for what is in memory.
    """

    cells: Sequence[Condition]
    seed: int
    benchmark: CorruptionSet
    form: PictureForm = field(default_factory=PictureForm)
    command: str = "corrupt"

    def __post_init__(self) -> None:
        if self.form.format not in FORMATS:
            raise UnknownNameError("format of corrupted pictures", self.form.format, FORMATS)
        if self.form.format == "jpeg" and not self.benchmark.jpeg:
            raise ArgumentError(
                f"format jpeg is not for {self.benchmark.name}, whose pictures go through no JPEG; use png"
            )

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.form.format]

    @property
    def origin(self) -> Mapping[str, Any]:
        """The versions of the corruptions, their set, and format and size of the pictures."""
        kernels = self.benchmark.identity()["kernels"]
        size = "as it is" if self.form.canvas is None else self.form.canvas.crop_px
        form = {"format": self.form.format, "canvas": size}
        return {"kernel_version": kernels, "set": self.benchmark.name, **form, **_own_code(self.benchmark)}

    def place(self, cell: Condition) -> str:
        """``clean``, or ``<corruption>/<severity>``."""
        return f"{cell['corruption']}/{cell['severity']}" if cell else "clean"

    def is_whole(self, content: bytes) -> bool:
        """Whether a file ends as one of its format."""
        if self.form.format == "webp":
            return is_whole_webp(content)
        return content.endswith(JPEG_END if self.form.format == "jpeg" else PNG_END)

    def opened(self, item: Item) -> Callable[[Condition], bytes]:
        """One decode and crop, then a corruption and a file for each cell."""
        clean = self.clean(item)

        def make(cell: Condition) -> bytes:
            if self.form.format != "jpeg":
                encode = png if self.form.format == "png" else webp
                return encode(self.benchmark.picture(clean, cell, item.id, self.seed))
            corrupted = corrupt(clean, cell["corruption"], cell["severity"], seed=self.seed, id=item.id)
            return self.benchmark.encoded(corrupted, optimise=True)

        return make

    def clean(self, item: Item) -> Image:
        """What of a photograph is corrupted.

        Raises:
            SampleError: it cannot be read, or is smaller than any corruption takes.
        """
        photograph = decode(item.file.read(), item.file.name)
        clean = photograph if self.form.canvas is None else on_canvas(photograph, self.form.canvas)
        if min(clean.shape[:2]) < SMALLEST_PX:
            size = f"{clean.shape[1]}x{clean.shape[0]}"
            raise SampleError(f"{item.file.name}: must have sides of {SMALLEST_PX} pixels or more, was {size}")
        return clean


@dataclass(frozen=True)
class PerturbationTree:
    """Makes videos as the released ImageNet-P holds them."""

    cells: Sequence[Condition]
    seed: int
    benchmark: ImagenetP
    command: str = "perturb"
    suffix: str = ".mp4"

    @property
    def origin(self) -> Mapping[str, Any]:
        """The versions of the perturbations."""
        return {"kernel_version": self.benchmark.identity()["kernels"], **_own_code(self.benchmark)}

    def place(self, cell: Condition) -> str:
        """``<perturbation>``, with ``_2`` or ``_3`` where it is harder."""
        return ImagenetP.folder_of(cell)

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


def _own_code(benchmark: CorruptionSet | ImagenetP) -> dict[str, str]:
    """The hash over code of a person's own that makes its pictures; nothing where all of it ships."""
    sha256 = benchmark_code(benchmark).sha256
    return {"code": sha256} if sha256 else {}


def write_corrupted(
    source: str,
    folder: Path,
    benchmark: CorruptionSet,
    request: Request,
    listener: Listener | None = None,
    wait_s: float = WAIT_S,
    form: PictureForm | None = None,
) -> TreeOutcome:
    """Write ``folder/<corruption>/<severity>/<id>.png`` for every photograph and cell; finished files are kept.

    Each photograph is decoded and cropped once; where nothing is lost (PNG, WebP) it is also written to
    ``folder/clean``. The pixels are those that the benchmark generates with the same seed, so the tree gives the same
    predictions.

    Args:
        source: photographs, as ``--data`` takes them for ``imagenet``; or any folder of pictures, or one picture.
        folder: where the tree is, or goes.
        benchmark: its options pick corruptions and severities.
        request: limit, seed and workers.
        listener: listener of progress, in files.
        wait_s: how long to wait for a process that is writing there.
        form: format and size of the pictures.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        DataError: the photographs are not there.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    maker, photographs = _corrupted(source, benchmark, request, form)
    if _lies_as_it_is(source) and Path(source).resolve() in folder.resolve().parents:
        raise ArgumentError(
            f"{folder} lies in {source}, so that the next call would corrupt what this one wrote: choose another folder"
        )
    return write_tree(maker, photographs, folder, request, listener, wait_s)


def _corrupted(
    source: str, benchmark: CorruptionSet, request: Request, form: PictureForm | None
) -> tuple[CorruptionTree, DataSet]:
    """What makes a tree of corrupted pictures, and of what."""
    with _as_source():
        photographs = replace(benchmark, source="generated").dataset(_SourcePictures(source))
    form = form or PictureForm()
    # A JPEG of a clean photograph is no longer the picture that models are shown; the released trees hold none.
    clean = form.format != "jpeg"
    cells = [cell for cell in benchmark.requested() if (cell or clean) and _allowed(cell, photographs)]
    return CorruptionTree(cells, request.seed, benchmark, form), photographs


@dataclass(frozen=True)
class _SourcePictures:
    """The data of a source: ImageNet's where it names them, else any folder of pictures, or one picture."""

    source: str

    def has(self, name: str) -> bool:
        """Whether it holds that data set."""
        return locate([self.source]).has(name)

    def dataset(self, name: str) -> DataSet:
        """The photographs."""
        if _lies_as_it_is(self.source):
            return pictures_at(self.source)
        if self.source != "embedded" and "=" not in self.source and not os.path.lexists(self.source):
            raise DataError(f"SRC {self.source}: there is no such file or folder; check the path")
        return locate([self.source]).dataset(name)


def _lies_as_it_is(source: str) -> bool:
    """Whether a source is any folder of pictures or one picture, and not what holds ImageNet."""
    path = Path(source)
    is_picture = path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES
    return is_picture or (path.is_dir() and not locate([source]).has("imagenet"))


@contextmanager
def _as_source() -> Iterator[None]:
    """Faults of data name the argument of these commands, which have no ``--data``."""
    try:
        yield
    except (ArgumentError, DataError) as error:
        raise type(error)(str(error).replace("--data ", "SRC ")) from None


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
    maker, photographs = _corrupted(source, benchmark, request, form)
    unread: SampleError | None = None
    for item in limited(photographs.items, request.limit, request.seed):
        try:
            clean = maker.clean(item)
        except SampleError as error:
            unread = unread or error
            continue
        rows: dict[str, list[Image]] = {}
        for cell in filter(None, maker.cells):
            made = corrupt(clean, cell["corruption"], cell["severity"], seed=request.seed, id=item.id)
            rows.setdefault(cell["corruption"].replace("_", " "), []).append(_small(made))
        most = min(max(map(len, rows.values())), SHOWN_SEVERITIES)
        blank = np.full_like(_small(clean), 255)
        strips = {"clean": [_small(clean)], **{name: found[:SHOWN_SEVERITIES] for name, found in rows.items()}}
        picture = sheet({name: np.hstack([*each, *[blank] * (most - len(each))]) for name, each in strips.items()})
        path = folder / CONTACT_SHEET
        write(path, png(picture), folder)
        return path
    raise unread or SampleError(f"{source}: must hold a photograph to show, but holds none")


def _small(image: Image) -> Image:
    """The image with its longer side at `THUMBNAIL_PX` at most."""
    made = PIL.Image.fromarray(image)
    made.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return np.asarray(made)


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
        listener: listener of progress, in files.
        wait_s: how long to wait for a process that is writing there.

    Raises:
        ArgumentError: the folder holds other files, or a tree from another source, seed or kernel version.
        DataError: the photographs are not there.
        StoreError: the folder cannot be written to, or another process is writing there for longer than that.
    """
    with _as_source():
        photographs = replace(benchmark, source="generated").dataset(locate([source]))
    return write_tree(
        PerturbationTree(benchmark.requested(), request.seed, benchmark), photographs, folder, request, listener, wait_s
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


def _allowed(cell: Condition, photographs: DataSet) -> bool:
    return photographs.conditions is None or cell in photographs.conditions
