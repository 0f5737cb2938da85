"""Cue-conflict stimuli of one's own: the shape of one photograph in the texture of another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import DataSet, Image, Item, Stimulus
from hardiness.core.bounds import MOST_IMAGES, MOST_STEPS, require_within
from hardiness.core.errors import ArgumentError, DataError, ModelError, SampleError, UnknownNameError
from hardiness.core.forms import json_form
from hardiness.core.model import CANVAS_224, MAX_PX, Canvas
from hardiness.core.options import option, wait_option
from hardiness.core.progress import Listener, Silence
from hardiness.core.random import rng
from hardiness.core.table import Failure
from hardiness.data.files import limited
from hardiness.data.layouts.cue_conflict import OWN_CATEGORIES
from hardiness.data.root import locate
from hardiness.imaging.codecs import decode, png
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import to_pixels
from hardiness.reference.classes import COLUMNS, class_name, sixteen, wnids
from hardiness.store.lock import WAIT_S
from hardiness.store.manifest import Manifest, alone, refuse_strangers
from hardiness.store.writing import PARTIAL, file_errors, write
from hardiness.visualise.activation import MOST_WEIGHT, Painting, gram, roughness
from hardiness.visualise.exhibition import SheetTile, sheet, to_images

if TYPE_CHECKING:
    from torch import Tensor


MARGIN = 0.06
"""Share of a side, at each border, that is background for certain."""
ROUNDS = 5


def silhouette(image: Image) -> Image:
    """The thing in the middle in black on white, ``uint8 (H, W, 3)``, as far as its colours tell it from the border.

    The largest connected piece that GrabCut takes for foreground, holes filled. Good where the background is calm or
    unlike the thing, and poor elsewhere: look at the pictures before they are used.

    Source: Rother, Kolmogorov & Blake 2004, GrabCut.
    """
    import cv2

    # GrabCut draws from OpenCV's generator, which begins anew in every thread: so nothing is seeded, and nothing left.
    with ThreadPoolExecutor(1) as thread:
        mask = thread.submit(_foreground, image).result()
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.full_like(image, 255)
    if contours:
        cv2.drawContours(drawn, [max(contours, key=cv2.contourArea)], -1, (0, 0, 0), cv2.FILLED)
    return drawn


def edges(image: Image) -> Image:
    """The edges of a photograph in black on white, ``uint8 (H, W, 3)``.

    Source: Canny 1986, A computational approach to edge detection; its thresholds are the 80th and 92nd percentile of
        the gradient's strength, so that every photograph has about as many lines.
    """
    import cv2

    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.4)
    across, down = cv2.Sobel(grey, cv2.CV_16S, 1, 0), cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    strength = np.hypot(across.astype(np.float64), down.astype(np.float64))
    low, high = np.quantile(strength, (0.80, 0.92))
    lines = cv2.Canny(across, down, float(low), float(high), L2gradient=True)
    drawn: Image = np.repeat(255 - np.asarray(lines, np.uint8)[:, :, None], 3, axis=2)
    return drawn


def _foreground(image: Image) -> NDArray[np.uint8]:
    """1 where the picture shows a thing, ``(H, W)``; specks are left out."""
    import cv2

    height, width = image.shape[:2]
    top, left = max(1, round(MARGIN * height)), max(1, round(MARGIN * width))
    inside = (left, top, width - 2 * left, height - 2 * top)
    mask = np.zeros((height, width), np.uint8)
    background, thing = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(image[:, :, ::-1]), mask, inside, background, thing, ROUNDS, cv2.GC_INIT_WITH_RECT)
    found = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


class Pair(NamedTuple):
    """One stimulus to be made: its name, and the photographs of shape and texture."""

    stimulus: Stimulus
    shape: Item
    texture: Item

    def file_name(self) -> str:
        """Of the stimulus, below its folder."""
        return f"{self.stimulus}.png"


@dataclass(frozen=True)
class CategoryPhotographs:
    """One side of the experiment: photographs by category.

    Attributes:
        data: the photographs.
        names: the category of each label.
        numbers: which photograph of its category each item is, from 1, by id.
    """

    data: DataSet
    names: Mapping[int, str]
    numbers: Mapping[str, int]

    def category(self, item: Item) -> str:
        """Its category."""
        return self.names[item.label]

    def class_folder(self, item: Item) -> str:
        """The wnid where classes are ImageNet's, else the folder that the photograph came from."""
        own = self.data.class_names
        return wnids()[item.label] if own is None else own[item.label]


