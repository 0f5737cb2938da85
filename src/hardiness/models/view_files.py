"""Views in files of other libraries: of timm, transformers and albumentations, and transforms of torchvision."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, HardinessError, ModelError
from hardiness.core.fact import Fact
from hardiness.core.model import View
from hardiness.models.failures import first_line
from hardiness.models.own_file import OwnFile
from hardiness.models.own_functions import is_factory
from hardiness.models.processors import compare_with_view, load_processor, view_of
from hardiness.models.stated_views import NUMBERS
from hardiness.models.transformers_parts import transformers_package

_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin")
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class StatedView:
    """A view that was read from a file, and what a person should know about it."""

    view: View
    notes: tuple[Fact, ...] = ()


def read_view(text: str) -> StatedView:
    """The view that a file of another library states.

    Args:
        text: a JSON or YAML file with timm's configuration, a processor of transformers or a pipeline of
            albumentations; a folder that holds one of the first two; ``py:FILE.py:NAME``, a transform of torchvision.

    Raises:
        ArgumentError: the file cannot be read, is a pickle, is none of these, or does what no view does.
        ModelError: a file of one's own fails.
    """
    try:
        if text.startswith("py:"):
            return StatedView(_of_torchvision(text))
        path = _file(Path(text), text)
        stated = _parsed(path)
        if "transform" in stated or "__class_fullname__" in stated:
            return _of_albumentations(stated, text)
        if "pretrained_cfg" in stated or "input_size" in stated:
            return StatedView(view_of_timm(_resolved_by_timm(stated)))
        if "image_mean" in stated or "do_resize" in stated or "image_processor_type" in stated:
            return StatedView(_of_transformers(path, text))
    except HardinessError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"preprocessing={text} cannot be followed: {type(error).__name__}: {first_line(error)}"
        ) from (error)
    raise ArgumentError(
        f"preprocessing={text} must be timm's configuration, a processor of transformers or a pipeline of "
        f"albumentations; its keys are {', '.join(list(stated)[:5]) or 'none'}: state mean=, std=, resize_px=, crop_px="
    )


def _file(path: Path, text: str) -> Path:
    """The file itself, or that of a folder."""
    if path.is_dir():
        inside = [path / name for name in ("preprocessor_config.json", "config.json") if (path / name).is_file()]
        if not inside:
            raise ArgumentError(
                f"preprocessing={text} must hold preprocessor_config.json or config.json, holds neither"
            )
        return inside[0]
    if not path.is_file():
        raise ArgumentError(
            f"preprocessing= must be a file or py:FILE.py:NAME, was {text!r}; state mean=, std=, resize_px=, crop_px="
        )
    return path


def _parsed(path: Path) -> Mapping[str, Any]:
    """The mapping in a JSON or YAML file; nothing in it is run."""
    content = path.read_bytes()[: _LARGEST_FILE + 1]
    if path.suffix.lower() in _PICKLES or content.startswith((b"\x80", b"PK")):
        raise ArgumentError(
            f"preprocessing={path} is a pickle, which runs code when it is read, so it is refused; save the "
            "preprocessing as JSON or YAML, or name a transform with py:FILE.py:NAME"
        )
    if len(content) > _LARGEST_FILE:
        raise ArgumentError(f"preprocessing={path} must be at most 1 MiB, is larger")
    try:
        settings = json.loads(content) if path.suffix.lower() == ".json" else _yaml(content, path)
    except ArgumentError:
        raise
    except Exception as error:
        raise ArgumentError(f"preprocessing={path} must be JSON or YAML, and is not: {first_line(error)}") from error
    if not isinstance(settings, Mapping):
        raise ArgumentError(f"preprocessing={path} must hold a mapping, holds {type(settings).__name__}")
    return settings


def _yaml(content: bytes, path: Path) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise ArgumentError(f"preprocessing={path} is YAML, which needs pyyaml; pip install pyyaml") from None
    return yaml.safe_load(content)


def _resolved_by_timm(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    from timm.data import resolve_data_config

    config = settings.get("pretrained_cfg", settings)
    lacks = [key for key in ("input_size", "mean", "std") if key not in config]
    if lacks:
        raise ArgumentError(f"timm's configuration must state {', '.join(lacks)}; give them as options instead")
    resolved: Mapping[str, Any] = resolve_data_config(pretrained_cfg=dict(config))
    channels, height, width = resolved["input_size"]
    if channels != 3 or height != width:
        raise ArgumentError(f"timm's configuration must be of square RGB images, is of {channels} x {height} x {width}")
    return resolved


def view_of_timm(data: Mapping[str, Any]) -> View:
    """The view of a configuration that timm has resolved.

    Source: timm's evaluation transform: shorter side to floor(crop / crop_pct), then the centre crop.
    """
    crop = data["input_size"][1]
    interpolation = data["interpolation"]
    return View(
        resize_px=math.floor(crop / data["crop_pct"]),
        crop_px=crop,
        interpolation="bilinear" if interpolation == "random" else interpolation,
        crop_mode=data["crop_mode"],
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
    )


def _of_transformers(path: Path, text: str) -> View:
    transformers_package()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "preprocessor_config.json").write_bytes(path.read_bytes())
        processor = load_processor(folder, trusted=False, local=True)
    return view_of(processor, f"preprocessing={text}")


def _of_torchvision(text: str) -> View:
    """The view of a transform in a person's file, held against the transform on four pictures.

    Raises:
        ArgumentError: it does what no view does.
        ModelError: the file fails, or holds no such transform.
    """
    where = f"preprocessing={text}"
    own = OwnFile.named(text.removeprefix("py:"), "py:")
    value = own.value("transform")
    transform = own.called(value) if is_factory(value) else value
    try:
        view = _followed(list(_steps(transform)))
        compare_with_view(_applied(transform), view)
    except HardinessError as error:
        raise ArgumentError(
            f"{where} cannot be followed: {error}; state mean=, std=, resize_px=, crop_px= by hand"
        ) from None
    return view


def _applied(transform: Callable[[Any], Any]) -> Callable[[Image], Any]:
    from PIL import Image as PILImage

    def apply(picture: Image) -> Any:
        try:
            return np.asarray(transform(PILImage.fromarray(picture)))
        except Exception as error:
            raise ModelError(f"it fails on a picture: {type(error).__name__}: {first_line(error)}") from error

    return apply


def _steps(transform: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and settings of each step of a torchvision transform."""
    kind = type(transform).__name__
    if kind in ("Compose", "Sequential"):
        for step in getattr(transform, "transforms", transform):
            yield from _steps(step)
    elif kind == "ImageClassification":  # the transforms of torchvision's own weights
        yield "Resize", {"size": transform.resize_size, "interpolation": transform.interpolation}
        yield "CenterCrop", {"size": transform.crop_size}
        yield "Normalize", {"mean": transform.mean, "std": transform.std}
    else:
        yield kind, vars(transform)


