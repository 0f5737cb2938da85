"""``onnx:FILE``: a graph for ONNX Runtime; no gradients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from hardiness.core.codes import ModelNote
from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import ModelSpec, View
from hardiness.models.activation import ACTIVATION, ACTIVATION_HELP, is_sigmoid
from hardiness.models.catalogue import BuilderResult, OnnxFile, Scheme, schemes
from hardiness.models.onnx_graph import onnx_nodes
from hardiness.models.options import split
from hardiness.models.runtimes.onnx_runtime import FLOATS, IMAGE_TYPES, LAYOUTS, session
from hardiness.models.stated_views import PREPROCESSING, assumed_geometry, require_view

_OPTIONS = {
    "layout": "nchw or nhwc, where the shape of its input does not say it",
    "output": "name of the output to read, logits or probabilities, or NAME+probabilities",
    ACTIVATION: ACTIVATION_HELP,
}
_MEANINGS = ("logits", "probabilities")
_NUMBERS = ("mean", "std", "range")
_PASSES = ("Identity", "Cast", "QuantizeLinear", "DequantizeLinear", "Reshape", "Squeeze", "Flatten", "Clip")
"""Operators behind which a softmax is still a softmax; `_SCALES` too, where their other side is a constant."""

_SCALES = ("Mul", "Div")
_SIGMOIDS = ("Sigmoid", "QLinearSigmoid", "HardSigmoid")

_INTEGERS = re.compile(r"QuantizeLinear|DequantizeLinear|DynamicQuantize\w+|QLinear\w+|QGemm|QAttention|\w+Integer\w*")
"""Operators that compute in integers, or go there and back; those of ONNX and of ONNX Runtime."""

_BY_BATCH = re.compile(r"DynamicQuantize\w+")
"""Operators that choose the scale of integers by all numbers of a tensor, so by all images of a call."""


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of an ONNX file; its view is what options state.

    Raises:
        ArgumentError: there is no such file, no view is stated, ``weights`` is given, or the graph leaves its layout or
            its output open.
        ModelError: it cannot be loaded, or does not map one batch of images to one batch of logits.
    """
    path = Path(name)
    if not path.is_file():
        raise ArgumentError(f"onnx: must be followed by a file; there is none at {name}")
    if "weights" in options:
        raise ArgumentError("weights= is not for onnx: models, whose file holds them; leave it out")
    graph = read_graph(name, options)
    bytes_in = graph.file.bytes_in
    require_view(f"onnx:{name}", options, bytes_in=bytes_in)
    if bytes_in and (odd := [key for key in _NUMBERS if key in options]):
        raise ArgumentError(f"{odd[0]}= is not for onnx:{name}, which takes images as bytes; leave it out")
    side = max(graph.file.size) if graph.file.size else None
    view = View(resize_px=side * 256 // 224, crop_px=side) if side else View()
    return ModelSpec(
        f"onnx:{name}",
        f"{__name__}:build",
        view,
        graph.classes,
        input_px=side,
        options=tuple((key, options[key]) for key in _OPTIONS if key in options),
        summary=f"ONNX graph {path.name}",
    )


@dataclass(frozen=True)
class Graph:
    """A graph as it is run: its file with inputs and outputs, and its number of classes."""

    file: OnnxFile
    classes: int
    notes: tuple[Fact, ...] = ()


def read_graph(name: str, options: Mapping[str, str]) -> Graph:
    """The graph as it is to be run, by its own declarations and by options.

    Raises:
        ArgumentError: it leaves open what an option is to say, or an option says what cannot be.
        ModelError: no images go in, or no logits come out.
    """
    onnx_session = session(name, ["CPUExecutionProvider"])
    inputs, outputs = onnx_session.get_inputs(), onnx_session.get_outputs()
    layout, size = _input(inputs, name, options.get("layout"))
    sigmoid = is_sigmoid(options, name)
    output, meaning = _output(outputs, name, options.get("output", ""), sigmoid)
    nodes = onnx_nodes(Path(name))
    last = nodes.made_by(output.name, _PASSES, _SCALES)
    is_softmax, is_behind = last == "Softmax", last in _SIGMOIDS
    if (is_softmax or (is_behind and sigmoid)) and meaning == "logits":
        end = "softmax" if is_softmax else "sigmoid"
        raise ArgumentError(f"output=logits cannot be: {name} ends in a {end}; leave it out, or cut the {end} off")
    if is_softmax and sigmoid:
        raise ArgumentError(f"{ACTIVATION}=sigmoid cannot be: {name} ends in a softmax; leave it out")
    outputs_count = output.shape[1] if len(output.shape) == 2 else 1
    if is_behind and not sigmoid:
        raise ArgumentError(
            f"{name} ends in a sigmoid: its outputs are a probability of each class by itself, and no logits: state "
            f"{ACTIVATION}=sigmoid{', which makes two classes of its one output' if outputs_count == 1 else ''}"
        )
    if outputs_count == 1 and not sigmoid:
        raise ArgumentError(
            f"{name} has one output, and a classifier has two and more: where it is that of the second of two classes, "
            f"by a sigmoid, state {ACTIVATION}=sigmoid"
        )
    probabilities = is_softmax or is_behind or meaning == "probabilities"
    quantised = any(map(_INTEGERS.fullmatch, nodes.kinds))
    one_by_one = any(map(_BY_BATCH.fullmatch, nodes.kinds))
    kinds = {"tensor(float16)": "fp16"}.get(inputs[0].type, "")
    notes = list[Fact]()
    if sigmoid:
        notes.append(Fact(ModelNote.SIGMOID))
    elif probabilities:
        notes.append(Fact(ModelNote.PROBABILITIES))
    if quantised or kinds == "fp16":
        notes.append(
            Fact(
                ModelNote.LOW_PRECISION_GRAPH,
                {"precision": "int8" if quantised else "fp16", "version": _version()},
            )
        )
    if nodes.training:
        notes.append(Fact(ModelNote.TRAINING_GRAPH, {"nodes": ", ".join(nodes.training)}))
    if one_by_one:
        notes.append(Fact(ModelNote.SCALES_BY_CALL))
    file = OnnxFile(
        name,
        layout=layout,
        bytes_in=inputs[0].type == "tensor(uint8)",
        size=size,
        output=output.name,
        probabilities=probabilities,
        sigmoid=sigmoid,
        is_stated=bool(meaning),
        quantised=quantised,
        one_by_one=one_by_one,
    )
    return Graph(file, 2 if outputs_count == 1 else int(outputs_count), tuple(notes))


def _version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)