def photographs(option: str, place: str) -> CategoryPhotographs:
    """What ``--shapes`` or ``--textures`` names.

    Args:
        option: the option, for messages.
        place: a folder with a folder for each category (any names, or wnids), or another form that ``--data`` takes
            for ``imagenet``: a tar, ``FOLDER:labels=FILE.csv``, ``embedded``.

    Raises:
        DataError: it is not there, empty or laid out differently; two folders give one category name.
    """
    argument = place if place == "embedded" else f"imagenet={place}"
    try:
        data = locate([argument]).dataset("imagenet")
    except DataError as error:
        raise DataError(str(error).replace(f"--data {argument}", f"{option} {place}")) from None
    labels = sorted({item.label for item in data.items})
    given = {label: data.class_names[label] if data.class_names else own_name(label) for label in labels}
    names = {label: as_category(name) for label, name in given.items()}
    twice = sorted(name for name in names.values() if list(names.values()).count(name) > 1)
    if twice and data.class_names is None:
        names = {label: f"{name}_{wnids()[label]}_" if name in twice else name for label, name in names.items()}
    elif twice:
        same = [given[label] for label in labels if names[label] == twice[0]]
        raise DataError(f"{option} {place}: folders {' and '.join(same)} would both be called {twice[0]}; rename one")
    counts: dict[int, int] = {}
    numbers: dict[str, int] = {}
    for item in data.items:
        counts[item.label] = numbers[item.id] = counts.get(item.label, 0) + 1
    return CategoryPhotographs(data, names, numbers)


def pairs(
    shapes: CategoryPhotographs, textures: CategoryPhotographs, each: int, limit: int | None, seed: int
) -> list[Pair]:
    """Every shape in the textures of ``each`` other categories, or the first ``limit`` of these in a seeded order.

    The order is class-stratified over the shapes, and a shape's next texture comes when all shapes have had theirs;
    so a limit is a prefix of any larger one.

    Raises:
        ArgumentError: ``each`` or ``limit`` is below 1.
        DataError: no shape has a texture of another category.
    """
    for name, value in (("--each", each), ("--limit", limit)):
        if value is not None and value < 1:
            raise ArgumentError(f"{name} must be at least 1, was {value}")
    by_category: dict[str, list[Item]] = {}
    for item in textures.data.items:
        by_category.setdefault(textures.category(item), []).append(item)
    ordered = limited(shapes.data.items, len(shapes.data), seed)
    found = [
        _pair(shapes, textures, item, texture)
        for turn in range(min(each, len(by_category)))  # no shape has a texture of more categories
        for item in ordered
        for texture in _texture(by_category, shapes.category(item), item.id, turn, seed)
    ]
    if not found:
        raise DataError(
            f"shapes and textures are of one category, {next(iter(by_category))}, and a conflict needs two; "
            "add photographs of another"
        )
    return found[:limit]


def _texture(by_category: Mapping[str, Sequence[Item]], shape: str, key: str, turn: int, seed: int) -> list[Item]:
    """The texture for a shape in round ``turn``, of another category each round; ``None`` when no category is left."""
    others = [category for category in sorted(by_category) if category != shape]
    if turn >= len(others):
        return []
    draw = rng(seed, "texture", key)
    chosen = by_category[others[int(draw.permutation(len(others))[turn])]]
    return [chosen[int(rng(seed, "texture's photograph", key, turn).integers(len(chosen)))]]


def _pair(shapes: CategoryPhotographs, textures: CategoryPhotographs, shape: Item, texture: Item) -> Pair:
    stimulus = Stimulus(
        shapes.category(shape), shapes.numbers[shape.id], textures.category(texture), textures.numbers[texture.id]
    )
    assert Stimulus.parse(str(stimulus)) == stimulus, stimulus
    return Pair(stimulus, shape, texture)


def own_name(label: int) -> str:
    """The first of the names of an ImageNet class."""
    return class_name(label).split(", ")[0]


def as_category(name: str) -> str:
    """The name changed as file names of stimuli require: it begins with a letter and ends with a letter or ``_``."""
    plain = re.sub(r"\W+", "_", name)
    begun = plain if re.match(r"[^\W\d_]", plain) else f"c{plain}"
    return f"{begun}_" if begun[-1].isdigit() else begun


