"""Networks as they are deployed, through the command line: what their outputs cannot say is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exported
import pytest
import torch
from torch import nn


@pytest.fixture(scope="module")
def softmax(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network with 1,000 classes that takes (N, H, W, 3) as bytes and ends in a softmax."""
    folder = tmp_path_factory.mktemp("onnx")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 1000))
    source = exported.export(network, folder / "plain.onnx", (32, 32))
    return f"onnx:{exported.changed(source, folder / 'net.onnx', nhwc=True, bytes_in=True, softmax=True)}"


def test_of_probabilities_temperature_is_refused_and_calibration_is_given(
    softmax: str, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    told = hardiness(
        *("run", "-m", f"{softmax}:resize_px=36,crop_px=32", "-b", "imagenet-val", "--data", "embedded"),
        *("--limit", "60", "--device", "cpu", "--quiet", "--out", tmp_path / "out"),
    )
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "out")
    assert result["run"]["model_outputs"] == "probabilities"
    scores = {(each["metric"], each["condition"].get("decision")): each for each in result["scores"]}
    assert scores["nll", None]["value"] > 0
    assert scores["temperature", None]["value"] is None
    assert scores["temperature", None]["reason"] == (
        "not available: the model gives probabilities, and this needs logits"
    )


def test_attacks_that_go_by_logits_are_refused_by_name(softmax: str, hardiness: Any, tmp_path: Path) -> None:
    told = hardiness(
        *("run", "-m", f"{softmax}:resize_px=36,crop_px=32", "--data", "embedded", "--limit", "2", "--device", "cpu"),
        *("-b", "whitebox:attack=square,protocol=standard,epsilons=0.1,steps=2", "--out", tmp_path / "out"),
    )
    assert told.status == 1
    assert "net.onnx gives probabilities, and square goes by logits: attack it with hopskipjump" in told.err


def test_without_a_view_the_command_ends_in_one_line(softmax: str, hardiness: Any, tmp_path: Path) -> None:
    told = hardiness("run", "-m", softmax, "-b", "imagenet-val", "--data", "embedded", "--out", tmp_path / "out")
    assert told.status == 2
    assert "which is never guessed: state resize_px=…,crop_px=… or crop_mode=squash" in told.err
    assert not (tmp_path / "out").exists()
