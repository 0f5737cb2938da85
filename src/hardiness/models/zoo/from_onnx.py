"""``onnx:FILE``: a graph for ONNX Runtime; no gradients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hardiness.core import ArgumentError, ModelError, ModelSpec, View
from hardiness.models.catalogue import Built, OnnxFile, Scheme, schemes
from hardiness.models.execution.runtimes.onnx_runtime import session


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
    given, made = graph.get_inputs()[0].shape, graph.get_outputs()[0].shape
    if len(given) != 4 or (given[1] not in (3, None) and isinstance(given[1], int)):
        raise ModelError(f"{name} must take images (N, 3, H, W), takes {given}")
    if len(made) != 2 or not isinstance(made[1], int):
        raise ModelError(f"{name} must put out logits (N, classes), puts out {made}")
    side = given[2] if isinstance(given[2], int) else None
    view = View(resize_px=side * 256 // 224, crop_px=side) if side else View()
    return ModelSpec(
        f"onnx:{name}", f"{__name__}:build", view, made[1], input_px=side, summary=f"ONNX graph {path.name}"
    )


def build(spec: ModelSpec) -> Built:
    """The file, whose hash is the identity of its weights."""
    return Built(OnnxFile(spec.name.removeprefix("onnx:")))


schemes.register("onnx", Scheme("onnx:FILE", "a graph for ONNX Runtime; no gradients", spec), __name__)