def classes_of(shapes: CategoryPhotographs, textures: CategoryPhotographs) -> dict[str, tuple[int, ...]] | None:
    """The ImageNet classes of every category; ``None`` where a category's are not known.

    They are known of wnid folders, of the 16 published categories, and of folders named like one ImageNet class.
    """
    found: dict[str, tuple[int, ...]] = {}
    by_name = _classes_by_name()
    for side in (shapes, textures):
        for label, name in side.names.items():
            if side.data.class_names is None:
                classes: tuple[int, ...] = (label,)
            else:
                classes = sixteen().get(name) or by_name.get(name, ())
            if not classes:
                return None
            found[name] = classes
    every = [index for classes in found.values() for index in classes]
    return dict(sorted(found.items())) if len(every) == len(set(every)) else None


def write_categories(folder: Path, sides: tuple[CategoryPhotographs, CategoryPhotographs]) -> tuple[str, ...]:
    """Write ``categories.csv`` beside the stimuli if their classes are known; else return a line that asks for it.

    Raises:
        StoreError: it cannot be written.
    """
    names = {name for side in sides for name in side.names.values()}
    known = classes_of(*sides)
    path = folder / OWN_CATEGORIES
    if known is None:
        unknown = ", ".join(sorted(names - set(sixteen()))[:3] or sorted(names)[:3])
        return (f"the classes of {unknown} are not known: for the benchmark, write {path} ({','.join(COLUMNS)})",)
    if not names <= set(sixteen()):
        rows = [f"{name},{index}" for name, classes in known.items() for index in classes]
        content = "\n".join([",".join(COLUMNS), *rows, ""]).encode()
        write(path, content, folder.parent / PARTIAL)
    return ()


def _classes_by_name() -> dict[str, tuple[int, ...]]:
    """The index of every ImageNet class whose first name no other has, by that name as a category."""
    indices: dict[str, list[int]] = {}
    for index in range(len(wnids())):
        indices.setdefault(as_category(own_name(index)), []).append(index)
    return {name: (found[0],) for name, found in indices.items() if len(found) == 1}


COARSEST = 18
"""Maps whose side is less than this part of the picture's are left out: they hold objects, not textures."""


@dataclass(frozen=True, slots=True)
class StyleSettings:
    """How pictures are made.

    Attributes:
        steps: of the optimiser, Adam.
        rate: its step size.
        style: weight of the texture; that of the shape is 1.
        smoothness: weight of differences of neighbouring pixels.
        jitter_px: largest random shift of both pictures before each step, so that no grid of the network shows.
        seed: keys every draw.
    """

    steps: int = option("Steps of the optimiser.", 150)
    rate: float = 0.05
    style: float = option("Of the texture; the shape's is 1.", 20.0, name="--texture-weight", metavar="W")
    smoothness: float = 0.3
    jitter_px: int = 16
    seed: int = option("Keys every draw.", 0)

    def __post_init__(self) -> None:
        require_within("steps", self.steps, 1, MOST_STEPS)
        require_within("texture-weight", self.style, 0, MOST_WEIGHT)


@dataclass(frozen=True, slots=True)
class StyleLayers:
    """Which layers are read.

    Attributes:
        textures: layers whose Gram matrices are matched, finest first.
        shape: the layer whose outputs are kept.
    """

    textures: tuple[str, ...]
    shape: str

    @property
    def every(self) -> tuple[str, ...]:
        """Every layer that is read, once."""
        return tuple(dict.fromkeys((*self.textures, self.shape)))


def style_layers(classifier: Classifier, px: int) -> StyleLayers:
    """Of every size of map, down to a sixteenth of the picture, the last layer of the outermost module.

    For EfficientNet-Lite these are the stem and the stages of stride 4, 8 and 16; the shape is kept in the last.

    Raises:
        ModelError: there are fewer than three sizes, as in transformers, or no gradients.
    """
    best: dict[int, str] = {}
    for layer, shape in classifier.layers.shapes(px).items():
        if len(shape) != 3 or shape[1] != shape[2] or not px <= COARSEST * shape[1] < COARSEST * px:
            continue
        if shape[1] not in best or layer.count(".") <= best[shape[1]].count("."):
            best[shape[1]] = layer
    if len(best) < 3:
        raise ModelError(
            f"{classifier.spec.name} has maps of {len(best)} sizes, and textures need 3 or more; "
            "use a convolutional network, e.g. --model efficientnet_lite0"
        )
    textures = tuple(best[side] for side in sorted(best, reverse=True))
    return StyleLayers(textures, textures[-1])


