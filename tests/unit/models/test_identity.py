"""What makes two models two: weights, code, settings, and which output means which class."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ModelError
from hardiness.core.model import View
from hardiness.models.identity import outputs_sha256
from hardiness.models.loading import load, wrap
from hardiness.models.onnx_graph import external_files, onnx_sha256
from hardiness.models.own_source import code_sha256, spec_of
from hardiness.reference.classes import wnids

VIEW = View(8, 8)
USUAL = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
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
    found = load(f"py:{file}:{name}:{USUAL}{options}", device="cpu")
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


FORWARD = """
import functools
import numpy as np
import torch
{top}

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 4)
{init}

    def forward(self, x):
        {forward}

def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net()
"""
HELPER = "def scale(x):\n    return x * 1\n"
REACHED = {
    "by a name made at run time": ("import own_helper", "", "return getattr(own_helper, 'sca' + chr(108) + 'e')(x)"),
    "below a condition": (
        "try:\n    from own_helper import scale\nexcept ImportError:\n    pass",
        "",
        "return scale(x)",
    ),
    "through an attribute": ("import own_helper", "        self.steps = [own_helper]", "return self.steps[0].scale(x)"),
    "in a package": ("from own_package import inner", "", "return inner.scale(x)"),
    "in a package, in forward": ("", "", "from own_package.inner import scale; return scale(x)"),
    "by a decorator": ("import own_helper\n@own_helper.scaled\ndef same(x):\n    return x", "", "return same(x)"),
    "in an object of a package": (
        "import own_helper",
        "        self.step = np.vectorize(own_helper.scale)",
        "return torch.from_numpy(self.step(x))",
    ),
    "in a dictionary": ("import own_helper", "", "return own_helper.STEPS['scale'](x)"),
    "of a file that the file imports": ("import own_outer", "", "return own_outer.apply(x)"),
}


@pytest.fixture
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes files that a model imports, with this text, as a new process would find them."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(helper: str) -> None:
        for name in [name for name in sys.modules if name.startswith("own_")]:
            monkeypatch.delitem(sys.modules, name)
        (tmp_path / "own_package").mkdir(exist_ok=True)
        (tmp_path / "own_package" / "__init__.py").write_text("")
        (tmp_path / "own_package" / "inner.py").write_text("from .most import scale\n")
        (tmp_path / "own_package" / "most.py").write_text(helper)
        (tmp_path / "own_outer.py").write_text("import own_helper as h\ndef apply(x):\n    return h.scale(x)\n")
        (tmp_path / "own_helper.py").write_text(
            f"import functools\n{helper}STEPS = {{'scale': scale}}\n"
            "def scaled(f):\n    @functools.wraps(f)\n    def g(x):\n        return scale(f(x))\n    return g\n"
        )
        importlib.invalidate_caches()

    yield write
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("reached", REACHED)
def test_code_of_other_files_counts_however_it_is_reached(reached: str, tmp_path: Path, own_modules: Any) -> None:
    top, init, forward = REACHED[reached]
    file = tmp_path / "model.py"
    file.write_text(FORWARD.format(top=top, init=init, forward=f"x = self.head(x.mean((2, 3))); {forward}"))
    found = []
    for helper in (HELPER, f"# again\n{HELPER}", HELPER.replace("* 1", "* -1")):
        own_modules(helper)
        network = load(f"py:{file}:net:{USUAL}", device="cpu")
        again = load(f"py:{file}:net:{USUAL}", device="cpu")  # what is imported in forward has been imported by now
        assert again.code_sha256 == network.code_sha256
        found.append(network)
    assert found[0].code_sha256 == found[1].code_sha256 != found[2].code_sha256


def test_nothing_is_below_a_module_that_is_no_package(own_modules: Any, tmp_path: Path) -> None:
    own_modules(HELPER)
    (tmp_path / "scale").mkdir()  # of the name of a function of the module, on the path
    assert spec_of("own_package.most") is not None
    assert spec_of("own_package.most.scale") is None


def test_what_lies_beside_the_modules_of_a_network_counts() -> None:
    class Beside(nn.Module):
        def __init__(self, beside: Any) -> None:
            super().__init__()
            self.body, self.beside = _body(), [beside]

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.beside[0](self.body(x))
            return found

    class Turned:
        def __init__(self, sign: int) -> None:
            self.sign = sign

        def by_sign(self, x: Tensor) -> Tensor:
            return x * self.sign

    def linear(value: float) -> nn.Module:
        network = nn.Linear(4, 4)
        nn.init.constant_(network.weight, value)
        nn.init.zeros_(network.bias)
        return network

    assert _code(Beside(linear(1.0))) == _code(Beside(linear(1.0))) != _code(Beside(linear(2.0)))
    assert _code(Beside(Turned(1).by_sign)) == _code(Beside(Turned(1).by_sign)) != _code(Beside(Turned(-1).by_sign))


@pytest.mark.filterwarnings("ignore:`torch.jit.\\w+` is deprecated")
def test_what_torchscript_computes_counts() -> None:
    class Scaled(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.body, self.factor = _body(), factor

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x) * self.factor

    given = torch.zeros(1, 3, 8, 8)
    for compiled in (torch.jit.script, lambda network: torch.jit.trace(network, given)):
        codes = [code_sha256(nn.Sequential(compiled(Scaled(factor)))) for factor in (1.0, 1.0, -1.0)]
        assert codes[0] == codes[1] != codes[2]


def test_a_tag_stands_for_the_code(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    first = _digests(file, options=",tag=first")
    file.write_text(OWN.replace("* 1\n", "* -1\n"))
    assert first == _digests(file, options=",tag=first")
    assert first[1] != _digests(file, options=",tag=second")[1] != _digests(file)[1]


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


def test_unsaved_buffers_count() -> None:
    def buffered(value: float) -> nn.Module:
        network = _body()
        network.register_buffer("scale", torch.tensor([value]), persistent=False)
        return network

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
    plain, dropped = (
        load(f"py:{file}:net:{USUAL}{options}", device="cpu") for options in ("", ",class_order=background+wnid")
    )
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
        digests.append(load(f"onnx:{file}:{USUAL}", device="cpu").weights_sha256)
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
