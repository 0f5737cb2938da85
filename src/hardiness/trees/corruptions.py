"""Trees of corrupted pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.operating_limits import strength_of
from hardiness.core.benchmark import DataSet, Image, Item
from hardiness.core.bounds import require_within
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, SampleError, UnknownNameError
from hardiness.core.model import CANVAS_224, MAX_PX, Canvas
from hardiness.core.options import option
from hardiness.core.progress import Listener
from hardiness.core.request import Request
from hardiness.distortions.apply import SMALLEST_PX, parameters_of
from hardiness.imaging.codecs import decode, is_whole_webp, jpeg_like, png, webp
from hardiness.imaging.resizing import on_canvas
from hardiness.store.lock import WAIT_S
from hardiness.trees.source_pictures import SourcePictures, lies_as_it_is, named_as_source
from hardiness.trees.writing import TreeOutcome, own_code_identity, write_tree

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
PNG_END = b"IEND\xaeB`\x82"

SAME = "same"
"""The format of a photograph's own file, whose name is kept too."""

FORMATS = ("png", "jpeg", "webp", SAME)
"""Formats of pictures; WebP is written without loss, so that its pictures are those of PNG."""

SUFFIXES = {"png": ".png", "jpeg": ".JPEG", "webp": ".webp"}

OWN_FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "jpeg"),
    ".png": "png",
    ".webp": "webp",
}
"""The formats that `SAME` can write, by the ending of a photograph's name, in small letters."""

MOVING = ("caustic_refraction", "elastic_transform", "glitched", "patch_shuffle")
"""Corruptions that move what a picture shows."""

