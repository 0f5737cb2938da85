"""Models as data: importing a spec loads and downloads nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

from hardiness.core.errors import ArgumentError, suggestion

Interpolation = Literal["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"]
CropMode = Literal["center", "center_floor", "squash", "border", "unresized"]
ChannelOrder = Literal["RGB", "BGR"]
PixelRange = Literal["0..1", "0..255"]
Triple = tuple[float, float, float]

MAX_PX = 8192
"""Longest side of a canvas; a larger one is a slip of the pen, and would take all memory."""

IMAGENET_CLASSES = 1000
"""Classes of ILSVRC 2012, in whose order a model of ImageNet answers."""

_LARGEST = 1e6
"""Largest absolute value of a mean, and of the inverse of a std."""


def _one_of(field: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ArgumentError(f"{field} cannot be {value!r}{suggestion(value, sorted(allowed))}")


@dataclass(frozen=True, slots=True)
class Canvas:
    """The geometry alone: which square of a photograph is seen, and how it is resampled.

    Attributes:
        resize_px: the shorter side is resized to this many pixels (``squash``: both sides; ``border``: the longer
            side, the rest is padded; ``unresized``: not at all).
        crop_px: side of the centred square that is kept.
        interpolation: filter, as PIL defines it.
        crop_mode: ``center`` (the standard; a half pixel is rounded to even, as torchvision does), ``center_floor``
            (the same, a half pixel is cut off, as transformers does), ``squash`` or ``border`` (timm's other two), or
            ``unresized`` (as ``center``, of the photograph as it is; a smaller one is padded).
        fill: RGB colour, 0–255, of what is padded; timm's ``border`` pads with the weights' mean.
    """

    resize_px: int
    crop_px: int
    interpolation: Interpolation = "bilinear"
    crop_mode: CropMode = "center"
    fill: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        for name in ("resize_px", "crop_px"):
            side = getattr(self, name)
            if not isinstance(side, int) or side < 1:
                raise ArgumentError(f"{name} must be at least 1, was {side!r}")
            if side > MAX_PX:
                raise ArgumentError(f"{name} must be at most {MAX_PX:,}, was {side:,}")
        _one_of("interpolation", self.interpolation, get_args(Interpolation))
        _one_of("crop_mode", self.crop_mode, get_args(CropMode))


CANVAS_224 = Canvas(resize_px=256, crop_px=224, interpolation="bilinear")
"""The fixed canvas on which ImageNet-C, -P, cue conflict and the attacks live."""


@dataclass(frozen=True, slots=True)
class WholePicture:
    """A picture at its own size, as a function takes it that resizes it itself.

    Attributes:
        encoded: whether it is a file: a clean picture's own bytes, a changed picture's PNG; else the decoded picture.
        jpeg_quality: of a changed picture's file, 1 to 100, where that is a JPEG; 0 for PNG.
    """

    encoded: bool
    jpeg_quality: int = 0

    def __str__(self) -> str:
        changed = f"JPEG of quality {self.jpeg_quality}" if self.jpeg_quality else "PNG"
        return f"the file itself, a changed picture as {changed}" if self.encoded else "the picture at its own size"


class _Stated:
    """Base of a dataclass that remembers which of its fields were given when it was made."""

    __slots__ = ("stated",)

    stated: frozenset[str]

    def __new__(cls, *values: object, **named: object) -> Self:
        instance = super().__new__(cls)
        names = tuple(item.name for item in fields(cls))  # type: ignore[arg-type]  # what has this base is a dataclass
        object.__setattr__(instance, "stated", frozenset((*names[: len(values)], *named)))
        return instance


@dataclass(frozen=True, slots=True)
class View(_Stated):
    """Everything between a photograph on disk and the first layer; it belongs to the weights.

    Mean and std are given both or neither, which stands for ImageNet's.

    Attributes:
        resize_px, crop_px, interpolation, crop_mode: as in `Canvas`.
        mean, std: subtracted and divided by, per channel, in the model's own range and channel order; one number stands
            for three.
        channel_order: order in which the model wants the channels.
        range: the model's own range of pixel values before mean and std, ``"0..1"`` or ``"0..255"``.
        stated: names of those fields that were given when it was made; no part of its value.
    """

    resize_px: int = 256
    crop_px: int = 224
    interpolation: Interpolation = "bilinear"
    crop_mode: CropMode = "center"
    mean: Triple = (0.485, 0.456, 0.406)
    std: Triple = (0.229, 0.224, 0.225)
    channel_order: ChannelOrder = "RGB"
    range: PixelRange = "0..1"

    def __post_init__(self) -> None:
        Canvas(self.resize_px, self.crop_px, self.interpolation, self.crop_mode)
        _one_of("channel_order", self.channel_order, get_args(ChannelOrder))
        _one_of("range", self.range, get_args(PixelRange))
        for name in ("mean", "std"):
            value = getattr(self, name)
            if isinstance(value, int | float):
                object.__setattr__(self, name, (float(value),) * 3)
            if len(getattr(self, name)) != 3:
                raise ArgumentError(f"{name} must hold 3 numbers (one per channel), was {getattr(self, name)}")
            if not all(isinstance(number, int | float) and abs(number) <= _LARGEST for number in getattr(self, name)):
                raise ArgumentError(
                    f"{name} must be finite numbers of at most {_LARGEST:,.0f}, was {getattr(self, name)}"
                )
        if min(self.std) < 1 / _LARGEST:
            raise ArgumentError(f"std must be positive (at least {1 / _LARGEST:g}), was {self.std}")
        for stated, other in (("mean", "std"), ("std", "mean")):
            if stated in self.stated and other not in self.stated:
                raise ArgumentError(f"View({stated}=…) must state {other}= too, which else is ImageNet's; give both")

    @property
    def canvas(self) -> Canvas:
        """The geometric half: models whose canvases are equal share decoded and cropped images."""
        fill = self._mean_colour() if self.crop_mode == "border" else (0, 0, 0)
        return Canvas(self.resize_px, self.crop_px, self.interpolation, self.crop_mode, fill)

    def _mean_colour(self) -> tuple[int, int, int]:
        scale = 255 if self.range == "0..1" else 1
        colour = [round(scale * value) for value in self.mean]
        first, second, third = colour if self.channel_order == "RGB" else reversed(colour)
        return first, second, third


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of weights, and what was published of them.

    Attributes:
        paper: citation, or empty.
        url: address of the checkpoint, or empty.
        sha256: full hash of the file, or the prefix that its name carries; empty where none is published.
        parameters: learnable parameters the built model must have, or ``None`` where unknown.
        licence: licence of the weights.
        package: distribution that carries the file (embedded models).
        path: path of the file inside that distribution.
    """

    paper: str = ""
    url: str = ""
    sha256: str = ""
    parameters: int | None = None
    licence: str = ""
    package: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model's identity: name, builder, view, classes and source.

    Attributes:
        name: registered name or scheme form, e.g. ``"resnext101_32x16d_wsl"``, ``"timm:resnet50.a1_in1k"``.
        build: ``"module:function"``, imported when used; the function takes the spec and returns the network.
        view: preprocessing that belongs to the weights.
        num_classes: width of the logits after ``class_order`` was applied.
        source: where the weights come from.
        weights: file on disk that replaces the source's, or ``None``.
        input_px: the one input size the network accepts, or ``None`` where it accepts any.
        class_names: the model's own labels where its classes are not ImageNet's 1,000.
        options: further builder arguments, part of the identity.
        summary: one line for listings.
        published: the name under which others have published numbers of these weights; no part of the identity.
        asked: what a person typed for it, with options; empty where it was made in Python. No part of the identity.
    """

    name: str
    build: str
    view: View = View()
    num_classes: int = IMAGENET_CLASSES
    source: Source = Source()
    weights: str | None = None
    input_px: int | None = None
    class_names: tuple[str, ...] | None = None
    options: tuple[tuple[str, Any], ...] = field(default=())
    summary: str = ""
    published: str = ""
    asked: str = field(default="", compare=False)

    def builder(self) -> Callable[[ModelSpec], Any]:
        """The function that `build` names."""
        module, _, function = self.build.partition(":")
        return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]
