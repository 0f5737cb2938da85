"""``hardiness make features`` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from hardiness.core.random import rng
from hardiness.imaging.codecs import decode
from hardiness.models.loading import load
from hardiness.models.preprocessing import to_pixels
from hardiness.visualise.transforms import Transforms, move

VIT = "timm:vit_tiny_patch16_224:weights=random"


def record(out: Path) -> dict[str, Any]:
    """``features.json``, and that the files it names are there."""
    found: dict[str, Any] = json.loads((out / "features.json").read_text())
    for feature in found["features"]:
        if feature["file"]:
            assert decode((out / feature["file"]).read_bytes(), feature["file"]).shape[2] == 3
    assert (out / found["grid"]).is_file()
    return found


def test_classes_of_one_s_own_model(hardiness: Any, factory: Any, tmp_path: Path) -> None:
    asked = ["make", "features", "-m", factory(), "--class", "goldfish", "--class", "n01440764", "--steps", "5"]
    told = hardiness(*asked, "--size", "64", "--out", tmp_path / "a")
    assert told.status == 0, told.err
    assert told.out.strip() == f"{tmp_path / 'a' / 'grid.png'}  {tmp_path / 'a' / 'features.json'}"
    found = record(tmp_path / "a")
    assert [(each["class"], each["name"]) for each in found["features"]] == [(1, "goldfish"), (0, "tench")]
    assert all(each["activation_after"] > each["activation_before"] for each in found["features"])
    assert found["settings"]["size_px"] == 64
    assert found["settings"]["seed"] == 0
    assert len(found["weights_sha256"]) == 64
    assert hardiness(*asked, "--size", "64", "--out", tmp_path / "b", "--quiet").out == ""
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), "the same bytes from the same seed"
    hardiness(*asked, "--size", "64", "--out", tmp_path / "b", "--seed", "1")
    assert (tmp_path / "a" / "grid.png").read_bytes() != (tmp_path / "b" / "grid.png").read_bytes()


@pytest.mark.slow
@pytest.mark.thorough
def test_a_transformer_s_channels_and_neurons(hardiness: Any, tmp_path: Path) -> None:
    units = ["--layer", "blocks.3", "--channel", "0-1", "--channel", "7", "--neuron", "60,5"]
    told = hardiness("make", "features", "-m", VIT, *units, "--steps", "2", "--variants", "2", "--out", tmp_path)
    assert told.status == 0, told.err
    found = record(tmp_path)["features"]
    assert [each.get("channel") for each in found] == [0, 0, 1, 1, 7, 7, None, None]
    assert found[-1]["neuron"] == [60, 5]
    assert [each["variant"] for each in found] == [0, 1] * 4


def test_layers_are_listed(hardiness: Any, factory: Any) -> None:
    told = hardiness("make", "features", "-m", factory(), "--layers")
    assert told.status == 0
    assert "linear" in told.out
    assert "1000" in told.out


def test_the_paper_s_protocol(hardiness: Any, factory: Any, tree: Any, tmp_path: Path) -> None:
    asked = ["make", "features", "-m", factory(), "--protocol", "orhan2019", "--data", tree(3), "--steps", "20"]
    told = hardiness(*asked, "--out", tmp_path / "a")
    assert told.status == 0, told.err
    found = record(tmp_path / "a")
    assert found["protocol"] == "orhan2019"
    assert len(found["features"]) == 18
    assert [each["start"] for each in found["features"][::6]] == [
        *sorted({each["start"] for each in found["features"]} - {"noise"}),
        "noise",
    ]
    for each in found["features"]:
        assert each["reached"] == (each["file"] is not None)
        assert 1 <= each["unit"] < 48
        assert each["distance_linf"] == pytest.approx(each["step"] / 255, abs=1e-5)
        failed = f"unit {each['unit']} from {each['start']} never reached" in told.err
        assert failed is not each["reached"]
    hardiness(*asked, "--out", tmp_path / "b")
    assert (tmp_path / "a" / "features.json").read_bytes() == (tmp_path / "b" / "features.json").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("photographs")
def test_squeezenet_s_features_are_reached_from_photographs(hardiness: Any, data_root: Path, tmp_path: Path) -> None:
    told = hardiness(
        "make",
        "features",
        "-m",
        "squeezenet1_1",
        "--protocol",
        "orhan2019",
        "--data",
        data_root,
        "--steps",
        "25",
        "--out",
        tmp_path,
    )
    assert told.status == 0, told.err
    found = record(tmp_path)["features"]
    assert all(each["reached"] for each in found[:12])
    assert all(each["probability_after"] > 1 - 1e-6 for each in found if each["reached"])
    assert all(each["activation_after"] > each["activation_before"] for each in found[:12] if each["step"])


@pytest.mark.slow
@pytest.mark.thorough
def test_a_goldfish_is_a_goldfish_however_it_is_moved(hardiness: Any, tmp_path: Path) -> None:
    """Judged on the file, under shifts, turns and zooms that it was not optimised under, each by itself."""
    told = hardiness(
        "make", "features", "-m", "efficientnet_lite0", "--class", "goldfish", "--steps", "96", "--out", tmp_path
    )
    assert told.status == 0, told.err
    (feature,) = record(tmp_path)["features"]
    assert feature["probability_after"] > 0.9
    picture = to_pixels([decode((tmp_path / feature["file"]).read_bytes(), "")])
    fresh = [Transforms().draw(rng(99, "never used before", draw)) for draw in range(32)]
    classifier = load("efficientnet_lite0", device="cpu")
    logits = classifier.logits(move(picture.expand(32, -1, -1, -1), fresh).contiguous())
    probabilities = torch.from_numpy(logits).softmax(1)[:, 1]
    assert (np.argmax(logits, axis=1) == 1).all()
    assert probabilities.min() > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "liner"], "did you mean 'linear'"),
        (["--layer", "linear", "--channel", "1000"], "channel of linear must be from 0 to 999, was 1000"),
        (["--layer", "linear", "--channel", "x"], "--channel must be a number"),
        (["--layer", "linear", "--neuron", "3,4"], "neuron of linear must be 1 numbers"),
        (["--class", "godlfish"], "did you mean 'goldfish'"),
        (["--class", "1000"], "must be from 0 to 999, was 1000"),
        (["--channel", "3"], "need the --layer"),
        ([], "nothing to visualise: give --layer, --class or --protocol orhan2019"),
        (["--protocol", "orhan2020"], "did you mean 'orhan2019'"),
        (["--protocol", "orhan2019", "--class", "1"], "draws its own units"),
        (["--protocol", "orhan2019"], "imagenet was not found"),
        (["--class", "1", "--steps", "0"], "steps must be at least 1"),
        (["--class", "1", "--parametrisation", "pixel"], "did you mean 'pixels'"),
        (["--class", "1", "--scale", "2"], "scale must be below 1"),
    ],
)
def test_bad_input_is_one_line(
    hardiness: Any, factory: Any, tmp_path: Path, arguments: list[str], message: str
) -> None:
    told = hardiness("make", "features", "-m", factory(), *arguments, "--out", tmp_path / "out")
    assert told.status == 2
    (line,) = told.lines
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_folder_of_others_is_refused_before_anything_is_computed(
    hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    told = hardiness("make", "features", "-m", factory(), "--class", "1", "--out", tmp_path / "out")
    assert told.status == 2
    (line,) = told.lines
    assert "holds mine.txt; choose another folder" in line


def test_an_onnx_file_has_no_gradients(hardiness: Any, tmp_path: Path) -> None:
    images = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, ["n", 3, 1, 1])
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["n", 3])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Flatten", ["images"], ["logits"])], "x", [images], [logits])
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "x.onnx")
    model = f"onnx:{tmp_path / 'x.onnx'}:mean=0,std=1"
    told = hardiness("make", "features", "-m", model, "--class", "1", "--out", tmp_path / "out")
    assert told.status == 1
    (line,) = told.lines
    assert "has no gradients" in line
