"""Settings of a protocol that a paper leaves open, to see how far they move its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from hardiness.core.benchmark import Benchmark, DataSet, File, Image
from hardiness.core.model import Canvas, Interpolation
from hardiness.core.request import Request
from hardiness.imaging.codecs import decode, png
from hardiness.imaging.resizing import before_crop, resize
from hardiness.models.classifier import Classifier
from hardiness.models.whole_pictures import whole_picture_model

OTHER_BATCH = 8
"""Images per forward pass where the usual number is another; else half of it."""

Resizer = Callable[[Image, int, int, Interpolation], Image]


@dataclass(frozen=True)
class Variation:
    """One setting of the protocol other than the usual one.

    Attributes:
        factor, setting: what is varied, and to what.
        placement: keyword arguments of loading the model that differ.
        request: from the usual request to this one.
        resizer: what resizes photographs instead; ``None`` for the usual.
    """

    factor: str
    setting: str
    placement: dict[str, Any] = field(default_factory=dict)
    request: Callable[[Request], Request] = field(default=lambda request: request)
    resizer: Resizer | None = None

    @property
    def name(self) -> str:
        """Its name in a path."""
        return f"{self.factor}-{self.setting}".replace(" ", "-")

    def dataset(self, data: DataSet, canvas: Canvas) -> DataSet:
        """The data set, its photographs resized by other means where those are varied."""
        if self.resizer is None:
            return data
        resized = (replace(item, file=ResizedFile(item.file, canvas, self.resizer)) for item in data.items)
        return replace(data, items=tuple(resized))


@dataclass(frozen=True, slots=True)
class ResizedFile:
    """A photograph's file as it would be if other means had resized it: what is read is already of the canvas's size.

    Attributes:
        file: the photograph's own.
        canvas: for which it is resized; the crop is left to the benchmark.
        resizer: the other means.
    """

    file: File
    canvas: Canvas
    resizer: Resizer

    @property
    def name(self) -> str:
        return self.file.name

    def read(self) -> bytes:
        """A PNG of the resized photograph.

        Raises:
            SampleError: it cannot be read or decoded.
        """
        photograph = decode(self.file.read(), self.file.name)
        height, width = before_crop(photograph, self.canvas).shape[:2]
        return png(self.resizer(photograph, height, width, self.canvas.interpolation))


def opencv(image: Image, height: int, width: int, interpolation: str) -> Image:
    """The image as OpenCV resizes it: the same filter, of the same few pixels however much the photograph shrinks."""
    names = {"nearest": "nearest", "bicubic": "cubic", "lanczos": "lanczos4"}
    return by_opencv(image, height, width, names.get(interpolation, "linear"))


def by_opencv(image: Image, height: int, width: int, interpolation: str) -> Image:
    """The image as OpenCV resizes it by an interpolation of its own, e.g. ``"linear"``."""
    import cv2

    flag = getattr(cv2, f"INTER_{interpolation.upper()}")
    return np.asarray(cv2.resize(image, (width, height), interpolation=flag), np.uint8)


def torch_tensors(image: Image, height: int, width: int, interpolation: str) -> Image:
    """The image as torchvision resizes tensors: filtered as PIL does, in floats, with another bicubic curve."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    mode = "bicubic" if interpolation in ("bicubic", "lanczos") else "bilinear"
    resized = torch.nn.functional.interpolate(pixels, (height, width), mode=mode, align_corners=False, antialias=True)
    return np.asarray(resized[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy())


OPENCV = ("nearest", "linear", "cubic", "area", "lanczos4")
"""OpenCV's interpolations, as its flags name them; linear is its default."""


def other_resizers(canvas: Canvas) -> dict[str, Resizer]:
    """The usual ways to resize a photograph, but for that of a canvas, by library and interpolation."""

    def as_named(resizer: Callable[[Image, int, int, Any], Image], name: str) -> Resizer:
        return lambda image, height, width, _: resizer(image, height, width, name)

    pillow = [name for name in get_args(Interpolation) if name != canvas.interpolation]
    return {
        **{f"OpenCV {name}": as_named(by_opencv, name) for name in OPENCV},
        **{f"PIL {name}": as_named(resize, name) for name in pillow},
        **{f"torchvision's tensors {name}": as_named(torch_tensors, name) for name in ("bilinear", "bicubic")},
    }


def variations(benchmark: Benchmark, classifier: Classifier, batch_size: int) -> list[Variation]:
    """The settings that can be varied of this model on this benchmark.

    Args:
        benchmark: which.
        classifier: the model as it is usually run.
        batch_size: that it is usually run with.
    """
    other = OTHER_BATCH if batch_size != OTHER_BATCH else OTHER_BATCH // 2
    resizes = [
        Variation("resize", "OpenCV", resizer=opencv),
        Variation("resize", "torch tensors", resizer=torch_tensors),
    ]
    settings = [
        *(resizes if whole_picture_model(classifier) is None else []),  # else nothing here resizes them
        Variation("batch size", str(other), request=lambda request: replace(request, batch_size=other)),
    ]
    view = classifier.spec.view
    if classifier.runtimes.name == "onnxruntime" and (view.mean, view.std) != ((0.0,) * 3, (1.0,) * 3):
        settings.append(Variation("normalisation", "float64", placement={"runtime": "onnxruntime_float64"}))
    if classifier.has_gradients:  # an ONNX file has the precision and the runtime that it has
        precision = "bf16" if classifier.precision == "fp32" else "fp32"
        settings.append(Variation("precision", precision, placement={"precision": precision}))
    if classifier.has_gradients and classifier.device == "cpu":
        runtime = "torch" if classifier.runtimes.name != "torch" else "openvino"
        settings.append(Variation("runtime", runtime, placement={"runtime": runtime}))
    if benchmark.attack is not None or len(benchmark.conditions()) > 1:
        settings.append(Variation("seed", "the next", request=lambda request: replace(request, seed=request.seed + 1)))
    return settings