_TO_NUMBERS = ("ToTensor", "PILToTensor", "ToImage", "ToDtype", "ConvertImageDtype", "ToPureTensor", "Lambda")


def _followed(steps: list[tuple[str, Mapping[str, Any]]]) -> View:
    """The view of a resize, a centre crop and a normalisation; anything else is no view."""
    view: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    for kind, settings in steps:
        if kind == "Resize":
            size = settings["size"]
            sides = [size] if isinstance(size, int) else list(size)
            if len(sides) == 2 and sides[0] != sides[1]:
                raise ArgumentError(f"it resizes to {sides[0]} x {sides[1]}, and a square is needed")
            view["resize_px"] = sides[0]
            view["interpolation"] = getattr(settings["interpolation"], "value", settings["interpolation"])
            if len(sides) == 2:
                view.update(crop_mode="squash", crop_px=sides[0])
        elif kind == "CenterCrop":
            size = settings["size"]
            view["crop_px"] = size if isinstance(size, int) else size[0]
        elif kind == "Normalize":
            view["mean"], view["std"] = (tuple(map(float, settings[key])) for key in NUMBERS)
        elif kind not in _TO_NUMBERS:
            raise ArgumentError(f"its step {kind} is no resize, centre crop or normalisation")
    if "resize_px" not in view:
        view.update(resize_px=view.get("crop_px", 1), crop_mode="unresized")
    if "crop_px" not in view:
        raise ArgumentError("it crops no square, so pictures come out in many sizes")
    return View(**view)


