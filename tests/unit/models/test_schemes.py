"""Prefixes: timm, torchvision, onnx, py."""

from __future__ import annotations

import importlib
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.errors import ArgumentError, DataError, ModelError, UnknownNameError
from hardiness.core.model import ModelSpec, View
from hardiness.models import hub
from hardiness.models.catalogue import Scheme, schemes
from hardiness.models.loading import load
from hardiness.models.naming import resolve, search
from hardiness.report.words import text

Make = Callable[..., nn.Module]
Noise = Callable[..., Tensor]


def test_timm_brings_its_own_preprocessing() -> None:
    spec = resolve("timm:vit_tiny_patch16_224")
    assert spec.view == View(248, 224, "bicubic", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))  # floor(224 / 0.9)
    assert (spec.num_classes, spec.input_px) == (1000, 224)
    assert resolve("timm:resnet18.a1_in1k").input_px is None


@pytest.mark.parametrize("name", ["resnet18.a1_in1k", "vit_tiny_patch16_224.augreg_in21k_ft_in1k", "convnext_atto"])
def test_timm_view_is_timm_s_own_transform(name: str, photographs: list[Path]) -> None:
    import timm
    from PIL import Image
    from timm.data import create_transform, resolve_data_config
    from torchvision import transforms

    view = resolve(f"timm:{name}").view
    theirs = create_transform(**resolve_data_config(pretrained_cfg=timm.models.get_pretrained_cfg(name).to_dict()))
    ours = transforms.Compose(
        [
            transforms.Resize(view.resize_px, transforms.InterpolationMode(view.interpolation)),
            transforms.CenterCrop(view.crop_px),
            transforms.ToTensor(),
            transforms.Normalize(view.mean, view.std),
        ]
    )
    image = Image.open(photographs[0]).convert("RGB")
    torch.testing.assert_close(ours(image), theirs(image))


def test_timm_near_misses_are_answered() -> None:
    with pytest.raises(UnknownNameError, match="timm model 'efficientnet_lit0'; did you mean 'efficientnet_lite0'"):
        resolve("timm:efficientnet_lit0")
    registered = r"did you mean .*'\w+' or the registered model 'resnext101_32x8d_wsl' \(without timm:\)\?$"
    with pytest.raises(UnknownNameError, match=registered):
        resolve("timm:resnext101_32x8d_wsl")
    with pytest.raises(UnknownNameError, match=r"did you mean 'resnet18.a1_in1k'"):
        resolve("timm:resnet18.a1_in1")


def test_timm_without_classes_is_refused() -> None:
    with pytest.raises(ArgumentError, match="is no classifier"):
        resolve("timm:vit_small_patch14_dinov2.lvd142m")


@pytest.mark.slow
def test_timm_runs_with_random_weights(noise: Noise) -> None:
    classifier = load("timm:test_resnet:weights=random", device="cpu")
    assert classifier.logits(noise(2, 160)).shape == (2, 1000)
    assert classifier.runtimes.agreement is not None
    assert classifier.runtimes.agreement.exact


def test_timm_without_a_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    def offline(name: str, pretrained: bool) -> nn.Module:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr("hardiness.models.zoo.from_timm.need_hub", lambda *_: None)
    with pytest.raises(ModelError, match=r"weights of timm:resnet18 cannot be had: no route to host; .*weights=FILE"):
        load("timm:resnet18")


def test_torchvision_brings_the_preprocessing_of_its_weights() -> None:
    spec = resolve("torchvision:resnet50:pretrained=IMAGENET1K_V1")
    assert spec.view == View(256, 224, "bilinear")
    assert (spec.source.url[-22:], spec.source.sha256) == ("/resnet50-0676ba61.pth", "0676ba61")
    assert spec.source.parameters == 25_557_032
    assert resolve("torchvision:resnet50").view.resize_px == 232


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16", "googlenet", "inception_v3"])
def test_torchvision_view_is_torchvision_s_own_transform(name: str, photographs: list[Path]) -> None:
    from PIL import Image
    from torchvision import models, transforms

    view = resolve(f"torchvision:{name}").view
    ours = transforms.Compose(
        [
            transforms.Resize(view.resize_px, transforms.InterpolationMode(view.interpolation)),
            transforms.CenterCrop(view.crop_px),
            transforms.ToTensor(),
            transforms.Normalize(view.mean, view.std),
        ]
    )
    image = Image.open(photographs[0]).convert("RGB")
    torch.testing.assert_close(ours(image), models.get_model_weights(name).DEFAULT.transforms()(image))