def _input(inputs: list[Any], name: str, stated: str | None) -> tuple[Literal["nchw", "nhwc"], tuple[int, int] | None]:
    """The layout of the images that a graph takes, and their height and width where both are fixed."""
    if len(inputs) != 1:
        named = ", ".join(item.name for item in inputs[:5]) or "none"
        raise ModelError(f"{name} must have one input, the images; has {len(inputs)} ({named})")
    kind, shape = inputs[0].type, inputs[0].shape
    if kind not in IMAGE_TYPES:
        raise ModelError(f"{name} must take images as floating-point numbers or uint8, takes {kind}")
    if stated is not None and stated not in LAYOUTS:
        raise UnknownNameError(f"layout of {name}", stated, LAYOUTS)
    if len(shape) != 4:
        raise ModelError(f"{name} must take images (N, 3, H, W) or (N, H, W, 3), takes {shape}")
    if 0 in shape:
        raise ModelError(
            f"{name} must take images of a size, and takes {shape}, which hold no pixel: export it with the size of "
            "its images, or with that axis left free"
        )
    channels = {"nchw": shape[1], "nhwc": shape[3]}
    fits = [layout for layout in LAYOUTS if channels[layout] == 3]
    open_layouts = [layout for layout in LAYOUTS if not isinstance(channels[layout], int)]
    if stated is not None and stated not in (*fits, *open_layouts):
        raise ArgumentError(f"layout={stated} cannot be: {name} takes images {shape}")
    if stated is None and len(fits) != 1:
        if not fits and not open_layouts:
            raise ModelError(f"{name} must take images (N, 3, H, W) or (N, H, W, 3), takes {shape}")
        raise ArgumentError(
            f"{name} takes images {shape}, which may be either layout: state layout=nchw or layout=nhwc"
        )
    layout = stated or fits[0]
    height, width = shape[2:] if layout == "nchw" else shape[1:3]
    if isinstance(height, int) != isinstance(width, int):
        raise ModelError(f"{name} must fix both sides of its images or neither, takes {shape}")
    return layout, (height, width) if isinstance(height, int) else None  # type: ignore[return-value]  # one of LAYOUTS


