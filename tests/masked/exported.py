"""One small network in the forms in which networks are deployed as ONNX files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NUMBERS = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"


def export(network: nn.Module, file: Path, size: tuple[int, int] = (224, 224)) -> Path:
    """The network as fp32, (N, 3, H, W) to logits, the batch left free."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), (torch.zeros(1, 3, *size),), file, input_names=["images"], output_names=["logits"],
            dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}}, dynamo=False, opset_version=17,
        )  # fmt: skip
    return file


def changed(
    source: Path,
    file: Path,
    *,
    nhwc: bool = False,
    bytes_in: bool = False,
    softmax: bool = False,
    sigmoid: bool = False,
    odds: str = "",
    more: bool = False,
) -> Path:
    """The same graph behind another input or before another output; ``bytes_in`` normalises in the graph.

    ``odds`` writes a sigmoid otherwise: its operators, joined by ``+``, each with what it needs of constants.
    """
    model = onnx.load(source)
    graph = model.graph
    (given,), (made,) = graph.input, graph.output
    shape = [each.dim_param or each.dim_value for each in given.type.tensor_type.shape.dim]
    first: list[Any] = []
    name = given.name
    for node in graph.node:
        for at, each in enumerate(node.input):
            if each == name:
                node.input[at] = "inner"
    step = "outer"
    if bytes_in:
        first.append(helper.make_node("Cast", [step], ["floats"], to=TensorProto.FLOAT))
        step = "floats"
    if nhwc:
        first.append(helper.make_node("Transpose", [step], ["channels"], perm=[0, 3, 1, 2]))
        step = "channels"
    if bytes_in:
        for label, values in (("mean", MEAN), ("std", STD)):
            array = 255 * np.array(values, np.float32).reshape(1, 3, 1, 1)
            graph.initializer.append(numpy_helper.from_array(array, label))
        first.append(helper.make_node("Sub", [step, "mean"], ["centred"]))
        first.append(helper.make_node("Div", ["centred", "std"], ["scaled"]))
        step = "scaled"
    first.append(helper.make_node("Identity", [step], ["inner"]))
    shape = [shape[0], *shape[2:], 3] if nhwc else shape
    kind = TensorProto.UINT8 if bytes_in else TensorProto.FLOAT
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("outer", kind, shape))
    nodes = [*first, *graph.node]
    classes = made.type.tensor_type.shape.dim[1].dim_value
    outputs = [made.name]
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", [made.name], ["odds"]))
        outputs = ["odds"]
    for step, operator in enumerate(odds.split("+") if odds else ()):
        constants = {"Clip": (0.001, 0.999), "Mul": (1.0,), "Add": (1.0,)}.get(operator, ())
        names = [f"constant {step} {at}" for at in range(len(constants))]
        graph.initializer.extend(
            numpy_helper.from_array(np.array(value, np.float32), name)
            for name, value in zip(names, constants, strict=True)
        )
        inputs = [*names, *outputs] if operator == "Mul" else [*outputs, *names]
        outputs = [f"{operator} {step}"]
        nodes.append(helper.make_node(operator, inputs, outputs))
    if softmax:
        nodes.append(helper.make_node("Softmax", [made.name], ["shares"], axis=-1))
        outputs = ["shares"]
    if more:
        nodes.append(helper.make_node("Identity", [made.name], ["again"]))
        outputs = ["again", *outputs]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.output[:]
    graph.output.extend(helper.make_tensor_value_info(each, TensorProto.FLOAT, ["n", classes]) for each in outputs)
    onnx.save(model, file)
    return file


def in_dynamic_integers(source: Path, file: Path) -> Path:
    """The graph with int8 weights, whose activations ONNX Runtime scales by all images of a call."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(source), str(file), weight_type=QuantType.QUInt8)
    return file


def in_half(source: Path, file: Path) -> Path:
    """The graph with every tensor in 16 bits, also its input and output."""
    model = onnx.load(source)
    for each in model.graph.initializer:
        if each.data_type == TensorProto.FLOAT:
            each.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(each).astype(np.float16), each.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT:
                value = numpy_helper.to_array(attribute.t).astype(np.float16)
                attribute.t.CopyFrom(numpy_helper.from_array(value, attribute.t.name))
    for each in (*model.graph.input, *model.graph.output):
        each.type.tensor_type.elem_type = TensorProto.FLOAT16
    del model.graph.value_info[:]
    onnx.save(model, file)
    return file


def in_integers(source: Path, file: Path, pixels: Sequence[np.ndarray]) -> Path:
    """The graph quantised to int8 by ONNX Runtime (QDQ), calibrated on normalised images ``(1, 3, H, W)``."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # no types
        def __init__(self) -> None:
            self.left = iter([{"images": each} for each in pixels])

        def get_next(self) -> Any:
            return next(self.left, None)

    quantize_static(
        str(source), str(file), Reader(), quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
    )  # fmt: skip
    return file