def test_torchvision_near_misses_are_answered() -> None:
    with pytest.raises(UnknownNameError, match="torchvision model 'resnt18'; did you mean 'resnet18'"):
        resolve("torchvision:resnt18")
    with pytest.raises(UnknownNameError, match="did you mean 'IMAGENET1K_V1'"):
        resolve("torchvision:resnet18:pretrained=IMAGENET1K_V3")


@pytest.mark.parametrize("name", [pytest.param("googlenet", marks=pytest.mark.slow), "squeezenet1_1"])
def test_torchvision_loads_a_checkpoint_of_its_own_kind(name: str, tmp_path: Path, noise: Noise) -> None:
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = models.get_model(name, weights=None, **({"init_weights": False} if name == "googlenet" else {}))
    torch.save(network.state_dict(), tmp_path / "net.pth")
    spec = resolve(f"torchvision:{name}:weights={tmp_path / 'net.pth'}")
    classifier = load(spec, device="cpu", runtime="torch")
    network = network.eval()
    if name == "googlenet":
        network.transform_input = True
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (spec.view.mean, spec.view.std))
    pixels = noise(2, 96)
    with torch.no_grad():
        expected = network((pixels - mean) / std).numpy()
    np.testing.assert_allclose(classifier.logits(pixels), expected, atol=1e-4 * np.abs(expected).max())


@pytest.fixture
def onnx_file(tiny: Make, tmp_path: Path) -> Callable[..., Path]:
    """Writes a graph by hand: channel means times a matrix; a fixed batch where one is given."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def write(batch: int | str = "N", px: int | str = "S", outputs: int = 5) -> Path:
        matrix = np.arange(3 * outputs, dtype=np.float32).reshape(3, outputs)
        nodes = [
            helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "matrix"], ["y"]),
        ]
        graph = helper.make_graph(
            nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, px, px])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, outputs])],
            [numpy_helper.from_array(matrix, "matrix")],
        )
        file = tmp_path / f"net_{batch}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
        return file

    return write


@pytest.mark.parametrize("batch", ["N", 2])
def test_onnx_by_hand(onnx_file: Callable[..., Path], noise: Noise, batch: int | str) -> None:
    classifier = load(f"onnx:{onnx_file(batch)}:mean=0.5,std=0.25", device="cpu")
    pixels = noise(5)
    means = (pixels.double().mean((2, 3)).numpy() - 0.5) / 0.25
    expected = means @ np.arange(15.0).reshape(3, 5)
    np.testing.assert_allclose(classifier.logits(pixels), expected, rtol=1e-5, atol=1e-5)
    assert (classifier.num_classes, classifier.runtimes.name, classifier.has_gradients) == (5, "onnxruntime", False)
    assert len(classifier.weights_sha256) == 64


def test_onnx_has_no_gradients_and_says_so(onnx_file: Callable[..., Path], noise: Noise) -> None:
    classifier = load(f"onnx:{onnx_file()}:{USUAL}", device="cpu")
    for call in (lambda: classifier.differentiable(noise(1)), lambda: classifier.layers.output(noise(1), "x")):
        with pytest.raises(ModelError, match="no gradients"):
            call()


def test_onnx_size_is_the_file_s(onnx_file: Callable[..., Path]) -> None:
    spec = resolve(f"onnx:{onnx_file(px=112)}:{USUAL}")
    assert (spec.view.crop_px, spec.view.resize_px, spec.input_px) == (112, 128, 112)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"precision": "bf16"}, "not for onnx: models"), ({"runtime": "torch"}, "does not go with an onnx: model")],
)
def test_onnx_runs_in_its_runtime_only(onnx_file: Callable[..., Path], arguments: dict[str, str], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        load(f"onnx:{onnx_file()}:{USUAL}", device="cpu", **arguments)  # type: ignore[arg-type]


def test_wrong_onnx_files_are_told(tmp_path: Path, onnx_file: Callable[..., Path]) -> None:
    for content in (b"no graph", b""):  # ONNX Runtime has an error class of its own for each
        (tmp_path / "broken.onnx").write_bytes(content)
        with pytest.raises(ModelError, match=r"broken\.onnx cannot be loaded by ONNX Runtime"):
            resolve(f"onnx:{tmp_path / 'broken.onnx'}")
    with pytest.raises(ArgumentError, match=r"there is none at .*no\.onnx"):
        resolve(f"onnx:{tmp_path / 'no.onnx'}")
    with pytest.raises(ArgumentError, match="weights= is not for onnx"):
        resolve(f"onnx:{onnx_file()}:weights=a.pth")


USUAL = "mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
OWN = """
import torch
from hardiness.core import View

