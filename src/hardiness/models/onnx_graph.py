"""ONNX files, read without ONNX: the operators of a graph, the files that hold its tensors, a hash over both."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardiness.core.errors import ModelError
from hardiness.sources.packages import file_sha256

# Messages of the ONNX schema and, by field number, those of their fields that can lead to a tensor.
# Source: onnx.proto3 of ONNX 1.16.
_FIELDS = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_DEEPEST = 50
"""Most graphs within each other."""


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
        ModelError: the file is not in ONNX's format.

    Source: onnx.proto3: a model's graph is field 7, its nodes field 1; of a node inputs are 1, outputs 2, operator 4.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        try:
            made, training = dict(_nodes(view)), tuple(dict.fromkeys(_in_training(view)))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} must be an ONNX graph, and is damaged: {error}") from None
        finally:
            view.release()
    return OnnxNodes(made, frozenset(kind for kind, _ in made.values()), training)


def _nodes(data: memoryview) -> Iterator[tuple[str, tuple[str, tuple[str, ...]]]]:
    """For each tensor that a node of a model's graph puts out, the node's operator and its inputs."""
    for number, graph in _messages(data):
        for field, node in _messages(graph) if number == 7 else ():
            if field != 1:
                continue
            texts: dict[int, list[str]] = {}
            for part, value in _messages(node):
                if part in (1, 2, 4):
                    texts.setdefault(part, []).append(bytes(value).decode())
            inputs, kind = texts.get(1, [""]), texts.get(4, [""])
            yield from ((output, (kind[0], tuple(inputs))) for output in texts.get(2, ()))


def _in_training(data: memoryview) -> Iterator[str]:
    """The operators of a model's graph that compute as in training, each as often as it is there.

    Source: onnx/docs/Operators.md: BatchNormalization's attribute ``training_mode`` (opset 14), Dropout's third input
        of that name (opset 12), which exporters make a constant. onnx.proto3: of a node attributes are field 5; of an
        attribute the name is 1, an integer 3, a tensor 5; of a graph initializers are 5; of a tensor the name is 8,
        raw data 9, integers 5.
    """
    trues: set[str] = set()
    dropouts: list[str] = []
    for number, graph in _messages(data):
        for field, message in _messages(graph) if number == 7 else ():
            if field == 5:
                names = [bytes(text).decode() for part, text in _messages(message) if part == 8]
                trues.update(names if _is_true(message) else ())
            elif field == 1:
                texts: dict[int, list[str]] = {1: [], 2: [], 4: []}
                attributes = []
                for part, value in _messages(message):
                    if part in texts:
                        texts[part].append(bytes(value).decode())
                    elif part == 5:
                        attributes.append(value)
                kind = next(iter(texts[4]), "")
                if kind == "Constant" and any(
                    _is_true(own) for each in attributes for part, own in _messages(each) if part == 5
                ):
                    trues.update(texts[2])
                elif kind == "BatchNormalization" and any(map(_is_training_mode, attributes)):
                    yield kind
                elif kind == "Dropout" and len(texts[1]) > 2:
                    dropouts.append(texts[1][2])
    yield from ("Dropout" for switch in dropouts if switch in trues)


def _is_training_mode(attribute: memoryview) -> bool:
    """Whether an attribute is ``training_mode`` and says so."""
    fields = dict(_fields(attribute))
    name = fields.get(1, b"")
    return not isinstance(name, int) and bytes(name) == b"training_mode" and fields.get(3) == 1


def _is_true(tensor: memoryview) -> bool:
    """Whether a tensor of one element holds another number than 0."""
    fields = dict(_fields(tensor))
    content = [fields.get(number, b"") for number in (9, 5)]
    return any(part not in (0, b"") and (isinstance(part, int) or bytes(part).strip(b"\0") != b"") for part in content)


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
        ModelError: the file is not in ONNX's format.
    """
    if not path.stat().st_size:
        raise ModelError(f"{path} must be an ONNX graph, and is empty")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        try:
            return sorted(set(_locations(view, "model", 0)))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} must be an ONNX graph, and is damaged: {error}") from None
        finally:
            view.release()


def _locations(data: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError(f"its graphs are nested more than {_DEEPEST} deep")
    for number, value in _messages(data):
        inner = _FIELDS[kind].get(number)
        if inner == "entry":
            entry = {field: bytes(text) for field, text in _messages(value)}
            if entry.get(1) == b"location":
                yield entry.get(2, b"").decode()
        elif inner:
            yield from _locations(value, inner, depth + 1)


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and contents of each field that has a length."""
    yield from ((number, value) for number, value in _fields(data) if not isinstance(value, int))


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Number and contents of each field that has a length, and of each that is a number of any length.

    Source: Protocol Buffers, Encoding: a key is ``number << 3 | type``; type 0 is a varint, 1 is 8 bytes, 2 has a
    length before it, 5 is 4 bytes.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("a field is longer than the file")
            yield key >> 3, data[at : at + length]
            at += length
        else:
            raise ValueError(f"there is no field of type {kind}")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins there, seven bits a byte, the lowest first, and the place behind it."""
    number = 0
    for place in range(10):  # a number of 64 bits has no more bytes
        byte = data[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise ValueError("a number has more than 10 bytes")
