"""What makes two models two: weights, code, settings, and which output means which class."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core import ModelError, View
from hardiness.models import load, wrap
from hardiness.models.fingerprint import outputs_sha256
from hardiness.models.onnx_files import external_files, onnx_sha256
from hardiness.reference import wnids

VIEW = View(8, 8)
OWN = """
import torch

SIGN = 1

def turned(x):
    return x * SIGN

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 4)

    def forward(self, x):
        return turned(self.head(x.mean((2, 3)))) * 1

def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()
"""


def _digests(file: Path, name: str = "net", options: str = "") -> tuple[str, str]:
    found = load(f"py:{file}:{name}{options}", device="cpu")
    return found.weights_sha256, found.code_sha256


@pytest.mark.parametrize(
    ("before", "after"), [("* 1\n", "* -1\n"), ("SIGN = 1", "SIGN = -1"), ("x * SIGN", "SIGN - x")]
)
def test_an_edit_of_a_file_is_another_model(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    first = _digests(file)
    assert first == _digests(file)
    file.write_text(OWN.replace(before, after))
    second = _digests(file)
    assert first[0] == second[0], "the weights are the same"
    assert first[1] != second[1]


def test_an_edit_of_what_the_file_imports_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file, found = tmp_path / "outer.py", set()
    for name, text in (("inner_a", OWN), ("inner_b", OWN.replace("* 1\n", "* -1\n"))):
        (tmp_path / f"{name}.py").write_text(text)
        file.write_text("import importlib\nimport sys\nnet = importlib.import_module(sys.argv[-1]).net\n")
        monkeypatch.setattr("sys.argv", [name])
        found.add(_digests(file)[1])
    assert len(found) == 2


def test_a_tag_stands_for_the_code(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    first = _digests(file, options=":tag=first")
    file.write_text(OWN.replace("* 1\n", "* -1\n"))
    assert first == _digests(file, options=":tag=first")
    assert first[1] != _digests(file, options=":tag=second")[1] != _digests(file)[1]


def _defined(forward: str) -> nn.Module:
    """A network whose ``forward`` is this text, as in a notebook, where no file holds the source."""
    space: dict[str, Any] = {"torch": torch, "__name__": "__main__"}
    exec(OWN.replace("turned(self.head(x.mean((2, 3)))) * 1", forward), space)
    network: nn.Module = space["net"]()
    return network


def _code(network: nn.Module, **options: str) -> str:
    return wrap(network, VIEW, name="net", device="cpu", **options).code_sha256


def test_the_code_of_a_module_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", pytest.__file__, raising=False)  # as under python -m
    head = "self.head(x.mean((2, 3)))"
    assert _code(_defined(f"{head} * 1")) == _code(_defined(f"{head} * 1  # the same"))
    assert len({_code(_defined(text)) for text in (f"{head} * 1", f"{head} * -1", f"{head} + 1", f"-{head}")}) == 4
    assert _code(_defined(head), tag="mine") == _code(_defined(f"-{head}"), tag="mine")


def _body(**settings: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kernel = nn.Conv2d(3, 4, 3, **settings)
    return nn.Sequential(kernel, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_settings_that_are_no_weights_count() -> None:
    same, other = _body(stride=1), _body(stride=2)
    assert wrap(same, VIEW, name="a", device="cpu").weights_sha256 == (
        wrap(other, VIEW, name="a", device="cpu").weights_sha256
    )
    assert _code(same) == _code(_body(stride=1)) != _code(other)
    activated = nn.Sequential(*_body(), nn.ReLU()), nn.Sequential(*_body(), nn.GELU())
    assert _code(activated[0]) != _code(activated[1])


def test_hooks_closures_and_unsaved_buffers_count() -> None:
    def hooked(factor: int) -> nn.Module:
        network = _body()
        network.register_forward_hook(lambda _module, _inputs, output: output * factor)
        return network

    def buffered(value: float) -> nn.Module:
        network = _body()
        network.register_buffer("scale", torch.tensor([value]), persistent=False)
        return network

    assert _code(hooked(1)) == _code(hooked(1)) != _code(hooked(2))
    assert _code(buffered(1.0)) == _code(buffered(1.0)) != _code(buffered(2.0))


def test_a_library_s_model_has_no_code_of_its_own() -> None:
    found = load("torchvision:squeezenet1_1:weights=random", device="cpu")
    assert (found.code_sha256, found.outputs_sha256) == ("", "")


def test_what_outputs_mean_is_hashed() -> None:
    assert outputs_sha256(None, None, 1000) == outputs_sha256(range(1000), None, 1000) == ""
    found = [
        outputs_sha256(columns, names, classes)
        for columns, names, classes in (
            (None, None, 7),
            (range(1, 1001), None, 1000),
            (range(999, -1, -1), None, 1000),
            (None, ("a", "b"), 2),
            (None, ("b", "a"), 2),
            (None, wnids(), 1000),
        )
    ]
    assert len(set(found)) == len(found)
    assert "" not in found


def test_a_corrected_class_order_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "wide.py"
    file.write_text(OWN.replace("Linear(3, 4)", "Linear(3, 1001)"))
    plain, dropped = (load(f"py:{file}:net{options}", device="cpu") for options in ("", ":class_order=background+wnid"))
    assert plain.outputs_sha256 != dropped.outputs_sha256
    assert dict(dropped.spec.options)["class_order"] == "background+wnid"


def _exported(folder: Path, value: float, external: bool) -> Path:
    import onnx
    from onnx import helper, numpy_helper

    weight = numpy_helper.from_array(np.full((3, 4), value, np.float32), "weight")
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]
    given = helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["n", 3, 8, 8])
    made = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph(nodes, "net", [given], [made], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = folder / "net.onnx"
    onnx.save_model(
        model, file, save_as_external_data=external, location="net.data", size_threshold=0, convert_attribute=True
    )
    return file


def test_an_onnx_model_s_external_data_count(tmp_path: Path) -> None:
    digests = []
    for value in (1.0, 2.0):
        file = _exported(tmp_path, value, external=True)
        assert external_files(file) == ["net.data"]
        digests.append(load(f"onnx:{file}", device="cpu").weights_sha256)
        (tmp_path / "net.data").unlink()
    assert digests[0] != digests[1]
    with pytest.raises(ModelError, match=r"needs the file 'net\.data' beside it"):
        onnx_sha256(file)


def test_an_onnx_model_of_one_file(tmp_path: Path) -> None:
    import hashlib

    file = _exported(tmp_path, 1.0, external=False)
    assert onnx_sha256(file) == hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(ModelError, match="must be an ONNX graph, and is damaged"):
        onnx_sha256(file)


def test_an_onnx_model_reads_nothing_outside_its_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    file = _exported(inner, 1.0, external=True)
    (inner / "net.data").rename(tmp_path / "xet.data")
    file.write_bytes(file.read_bytes().replace(b"net.data", b"../ab.da"))
    with pytest.raises(ModelError, match="lies outside its folder; refused"):
        onnx_sha256(file)


def test_labels_of_a_transformers_model_count(saved: Callable[..., str], noise: Callable[..., Tensor]) -> None:
    first = load(saved(["rose", "tulip", "daisy"]), device="cpu")
    second = load(saved(["tulip", "rose", "daisy"]), device="cpu")
    assert first.outputs_sha256 != second.outputs_sha256
    assert first.code_sha256 == ""