class Net(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) * 3

def plain():
    return Net()

def viewed():
    return Net(), View(40, 32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))

def nothing():
    return None

def broken():
    return Net(3)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


@pytest.mark.slow
def test_a_network_of_one_s_own(own: Path, noise: Noise) -> None:
    classifier = load(f"py:{own}:viewed", device="cpu")
    np.testing.assert_allclose(
        classifier.logits(noise(2)), (noise(2).mean((2, 3)).numpy() - 0.5) * 6, rtol=1e-4, atol=1e-5
    )
    assert (classifier.spec.view.crop_px, classifier.num_classes) == (32, 3)
    assert load(f"py:{own}:plain:{USUAL}", device="cpu").spec.view == View()


def test_options_go_before_the_factory_s_view(own: Path) -> None:
    view = load(f"py:{own}:viewed:crop_px=24,mean=0.1", device="cpu").spec.view
    assert (view.crop_px, view.resize_px, view.mean, view.std) == (24, 40, (0.1,) * 3, (0.5,) * 3)
    assert load(f"py:{own}:plain:crop_px=24,{USUAL}", device="cpu").spec.view.crop_px == 24


IMPORTING = """
import torch
{top}

class Scaled(torch.nn.Module):
    def forward(self, x):
        {inside}
        return x.mean((2, 3)) * factor()

def build():
    return Scaled()
"""


@pytest.fixture
def importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a model and a file beside it which it imports; Python's path has that folder no more than a command's."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(folder: str, helper: str, factor: float, inside: bool = False) -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{helper}.py").write_text(f"def factor():\n    return {factor}\n")
        line = f"from {helper} import factor"
        text = IMPORTING.format(top="" if inside else line, inside=line if inside else "")
        (tmp_path / folder / "net.py").write_text(text)
        sys.modules.pop(helper, None)
        importlib.invalidate_caches()
        return f"py:{tmp_path / folder / 'net.py'}:build:mean=0,std=1"

    return write


@pytest.mark.parametrize("inside", [False, True])
def test_a_file_imports_what_lies_beside_it(importing: Callable[..., str], inside: bool, noise: Noise) -> None:
    helper = f"beside_the_file_{inside}"
    first, second = (load(importing("a", helper, factor, inside), device="cpu") for factor in (2.0, 3.0))
    assert sys.path[-1].endswith("/a"), "what is installed is not hidden by a file of that name"
    assert first.code_sha256 != second.code_sha256, "the file beside it is part of the model"
    sys.modules.pop(helper, None)
    np.testing.assert_allclose(second.logits(noise(1)), noise(1).mean((2, 3)).numpy() * 3, rtol=1e-4, atol=1e-5)


def test_a_file_of_another_folder_is_not_taken_for_the_one_beside(importing: Callable[..., str]) -> None:
    load(importing("a", "same_name", 2.0), device="cpu")
    other = importing("b", "same_name", 3.0)
    with pytest.raises(ModelError, match=r"/b/net\.py imports same_name, and Python takes .*/a/same_name\.py"):
        load(other, device="cpu")


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("plan", UnknownNameError, "did you mean 'plain'"),
        (
            "nothing",
            ModelError,
            "must return a torch.nn.Module or a function of images, or one of these and a View; returned NoneType",
        ),
        (
            "broken",
            ModelError,
            r"broken cannot be built, as broken\(\) failed: TypeError: .*own\.py:\d+ in broken\)",
        ),
    ],
)
def test_wrong_factories_are_told(own: Path, name: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        load(f"py:{own}:{name}", device="cpu")


def test_wrong_files_are_told(own: Path) -> None:
    with pytest.raises(ArgumentError, match="there is none at"):
        resolve(f"py:{own}x:plain")
    with pytest.raises(ArgumentError, match=r"FILE.py:NAME"):
        resolve(f"py:{own.parent}")
    own.write_text("def plain(:")
    with pytest.raises(ModelError, match=r"own\.py:plain cannot be built, as the file cannot be imported: SyntaxError"):
        load(f"py:{own}:plain", device="cpu")


@pytest.mark.slow
def test_stated_order_drops_the_background(tmp_path: Path, noise: Noise) -> None:
    file = tmp_path / "wide.py"
    file.write_text(
        "import torch\n"
        "def wide():\n"
        "    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1001))\n"
    )
    with torch.random.fork_rng(devices=[]):
        whole = load(f"py:{file}:wide:weights=random,{USUAL}", device="cpu")
        dropped = load(f"py:{file}:wide:weights=random,class_order=background+wnid,{USUAL}", device="cpu")
    assert (whole.num_classes, dropped.num_classes) == (1001, 1000)
    np.testing.assert_array_equal(whole.logits(noise(2))[:, 1:], dropped.logits(noise(2)))
    np.testing.assert_allclose(dropped.differentiable(noise(2)).numpy(), dropped.logits(noise(2)), atol=1e-5)
    with pytest.raises(ArgumentError, match="class_order=wnid needs 1000 outputs"):
        load(f"py:{file}:wide:class_order=wnid,{USUAL}", device="cpu")


def test_a_mirror_without_the_file_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hardiness.sources.downloads._BACK_OFF_S", 0.001)
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path))
    monkeypatch.setenv("HARDINESS_WEIGHTS_URL", "http://127.0.0.1:9/mirror/")
    with pytest.raises(DataError, match=r"cannot download http://127\.0\.0\.1:9/mirror/alexnet-owt-7be5be79\.pth"):
        load("alexnet", device="cpu")