def _output(outputs: list[Any], name: str, stated: str, sigmoid: bool) -> tuple[Any, str]:
    """The output to read, and its stated meaning: ``"logits"``, ``"probabilities"`` or empty.

    With ``sigmoid`` it may also be one number for each image, without an axis of its own.
    """
    named = {output.name: output for output in outputs}
    chosen, _, meaning = stated.rpartition("+") if stated.rpartition("+")[2] in _MEANINGS else (stated, "", "")
    if stated in _MEANINGS:
        chosen, meaning = (stated if stated in named else ""), stated
    if chosen and chosen not in named:
        raise UnknownNameError(f"output of {name}", chosen, (*named, *_MEANINGS))
    fitting = [
        output
        for output in outputs
        if output.type in FLOATS
        and ((len(output.shape) == 2 and isinstance(output.shape[1], int)) or (sigmoid and len(output.shape) == 1))
    ]
    if chosen:
        if named[chosen] not in fitting:
            form = f"{named[chosen].shape}, {named[chosen].type}"
            raise ArgumentError(f"output={chosen} cannot be: it is {form}, and (N, classes) of floats is needed")
        return named[chosen], meaning
    if not fitting:
        shapes = ", ".join(f"{output.name} {output.shape} {output.type}" for output in outputs[:5])
        is_one = any(len(output.shape) == 1 and output.type in FLOATS for output in outputs)
        hint = "; one number for each image is read as that of two classes with activation=sigmoid" if is_one else ""
        raise ModelError(f"{name} must put out logits (N, classes) as floating-point numbers, puts out {shapes}{hint}")
    if len(fitting) > 1:
        names = ", ".join(output.name for output in fitting[:6])
        raise ArgumentError(f"{name} has {len(fitting)} outputs that may be its logits ({names}): state output=NAME")
    return fitting[0], meaning


def build(spec: ModelSpec) -> BuilderResult:
    """The file and its settings; the hash over it and the files that it names is the identity of its weights.

    Raises:
        ArgumentError: it takes images that are not square, and the view does not say how they become so.
    """
    name, (_, options) = spec.name.removeprefix("onnx:"), split(spec.asked)
    graph, view = read_graph(name, {**dict(spec.options), **options}), spec.view
    file, notes = graph.file, graph.notes
    if file.bytes_in:
        view = replace(view, mean=(0.0,) * 3, std=(1.0,) * 3, range="0..255")
    if file.size is not None and file.size[0] != file.size[1]:
        stated = PREPROCESSING in options or any(key in options for key in ("crop_mode", "resize_px"))
        if spec.asked and not stated:
            raise ArgumentError(
                f"{spec.name} takes images of {file.size[0]} x {file.size[1]}: state crop_mode=squash, or resize_px= "
                "of the shorter side, from which the centre is cropped"
            )
        file = replace(file, squashed=view.crop_mode == "squash")
    return BuilderResult(
        file,
        spec=replace(spec, view=view),
        notes=(*notes, *(assumed_geometry(view, options) if spec.asked else ())),
        outputs="probabilities" if file.probabilities and not file.sigmoid else "",
    )


schemes.register("onnx", Scheme("onnx:FILE", "a graph for ONNX Runtime; no gradients", spec, _OPTIONS), __name__)
