"""Cue-conflict stimuli of one's own: the shape of one photograph in the texture of another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardiness.core.benchmark import DataSet, Image, Item
from hardiness.core.bounds import MOST_IMAGES, require_within
from hardiness.core.errors import SampleError, UnknownNameError
from hardiness.core.forms import json_form
from hardiness.core.model import CANVAS_224, MAX_PX, Canvas
from hardiness.core.options import option, wait_option
from hardiness.core.progress import Listener, Silence
from hardiness.core.table import Failure
from hardiness.imaging.codecs import decode, png
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.store.lock import WAIT_S
from hardiness.store.manifest import Manifest, alone, refuse_strangers
from hardiness.store.writing import PARTIAL, file_errors, write
from hardiness.visualise.drawings import edges, silhouette
from hardiness.visualise.exhibition import to_images
from hardiness.visualise.pairs import CategoryPhotographs, Pair, pairs, write_categories
from hardiness.visualise.sheets import SheetTile, sheet
from hardiness.visualise.style import StyleSettings, style_layers, stylise

if TYPE_CHECKING:
    from torch import Tensor


STIMULI, SHEET = "cue-conflict", "contact-sheet.png"
DRAWINGS = {"silhouettes": silhouette, "edges": edges}
STYLISED = "stylised"
VARIANTS = (*DRAWINGS, STYLISED)
PNG_END = b"IEND\xaeB`\x82"
CPU_BATCH, GPU_BATCH, CPU_BYTES = 8, 32, 2 << 30
SHEET_PAIRS, SHEET_CELL_PX = 16, 150


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


@dataclass(frozen=True, slots=True)
class StimulusRequest:
    """How many stimuli, in what form, and how long they may wait for others.

    Attributes:
        each: textures, of so many other categories, for every shape.
        limit: the first so many pairs of a seeded order; ``None`` for all.
        size_px: side of the pictures.
        variants: further sets, of `VARIANTS`.
        batch_size: pairs in one pass; chosen where not given.
        wait_s: how long to wait for a process that is writing to the folder.
    """

    each: int = option("Textures, of K other categories, for every shape.", 1, metavar="K")
    limit: int | None = option("The first N stimuli of a seeded, class-stratified order.", None, metavar="N")
    size_px: int = option("Side of the stimuli.", 224, name="--size", metavar="PX")
    variants: tuple[str, ...] = option("Further sets.", (), metavar="silhouettes,edges,stylised", read=_names)
    batch_size: int | None = option("Pairs in one pass; chosen if not given.", None, metavar="B")
    wait_s: float = wait_option(WAIT_S)

    def __post_init__(self) -> None:
        for variant in self.variants:
            if variant not in VARIANTS:
                raise UnknownNameError("variant", variant, VARIANTS)
        require_within("size", self.size_px, 64, MAX_PX)
        if self.batch_size is not None:
            require_within("batch size", self.batch_size, 1, MOST_IMAGES)

    @property
    def notes(self) -> tuple[str, ...]:
        """Reasons why the benchmark cannot run on the stimuli, a line each."""
        if self.size_px == CANVAS_224.crop_px:
            return ()
        return (f"the benchmark takes stimuli of {CANVAS_224.crop_px} px, and these have {self.size_px}",)

    @property
    def canvas(self) -> Canvas:
        """The part of a photograph that is used: that of the 224-pixel canvas, at this size."""
        return Canvas(round(self.size_px * CANVAS_224.resize_px / CANVAS_224.crop_px), self.size_px)


@dataclass(frozen=True)
class StimuliOutcome:
    """The outcome of making stimuli.

    Attributes:
        files: pictures that the folder holds now.
        failures: photographs that could not be read, each with the reason.
        notes: what is left to do before the benchmark can run on the folder.
    """

    files: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0 where everything asked for is there, else 1."""
        return 1 if self.failures else 0


def make_stimuli(
    classifier: Classifier,
    sides: tuple[CategoryPhotographs, CategoryPhotographs],
    folder: Path,
    request: StimulusRequest,
    style: StyleSettings,
    listener: Listener | None = None,
) -> StimuliOutcome:
    """Write ``folder/cue-conflict/<shape><n>-<texture><n>.png``, a contact sheet and a manifest; files there are kept.

    The folder is a data root: the benchmark ``cue-conflict`` runs on it with ``--data folder``. Where the classes of
    all categories are known, and are not the 16 published ones, ``categories.csv`` says so beside the stimuli.

    Args:
        classifier: whose features shapes and textures are read by.
        sides: photographs of shapes and of textures.
        folder: where they are, or go.
        request: how many, and in what form.
        style: how they are made.
        listener: listener of progress, in steps of a picture.

    Raises:
        ArgumentError: the folder holds other files, or stimuli made from others or otherwise.
        DataError: there is but one category.
        ModelError: the model has not what textures need.
        StoreError: the folder cannot be written to, or another process is writing there.
    """
    chosen = pairs(*sides, request.each, request.limit, style.seed)
    layers = style_layers(classifier, request.size_px)
    origin = {
        "command": "make-cue-conflict",
        "model": classifier.spec.name,
        "weights_sha256": classifier.weights_sha256,
        "layers": list(layers.textures),
        "size_px": request.size_px,
        **json_form(style),
        **_columns_of("shapes", sides[0].data),
        **_columns_of("textures", sides[1].data),
    }
    refuse_strangers(folder)
    with alone(folder, request.wait_s):
        workshop = _Workshop(classifier, Manifest.open(folder, origin), request, style)
        try:
            failures = workshop.make(chosen, listener or Silence())
            workshop.draw(chosen, sides[0])
        finally:
            workshop.manifest.save()
        notes = (*write_categories(folder / STIMULI, sides), *request.notes)
        workshop.show(chosen)
    return StimuliOutcome(len(workshop.manifest), failures, notes)