def stylise(
    classifier: Classifier,
    shapes: Tensor,
    textures: Tensor,
    names: Sequence[str],
    settings: StyleSettings,
    listener: Listener,
) -> Tensor:
    """Pictures with the shapes of some and the textures of others, float32 ``(N, 3, px, px)`` in [0, 1].

    The outputs of one layer are kept as those of the shape, and the Gram matrices of several made those of the
    texture; each distance is relative to what is aimed at, so that no layer outweighs another. It begins at the shape.

    Args:
        classifier: whose layers are read.
        shapes: pixels ``(N, 3, px, px)``.
        textures: pixels of the same size.
        names: one a pair; with the seed they key its draws, so that a picture does not depend on its batch (beyond
            rounding).
        settings: how.
        listener: listener of progress, in steps of a picture.

    Raises:
        ModelError: the network has too few sizes of maps, or no gradients.

    Source: Gatys, Ecker & Bethge 2016, Image style transfer using convolutional neural networks, equations 1-7.
    Differs: Fourier coefficients are optimised in place of pixels, by Adam in place of L-BFGS, under random shifts.
    """
    import torch

    layers = style_layers(classifier, shapes.shape[-1])
    aim = _Aim(classifier, layers, shapes.to(classifier.device), textures.to(classifier.device))
    painting = Painting("fourier", shapes.shape[-1])
    numbers = painting.numbers(aim.shapes).requires_grad_()
    adam = torch.optim.Adam([numbers], settings.rate)
    for step in range(settings.steps):
        draws = [rng(settings.seed, "stylise", name, step) for name in names]
        shifts = [draw.integers(-settings.jitter_px, settings.jitter_px + 1, 2) for draw in draws]
        pixels = painting.pixels(numbers)
        shape, texture = aim.distances(pixels, shifts)
        cost = shape + settings.style * texture + settings.smoothness * roughness(pixels)
        (numbers.grad,) = torch.autograd.grad(cost.sum(), numbers)
        adam.step()
        listener.advance(len(names))
    with torch.no_grad():
        return painting.pixels(numbers)


class _Aim:
    """What the pictures of a batch should come to look like."""

    def __init__(self, classifier: Classifier, layers: StyleLayers, shapes: Tensor, textures: Tensor) -> None:
        import torch

        self.shapes = shapes
        self._classifier, self._layers = classifier, layers
        with torch.no_grad():
            found = classifier.layers.outputs(_ready(textures), layers.textures)
            self._grams = [gram(output) for output in found]

    def distances(
        self, pixels: Tensor, shifts: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]]
    ) -> tuple[Tensor, Tensor]:
        """How far each picture is from its shape and from its texture, ``(N,)`` each, 1 being all of it."""
        import torch

        with torch.no_grad():
            (wanted,) = self._classifier.layers.outputs(_ready(_shifted(self.shapes, shifts)), (self._layers.shape,))
        found = dict(
            zip(
                self._layers.every,
                self._classifier.layers.outputs(_ready(_shifted(pixels, shifts)), self._layers.every),
                strict=True,
            )
        )
        shape = _relative(found[self._layers.shape], wanted)
        textures = [
            _relative(gram(found[layer]), aim) for layer, aim in zip(self._layers.textures, self._grams, strict=True)
        ]
        return shape, torch.stack(textures).mean(0)