SMEARING = ("glass_blur", "motion_blur", "zoom_blur")
"""Corruptions that spread what a picture shows beyond its border, and leave it where it is."""


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
        "Of the files. PNG and WebP lose nothing; JPEG is as released ones, without clean ones; same keeps each "
        "file's own name, format and JPEG quality.",
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

    @property
    def annotations(self) -> str:
        """A sentence on what stays right of boxes, masks and points that belong to the photographs."""
        if self.canvas is not None:
            return (
                f"boxes, masks and points of the photographs do not fit, since these are resized and cropped to "
                f"{self.canvas.crop_px} pixels; with --keep-size they do"
            )
        return (
            f"classes, boxes, masks and points fit, but under {', '.join(MOVING)}, which move what a picture shows; "
            f"{', '.join(SMEARING)} spread it beyond its border. Of corruptions of your own only you know"
        )


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
        if self.form.format == "jpeg" and not (self.benchmark.jpeg and not self.benchmark.strengths):
            raise ArgumentError(
                f"format jpeg is not for {self.benchmark.strengths or self.benchmark.name}, whose pictures go through "
                "no JPEG; use png"
            )
        if self.form.format == "jpeg" and (level := next((cell for cell in self.cells if "level" in cell), None)):
            raise ArgumentError(
                f"format jpeg is not for levels: {self.place(level)} would be compressed at quality "
                f"{self.benchmark.members.jpeg_quality} afterwards; use png"
            )

    def name_of(self, item: Item) -> str:
        """The id with the ending of the format, or the photograph's own name."""
        if self.form.format != SAME:
            return f"{item.id}{SUFFIXES[self.form.format]}"
        own = PurePath(item.file.name).name
        return item.id if item.id.rpartition("/")[2] == own else f"{item.id}{PurePath(own).suffix}"

    def format_of(self, item: Item) -> str:
        """The format of a photograph's files.

        Raises:
            SampleError: its own can hold no corrupted picture.
        """
        if self.form.format != SAME:
            return self.form.format
        suffix = PurePath(item.file.name).suffix
        if suffix.lower() not in OWN_FORMATS:
            formats = ", ".join(OWN_FORMATS)
            raise SampleError(f"{item.file.name}: --format same writes {formats}, and not {suffix}; use --format png")
        return OWN_FORMATS[suffix.lower()]

    @property
    def origin(self) -> Mapping[str, Any]:
        """The versions of the corruptions, their set, and format and size of the pictures."""
        kernels = self.benchmark.identity()["kernels"]
        size = "as it is" if self.form.canvas is None else self.form.canvas.crop_px
        form = {"format": self.form.format, "canvas": size}
        if self.form.format == SAME:
            form["annotations"] = self.form.annotations
        if self.benchmark.strengths:
            form["strengths"] = self.benchmark.strengths
        return {"kernel_version": kernels, "set": self.benchmark.name, **form, **own_code_identity(self.benchmark)}

    @property
    def about(self) -> Mapping[str, str]:
        """The sentence on what stays right of annotations."""
        return {"annotations": self.form.annotations}

    def place(self, cell: Condition) -> str:
        """``clean``, or ``<corruption>/<severity>``, or ``<corruption>/<quantity>=<value>``."""
        return f"{cell['corruption']}/{strength_of(cell)}" if cell else "clean"

    def parameters(self, cell: Condition) -> Mapping[str, Any]:
        """The named parameters of the corruption; empty for clean pictures."""
        protocol = self.benchmark.strengths
        named = parameters_of(str(cell["corruption"]), strength_of(cell), protocol) if cell else ()
        return {parameter.name: parameter.value for parameter in named}

    def is_whole(self, content: bytes) -> bool:
        """Whether a file ends as one of its format."""
        kind = self.form.format
        if kind == SAME:
            kind = "webp" if content.startswith(b"RIFF") else "jpeg" if content.startswith(JPEG_START) else "png"
        if kind == "webp":
            return is_whole_webp(content)
        return content.endswith(JPEG_END if kind == "jpeg" else PNG_END)

    def prepare(self, item: Item) -> Callable[[Condition], bytes]:
        """Decode and crop a photograph once; what is returned corrupts it and gives the file of a cell."""
        kind, clean = self.format_of(item), self.clean(item)
        is_same = self.form.format == SAME

        def make(cell: Condition) -> bytes:
            if is_same and not cell and self.form.canvas is None:
                return item.file.read()
            if kind != "jpeg":
                encode = png if kind == "png" else webp
                return encode(self.benchmark.picture(clean, cell, item.id, self.seed))
            corrupted = self.benchmark.corrupted(clean, cell, item.id, self.seed) if cell else clean
            if is_same:
                return jpeg_like(corrupted, item.file.read())
            return self.benchmark.encoded(corrupted, optimise=True)

        return make

    def clean(self, item: Item) -> Image:
        """The part of a photograph that is corrupted.

        Raises:
            SampleError: it cannot be read, or is smaller than any corruption takes.
        """
        photograph = decode(item.file.read(), item.file.name)
        clean = photograph if self.form.canvas is None else on_canvas(photograph, self.form.canvas)
        if min(clean.shape[:2]) < SMALLEST_PX:
            size = f"{clean.shape[1]}x{clean.shape[0]}"
            raise SampleError(f"{item.file.name}: must have sides of {SMALLEST_PX} pixels or more, was {size}")
        return clean


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
    maker, photographs = corruption_tree(source, benchmark, request, form)
    if lies_as_it_is(source) and Path(source).resolve() in folder.resolve().parents:
        raise ArgumentError(
            f"{folder} lies in {source}, so that the next call would corrupt what this one wrote: choose another folder"
        )
    if listener is not None:
        listener.note(maker.form.annotations)
    return write_tree(maker, photographs, folder, request, listener, wait_s)


def corruption_tree(
    source: str, benchmark: CorruptionSet, request: Request, form: PictureForm | None
) -> tuple[CorruptionTree, DataSet]:
    """The maker of a tree of corrupted pictures, and the photographs that it is made of."""
    with named_as_source():
        photographs = replace(benchmark, source="generated").dataset(SourcePictures(source))
    form = form or PictureForm()
    # A JPEG of a clean photograph is no longer the picture that models are shown; the released trees hold none.
    clean = form.format != "jpeg"
    requested = dict.fromkeys((*benchmark.requested(), *benchmark.level_cells()))
    cells = [cell for cell in requested if (cell or clean) and _has_cell(photographs, cell)]
    return CorruptionTree(cells, request.seed, benchmark, form), photographs


def _has_cell(photographs: DataSet, cell: Condition) -> bool:
    return photographs.conditions is None or cell in photographs.conditions or "level" in cell
