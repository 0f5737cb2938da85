"""``onnx:FILE``: a graph for ONNX Runtime; no gradients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardiness.core import ArgumentError, ModelError, ModelSpec, View
from hardiness.models.catalogue import Built, OnnxFile, Scheme, schemes
from hardiness.models.runtimes.onnx_runtime import IMAGE_TYPES, session


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of an ONNX file; its preprocessing is the usual one of ImageNet unless options say otherwise.

    Raises:
        ArgumentError: there is no such file, or ``weights`` is given.
        ModelError: it cannot be loaded, or does not map one batch of images to one batch of logits.
    """
    path = Path(name)
    if not path.is_file():
        raise ArgumentError(f"onnx: must be followed by a file; there is none at {name}")
    if "weights" in options:
        raise ArgumentError("weights= is not for onnx: models, whose file holds them; leave it out")
    graph = session(name, ["CPUExecutionProvider"])
    side = _side(graph.get_inputs(), name)
    classes = _classes(graph.get_outputs(), name)
    view = View(resize_px=side * 256 // 224, crop_px=side) if side else View()
    return ModelSpec(
        f"onnx:{name}", f"{__name__}:build", view, classes, input_px=side, summary=f"ONNX graph {path.name}"
    )


def _side(given: list[Any], name: str) -> int | None:
    """The one side of the images that the graph takes, or ``None`` where it is free."""
    if len(given) != 1:
        named = ", ".join(each.name for each in given[:5]) or "none"
        raise ModelError(f"{name} must have one input, the images; has {len(given)} ({named})")
    kind, shape = given[0].type, given[0].shape
    if kind not in IMAGE_TYPES:
        raise ModelError(
            f"{name} must take images as floating-point numbers, takes {kind}; export it without the part that "
            "normalises, and give mean= and std="
        )
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
        raise ModelError(f"{name} must take images (N, 3, H, W), takes {shape}")
    height, width = (each if isinstance(each, int) else None for each in shape[2:])
    if height != width:
        raise ModelError(f"{name} must take square images, takes {shape}")
    return height


def _classes(made: list[Any], name: str) -> int:
    shape = made[0].shape if made else []
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise ModelError(f"{name} must put out logits (N, classes) first, puts out {shape}")
    if made[0].type not in IMAGE_TYPES:
        raise ModelError(f"{name} must put out logits as floating-point numbers, puts out {made[0].type}")
    return int(shape[1])


def build(spec: ModelSpec) -> Built:
    """The file; the hash over it and the files beside it that it names is the identity of its weights."""
    return Built(OnnxFile(spec.name.removeprefix("onnx:")))


schemes.register("onnx", Scheme("onnx:FILE", "a graph for ONNX Runtime; no gradients", spec), __name__)