# OpenCV's numbers for its filters, which albumentations stores, as the filters of PIL that come nearest.
_OPENCV = {0: "nearest", 1: "bilinear", 2: "bicubic", 3: "box", 4: "lanczos"}


def _of_albumentations(settings: Mapping[str, Any], text: str) -> StatedView:
    """The view of a pipeline as ``albumentations.save`` writes it.

    Differs: albumentations resizes with OpenCV, which does not smooth where it shrinks; a view resizes as PIL does.
    """
    where = f"preprocessing={text}"
    view: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    for step in _pipeline(settings.get("transform", settings)):
        kind = str(step.get("__class_fullname__", "")).rpartition(".")[2]
        if kind in ("Resize", "SmallestMaxSize"):
            side = step.get("height") if kind == "Resize" else step.get("max_size")
            side = side[0] if isinstance(side, list | tuple) and len(side) == 1 else side
            if not isinstance(side, int) or (kind == "Resize" and step.get("width") != side):
                raise ArgumentError(f"{where}: its {kind} must be to a square of one size, is to {side!r}")
            if "resize_px" in view or "crop_px" in view:
                raise ArgumentError(f"{where}: its {kind} comes after another resize or crop, which no view does")
            view["resize_px"] = side
            view["interpolation"] = _OPENCV.get(step.get("interpolation", 1), "bilinear")
            if kind == "Resize":
                view.update(crop_mode="squash", crop_px=side)
        elif kind == "CenterCrop":
            if step.get("height") != step.get("width"):
                raise ArgumentError(f"{where}: its CenterCrop must be square")
            view["crop_px"] = step["height"]
        elif kind == "Normalize":
            if step.get("normalization", "standard") != "standard":
                raise ArgumentError(f"{where}: its Normalize goes by each image, which no view does")
            scale = float(step.get("max_pixel_value", 255.0))
            factor = 255.0 / scale
            view["mean"], view["std"] = (tuple(float(v) / factor for v in _three(step, key, where)) for key in NUMBERS)
        elif kind not in ("ToTensorV2", "ToTensor", "NoOp"):
            raise ArgumentError(f"{where}: its step {kind or '?'} is no resize, centre crop or normalisation")
    if "resize_px" not in view or "crop_px" not in view:
        raise ArgumentError(f"{where} must resize and crop (or squash) to a square; state resize_px= and crop_px=")
    return StatedView(
        View(**view), (Fact(ModelNote.OTHER_RESIZE, {"library": "albumentations", "resizes_by": "OpenCV"}),)
    )


def _three(step: Mapping[str, Any], key: str, where: str) -> list[float]:
    value = step.get(key)
    values = [value] * 3 if isinstance(value, int | float) else value
    if not isinstance(values, list | tuple) or len(values) != 3:
        raise ArgumentError(f"{where}: its {key} must be three numbers, was {value!r}")
    return list(values)


def _pipeline(step: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The steps of pipelines within pipelines; what chooses among steps stays one, which is refused by its name."""
    kind = str(step.get("__class_fullname__", "Compose")).rpartition(".")[2]
    if "transforms" in step and kind in ("Compose", "Sequential"):
        for inner in step["transforms"]:
            yield from _pipeline(inner)
    else:
        yield step