@pytest.mark.parametrize("name", ["timm:resnet18", "timm:vgg11", "hf:nobody/nothing"])
def test_offline_a_library_s_model_is_told_at_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("socket.create_connection", None)  # nobody calls it
    with pytest.raises(DataError, match="is not in the cache, and HARDINESS_OFFLINE forbids"):
        load(name, device="cpu")


def test_a_host_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_PATIENCE_S", 0.05)
    monkeypatch.setattr("socket.create_connection", lambda *_: time.sleep(0.2) or io.BytesIO())
    with pytest.raises(DataError, match="cannot be reached"):
        hub.need_hub("nobody/nothing", ("config.json",), "hf:nobody/nothing")


def test_timm_tags_of_other_classes_are_told_before_loading() -> None:
    with pytest.raises(ArgumentError, match="has 21,841 classes, which are not ImageNet's 1,000"):
        resolve("timm:swin_base_patch4_window7_224.ms_in22k")
    assert resolve("timm:swin_base_patch4_window7_224.ms_in22k:class_order=own").num_classes == 21841


def test_timm_s_test_size_is_an_option() -> None:
    train, test = resolve("timm:resnet50.a1_in1k"), resolve("timm:resnet50.a1_in1k:size=test")
    assert (train.view.crop_px, train.view.resize_px, train.options) == (224, 235, ())
    assert (test.view.crop_px, test.view.resize_px, test.options) == (288, 288, (("size", "test"),))
    with pytest.raises(UnknownNameError, match="did you mean 'test'"):
        resolve("timm:resnet50.a1_in1k:size=tset")


def test_names_are_searched() -> None:
    assert search("resnext50*") == ["resnext50_32x4d"]
    assert {"timm:resnet50", "timm:resnet50.a1_in1k"} <= set(search("timm:resnet50*"))
    assert "torchvision:densenet121" in search("torchvision:densenet*")
    with pytest.raises(ArgumentError, match=r"models of the form py:FILE\.py:NAME cannot be listed"):
        search("py:*")
    with pytest.raises(UnknownNameError):
        search("timm:nothing_like_it*")


def test_a_bare_name_of_a_library_is_offered_with_its_prefix() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'timm:resnet50' or 'torchvision:resnet50'"):
        resolve("resnet50")


@pytest.mark.slow
def test_norms_that_a_model_silences_are_heard_under_random_weights() -> None:
    first, second = (load("timm:resnet18:weights=random", device="cpu", runtime="torch") for _ in range(2))
    assert first.weights_sha256 == second.weights_sha256
    assert all(
        bool(value.any()) for name, value in first._original.network.state_dict().items() if name.endswith("bn2.weight")
    )
    assert any("random" in note for note in map(text, first.notes))


def test_an_unknown_option_is_answered_with_those_of_the_source_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Scheme(
        "fitted:FILE", "a test", lambda file, options: ModelSpec(f"fitted:{file}", "no:build", View()), {"side": "px"}
    )
    monkeypatch.setitem(schemes._entries, "fitted", (made, __name__))
    with pytest.raises(UnknownNameError, match=r"unknown option .* 'sid'; did you mean .*'side'.* known: .*side"):
        resolve("fitted:net.pkl:sid=8")
