"""What ``hardiness doctor`` says of this machine, and when it says that something is wrong."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torchvision.transforms._presets import ImageClassification

from hardiness import models
from hardiness.cli import doctor
from hardiness.cli.main import main
from hardiness.models.library_views import library_view


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["hardiness", "doctor", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return int(left.value.code or 0), captured.out


def test_it_tells_versions_machine_speed_and_folders(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "imagenet-a").mkdir()
    status, out = run(capsys, monkeypatch, "--no-test", "--json", "--data", str(tmp_path))
    found = json.loads(out)
    assert status == 0
    assert found["versions"]["hardiness"]
    assert found["machine"]["cores"]
    assert found["speed"]["forward pass"]
    assert found["folders"]["data"] == f"{tmp_path}: imagenet-a"
    assert "library" in found["views"]["efficientnet_lite0"]


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("kernels", "compiled once, and kept in {folder}"),
        ("empty", "compiled once, and kept in {folder}; none is there yet"),
        ("hardiness-kernels-x", "compiled at each start, as no cache folder can be written to: set NUMBA_CACHE_DIR"),
    ],
)
def test_it_says_where_kernels_are_kept(
    folder: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if folder == "kernels":
        (tmp_path / folder / "noise-0").mkdir(parents=True)
        (tmp_path / folder / "noise-0" / "noise.nbc").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / folder))
    _, out = run(capsys, monkeypatch, "--no-test", "--json")
    assert json.loads(out)["speed"]["kernels"] == says.format(folder=tmp_path / folder)


def test_a_view_that_is_not_the_librarys_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = library_view

    def otherwise(spec: Any) -> Any:
        found = stated(spec)
        return found._replace(view=replace(found.view, interpolation="lanczos")) if found else None

    monkeypatch.setattr(models, "library_view", otherwise)
    status, out = run(capsys, monkeypatch, "--no-test", "--json")
    assert status == 1
    assert "torchvision says filter lanczos" in out


DOES = "says, and does with four pictures"
PROCESSOR = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "resample": 3}
CONFIG = {"model_type": "vit", "image_size": 32, "patch_size": 16, "hidden_size": 16, "num_attention_heads": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("alexnet", f"center crop 224 of 256, bilinear, .*, as torchvision {DOES}"),
        (
            "torchvision:resnet50",
            "center crop 224 of 232, bilinear, .*, as torchvision says, and does with four pictures",
        ),
        (
            "torchvision:resnet50:pretrained=IMAGENET1K_V1",
            "center crop 224 of 256, bilinear, .*, as torchvision says, and does with four pictures",
        ),
        (
            "torchvision:resnet50:crop_px=200",
            "center crop 200 of 232, .*; you say crop 200, the rest as torchvision says",
        ),
        ("timm:resnet50.tv_in1k", f"center crop 224 of 256, bilinear, .*, as timm {DOES}"),
        (
            "timm:resnet50.a1_in1k:size=test",
            "center crop 288 of 288, bicubic, .*, as timm says, and does with four pictures",
        ),
        (
            "timm:convnext_base.fb_in22k_ft_in1k_384",
            "squash crop 384 of 384, bicubic, .*, as timm says, and does with .*",
        ),
        (
            "openclip:ViT-L-14-336-quickgelu/openai",
            "center crop 336 of 336, bicubic, .*, as open_clip says, and does with four pictures",
        ),
        ("hf:vit", r"squash crop 32 of 32, bicubic, .*, as its processor says"),
    ],
)
def test_a_view_is_held_against_the_model_s_own_library(
    name: str, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for package in {"openclip": ["open_clip"], "hf": ["transformers"]}.get(name.partition(":")[0], []):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    Path("vit").mkdir()
    labels = {"id2label": {"0": "rose", "1": "tulip"}, "label2id": {"rose": 0, "tulip": 1}}
    Path("vit", "config.json").write_text(json.dumps({**CONFIG, **labels}))
    Path("vit", "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    (line,) = doctor._views(name)
    assert line.verdict == doctor.GOOD
    assert re.fullmatch(says, line.value)


@pytest.mark.parametrize(
    ("name", "library", "crop_mode"),
    [("torchvision:alexnet", "torchvision", "squash"), ("timm:convnext_base.fb_in22k_ft_in1k_384", "timm", "center")],
)
def test_another_crop_mode_is_wrong(name: str, library: str, crop_mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not looked at."""
    resolve = models.resolve
    read = resolve(name)
    wrong = replace(read, view=replace(read.view, crop_mode=crop_mode))
    monkeypatch.setattr(models, "resolve", lambda text: wrong if text == name else resolve(text))
    (line,) = doctor._views(name)
    assert line.verdict == doctor.BAD
    assert line.value.endswith(f"{library} says crop mode {read.view.crop_mode}")


def test_a_view_that_the_library_states_and_does_not_do_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statement was held against statement, and both were read of the same."""
    apply = ImageClassification.forward
    monkeypatch.setattr(ImageClassification, "forward", lambda self, image: apply(self, image).flip(2))
    (line,) = doctor._views("torchvision:alexnet")
    assert line.verdict == doctor.BAD
    assert "as torchvision says, and not as it does: a picture of" in line.value
    assert "comes out otherwise than its settings say" in line.value


def test_a_view_of_no_library_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import torch\n\ndef build():\n    return torch.nn.Identity()\n")
    onnx = pytest.importorskip("onnx")
    ends = [
        onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 224, 224]),
        onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3 * 224 * 224]),
    ]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Flatten", ["x"], ["y"])], "net", ends[:1], ends[1:])
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)  # which the lowest onnxruntime reads
    onnx.save(model, tmp_path / "net.onnx")
    for name in (f"py:{tmp_path}/net.py:build", f"onnx:{tmp_path}/net.onnx:mean=0.5,std=0.5,resize_px=256,crop_px=224"):
        (line,) = doctor._views(name)
        assert line.verdict == doctor.PLAIN
        assert "no library states it" in line.value


@pytest.mark.slow
def test_unknown_models_and_roots_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    status, out = run(capsys, monkeypatch, "--no-test", "-m", "resnet", "--data", "/nowhere")
    assert status == 1
    assert "unknown model" in " ".join(out.split())
    assert "cannot be listed" in " ".join(out.split())


@pytest.mark.slow
def test_the_embedded_models_answer_as_they_must(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out = run(capsys, monkeypatch, "--json")
    found = json.loads(out)["self-test"]
    assert status == 0
    assert found["efficientnet_lite0"].startswith("96 of 99 right, must be 96")
    assert found["squeezenet1_1"].startswith("86 of 99 right, must be 86")
    monkeypatch.setattr(doctor, "KNOWN_RIGHT", {"squeezenet1_1": 85})
    assert run(capsys, monkeypatch, "--json")[0] == 1


def test_a_function_of_whole_pictures_has_no_view(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text("def net(files):\n    return [[1.0, 0.0] for _ in files]\n")
    name = f"py:{tmp_path / 'net.py'}:net:takes=encoded"
    _, out = run(capsys, monkeypatch, "--no-test", "--json", "-m", name)
    assert json.loads(out)["views"][name] == (
        "has no view: it takes pictures at their own size (takes=encoded) and resizes them itself"
    )