def _relative(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared distance over the squared length of what is wanted, ``(N,)``."""
    distance, length = (found - wanted).square().flatten(1).sum(1), wanted.square().flatten(1).sum(1)
    result: Tensor = distance / length.clamp(min=1e-12)
    return result


def _shifted(pixels: Tensor, shifts: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> Tensor:
    """Each picture moved round by its own rows and columns."""
    import torch

    rolled = [
        torch.roll(picture, (int(shift[0]), int(shift[1])), (1, 2))
        for picture, shift in zip(pixels, shifts, strict=True)
    ]
    return torch.stack(rolled)


def _ready(pixels: Tensor) -> Tensor:
    """The tensor in channels-last layout, in which convolutions on a CPU take half the time."""
    import torch

    return pixels.contiguous(memory_format=torch.channels_last)


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
    """What became of the stimuli.

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
    wanted: StimulusRequest,
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
        wanted: how many, and in what form.
        style: how they are made.
        listener: listener of progress, in steps of a picture.

    Raises:
        ArgumentError: the folder holds other files, or stimuli made from others or otherwise.
        DataError: there is but one category.
        ModelError: the model has not what textures need.
        StoreError: the folder cannot be written to, or another process is writing there.
    """
    chosen = pairs(*sides, wanted.each, wanted.limit, style.seed)
    layers = style_layers(classifier, wanted.size_px)
    origin = {
        "command": "make-cue-conflict",
        "model": classifier.spec.name,
        "weights_sha256": classifier.weights_sha256,
        "layers": list(layers.textures),
        "size_px": wanted.size_px,
        **json_form(style),
        **_columns_of("shapes", sides[0].data),
        **_columns_of("textures", sides[1].data),
    }
    refuse_strangers(folder)
    with alone(folder, wanted.wait_s):
        workshop = _Workshop(classifier, Manifest.open(folder, origin), wanted, style)
        try:
            failures = workshop.make(chosen, listener or Silence())
            workshop.draw(chosen, sides[0])
        finally:
            workshop.manifest.save()
        notes = (*write_categories(folder / STIMULI, sides), *wanted.notes)
        workshop.show(chosen)
    return StimuliOutcome(len(workshop.manifest), failures, notes)


@dataclass
class _Workshop:
    """Makes and writes the stimuli of one command."""

    classifier: Classifier
    manifest: Manifest
    wanted: StimulusRequest
    style: StyleSettings
    _crops: dict[str, Image] = field(default_factory=dict)

    def make(self, chosen: Sequence[Pair], listener: Listener) -> tuple[Failure, ...]:
        """The stimuli that are missing, batch by batch, each written as soon as it is there."""
        missing = [pair for pair in chosen if not self._is_there(STIMULI, pair.file_name())]
        steps = self.style.steps
        listener.begin("make-cue-conflict", len(chosen) * steps, (len(chosen) - len(missing)) * steps)
        failures: dict[str, Failure] = {}
        try:
            for batch in self._batches(missing):
                readable = [pair for pair in batch if self._read(pair, failures)]
                listener.advance(steps * (len(batch) - len(readable)))
                if readable:
                    pictures = to_images(self._stylised(readable, listener))
                    for pair, picture in zip(readable, pictures, strict=True):
                        self._put(STIMULI, pair.file_name(), png(picture))
                self._crops.clear()
        finally:
            listener.end()
        return tuple(failures.values())

    def draw(self, chosen: Sequence[Pair], shapes: CategoryPhotographs) -> None:
        """The further sets, in a folder for each class, as ``--data imagenet=FOLDER`` takes them."""
        for variant in self.wanted.variants:
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
        """The contact sheet of the first stimuli: shape, texture, stimulus, and what else was drawn."""
        shown: list[list[SheetTile]] = []
        for pair in chosen:
            path = self.manifest.folder / STIMULI / pair.file_name()
            if len(shown) < SHEET_PAIRS and path.exists():
                shown.append(self._panels(pair, path))
        if shown:
            a_row = 2 if len(shown[0]) == 3 else 1
            rows = [list(chain(*shown[first : first + a_row])) for first in range(0, len(shown), a_row)]
            content = png(sheet(rows, SHEET_CELL_PX))
            write(self.manifest.folder / SHEET, content, self.manifest.folder / PARTIAL)

    def _panels(self, pair: Pair, path: Path) -> list[SheetTile]:
        stimulus = pair.stimulus
        with file_errors(path, "read"):
            picture = decode(path.read_bytes(), str(path))
        shape = self._crop(pair.shape)
        drawn = [(name, DRAWINGS[name](shape)) for name in self.wanted.variants if name in DRAWINGS]
        return [
            SheetTile((f"{stimulus.shape}{stimulus.shape_number}",), shape),
            SheetTile((f"{stimulus.texture}{stimulus.texture_number}",), self._crop(pair.texture)),
            SheetTile((str(stimulus),), picture),
            *(SheetTile((name,), image) for name, image in drawn),
        ]

    def _stylised(self, batch: Sequence[Pair], listener: Listener) -> Tensor:
        shapes = to_pixels([self._crop(pair.shape) for pair in batch])
        textures = to_pixels([self._crop(pair.texture) for pair in batch])
        names = [f"{pair.shape.id} {pair.texture.id}" for pair in batch]
        return stylise(self.classifier, shapes, textures, names, self.style, listener)

    def _batches(self, missing: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
        largest = self.wanted.batch_size or GPU_BATCH
        if self.wanted.batch_size is None and self.classifier.device == "cpu":
            largest = min(CPU_BATCH, CPU_BYTES // (2 * self.classifier.activation_bytes(self.wanted.size_px)))
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
            self._crops[item.file.name] = on_canvas(decode(item.file.read(), item.file.name), self.wanted.canvas)
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