@dataclass
class _Workshop:
    """Makes and writes the stimuli of one command."""

    classifier: Classifier
    manifest: Manifest
    request: StimulusRequest
    style: StyleSettings
    _crops: dict[str, Image] = field(default_factory=dict)

    def make(self, chosen: Sequence[Pair], listener: Listener) -> tuple[Failure, ...]:
        """Make the stimuli that are missing, batch by batch, each written as soon as it is there."""
        missing = [pair for pair in chosen if not self._is_there(STIMULI, pair.file_name())]
        steps = self.style.steps
        listener.begin("make-cue-conflict", len(chosen) * steps, (len(chosen) - len(missing)) * steps)
        failures: dict[str, Failure] = {}
        try:
            for batch in self._batches(missing):
                readable = [pair for pair in batch if self._read(pair, failures)]
                listener.advance(steps * (len(batch) - len(readable)))
                if readable:
                    pictures = to_images(self._stylise(readable, listener))
                    for pair, picture in zip(readable, pictures, strict=True):
                        self._put(STIMULI, pair.file_name(), png(picture))
                self._crops.clear()
        finally:
            listener.end()
        return tuple(failures.values())

    def draw(self, chosen: Sequence[Pair], shapes: CategoryPhotographs) -> None:
        """Write the further sets, in a folder for each class, as ``--data imagenet=FOLDER`` takes them."""
        for variant in self.request.variants:
            for pair in chosen:
                stimulus = self.manifest.folder / STIMULI / pair.file_name()
                if not stimulus.exists():
                    continue
                place, stem = shapes.class_folder(pair.shape), pair.shape.id.rpartition("/")[2]
                name = f"{place}/{pair.file_name() if variant == STYLISED else f'{stem}.png'}"
                if self._is_there(variant, name):
                    continue
                if variant == STYLISED:
                    with file_errors(stimulus, "read"):
                        self._put(variant, name, stimulus.read_bytes())
                else:
                    self._put(variant, name, png(DRAWINGS[variant](self._crop(pair.shape))))
                    self._crops.clear()

    def show(self, chosen: Sequence[Pair]) -> None:
        """Write the contact sheet of the first stimuli: shape, texture, stimulus, and what else was drawn."""
        panels: list[list[SheetTile]] = []
        for pair in chosen:
            path = self.manifest.folder / STIMULI / pair.file_name()
            if len(panels) < SHEET_PAIRS and path.exists():
                panels.append(self._panels(pair, path))
        if panels:
            a_row = 2 if len(panels[0]) == 3 else 1
            rows = [list(chain(*panels[first : first + a_row])) for first in range(0, len(panels), a_row)]
            content = png(sheet(rows, SHEET_CELL_PX))
            write(self.manifest.folder / SHEET, content, self.manifest.folder / PARTIAL)

    def _panels(self, pair: Pair, path: Path) -> list[SheetTile]:
        stimulus = pair.stimulus
        with file_errors(path, "read"):
            picture = decode(path.read_bytes(), str(path))
        shape = self._crop(pair.shape)
        drawings = [(name, DRAWINGS[name](shape)) for name in self.request.variants if name in DRAWINGS]
        return [
            SheetTile((f"{stimulus.shape}{stimulus.shape_number}",), shape),
            SheetTile((f"{stimulus.texture}{stimulus.texture_number}",), self._crop(pair.texture)),
            SheetTile((str(stimulus),), picture),
            *(SheetTile((name,), image) for name, image in drawings),
        ]

    def _stylise(self, batch: Sequence[Pair], listener: Listener) -> Tensor:
        shapes = to_pixels([self._crop(pair.shape) for pair in batch])
        textures = to_pixels([self._crop(pair.texture) for pair in batch])
        names = [f"{pair.shape.id} {pair.texture.id}" for pair in batch]
        return stylise(self.classifier, shapes, textures, names, self.style, listener)

    def _batches(self, missing: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
        largest = self.request.batch_size or GPU_BATCH
        if self.request.batch_size is None and self.classifier.device == "cpu":
            largest = min(CPU_BATCH, CPU_BYTES // (2 * self.classifier.activation_bytes(self.request.size_px)))
        for first in range(0, len(missing), max(1, largest)):
            yield missing[first : first + max(1, largest)]

    def _read(self, pair: Pair, failures: dict[str, Failure]) -> bool:
        """Whether both photographs can be read; if not, the reason is kept, once a photograph."""
        for item in (pair.shape, pair.texture):
            try:
                self._crop(item)
            except SampleError as error:
                failures.setdefault(item.id, Failure(item.id, str(error)))
                return False
        return True

    def _crop(self, item: Item) -> Image:
        if item.file.name not in self._crops:
            self._crops[item.file.name] = on_canvas(decode(item.file.read(), item.file.name), self.request.canvas)
        return self._crops[item.file.name]

    def _is_there(self, place: str, name: str) -> bool:
        """Whether a whole file is there; one that an interrupted command has not listed is listed now."""
        path = self.manifest.folder / place / name
        if not path.exists():
            return False
        if not self.manifest.holds(place, name):
            with file_errors(path, "read"):
                content = path.read_bytes()
            if not content.endswith(PNG_END):
                return False
            self.manifest.add(place, name, hashlib.sha256(content).hexdigest())
        return True

    def _put(self, place: str, name: str, content: bytes) -> None:
        folder = self.manifest.folder
        write(folder / place / name, content, folder / PARTIAL)
        self.manifest.add(place, name, hashlib.sha256(content).hexdigest())


def _columns_of(side: str, data: DataSet) -> dict[str, Any]:
    return {side: data.name, f"{side}_fingerprint": data.fingerprint}
