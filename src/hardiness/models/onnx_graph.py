"""ONNX files: the operators of a graph, the files that hold its tensors, a hash over both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardiness.core.errors import ModelError
from hardiness.sources.packages import file_sha256


@dataclass(frozen=True)
class OnnxNodes:
    """The operators of a graph's own level.

    Attributes:
        made: for each tensor that a node puts out, the node's operator and its inputs.
        kinds: the operators that there are.
        training: operators that compute as in training: by the statistics of the batch, or by chance.
    """

    made: Mapping[str, tuple[str, tuple[str, ...]]]
    kinds: frozenset[str]
    training: tuple[str, ...] = ()

    def made_by(self, tensor: str, passing: Sequence[str], scaling: Sequence[str] = ()) -> str:
        """The operator that a tensor comes from, some apart; empty where it is an input.

        Args:
            tensor: its name.
            passing: operators that are passed over to what makes their first input.
            scaling: operators that are passed over where all of their inputs but one are constants.
        """
        for _ in range(len(self.made) + 1):
            kind, inputs = self.made.get(tensor, ("", ("",)))
            computed = [name for name in inputs if self.made.get(name, ("Constant",))[0] != "Constant"]
            if kind in passing:
                tensor = inputs[0]
            elif kind in scaling and len(computed) == 1:
                tensor = computed[0]
            else:
                return kind
        return ""


def onnx_nodes(path: Path) -> OnnxNodes:
    """The operators of a graph in a file.

    Raises:
        ModelError: onnx is absent, or the file is not in its format.
    """
    graph = _model(path).graph
    made = {output: (node.op_type, tuple(node.input)) for node in graph.node for output in node.output}
    return OnnxNodes(made, frozenset(kind for kind, _ in made.values()), tuple(dict.fromkeys(_in_training(graph))))


def _in_training(graph: Any) -> Iterator[str]:
    """The operators of a graph that compute as in training, each as often as it is there.

    Source: onnx/docs/Operators.md: BatchNormalization's attribute ``training_mode`` (opset 14), Dropout's third input
        of that name (opset 12), which exporters make a constant.
    """
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {
        node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant" and node.attribute
    }
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            is_training = any(each.name == "training_mode" and each.i == 1 for each in node.attribute)
        else:
            switch = constants.get(node.input[2]) if node.op_type == "Dropout" and len(node.input) > 2 else None
            is_training = switch is not None and bool(numpy_helper.to_array(switch).any())
        if is_training:
            yield node.op_type


def onnx_sha256(path: Path) -> str:
    """Hexadecimal sha256 over an ONNX file; where tensors lie in further files, over the hashes of all, by name.

    Raises:
        ModelError: the file cannot be read as a graph, or one that it names is absent or lies outside its folder.
    """
    own = file_sha256(path)
    digest = hashlib.sha256(f"{own}\n".encode())
    names = external_files(path)
    for name in names:
        file = path.parent / name
        if not file.resolve().is_relative_to(path.parent.resolve()):
            raise ModelError(f"{path} names {name!r} for its tensors, which lies outside its folder; refused")
        if not file.is_file():
            raise ModelError(f"{path} needs the file {name!r} beside it, and there is none")
        digest.update(f"{name} {file_sha256(file)}\n".encode())
    return digest.hexdigest() if names else own


def external_files(path: Path) -> list[str]:
    """Sorted names of the files beside an ONNX file that hold tensors of it.

    Raises:
        ModelError: onnx is absent, or the file is not in its format.
    """
    return sorted(
        {entry.value for tensor in _tensors(_model(path)) for entry in tensor.external_data if entry.key == "location"}
    )


def _model(path: Path) -> Any:
    """The message in an ONNX file, without tensors of further files."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ModuleNotFoundError:
        raise ModelError("onnx: models need onnx; pip install 'hardiness[onnx]'") from None
    if not path.stat().st_size:
        raise ModelError(f"{path} must be an ONNX graph, and is empty")
    try:
        return onnx.load(path, format="protobuf", load_external_data=False)
    except DecodeError as error:
        raise ModelError(f"{path} must be an ONNX graph, and is damaged: {error}") from None


def _tensors(message: Any) -> Iterator[Any]:
    """The tensors within a message, wherever in it: of subgraphs, functions and sparse tensors, too."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if hasattr(value, "append") else [value]:
                yield from _tensors(inner)
