"""Models of one's own that fail: each costs one line, and the other models of the command nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from hardiness.core import errors
from hardiness.reference.classes import wnids

OWN = """
import os, sys, warnings
import torch

class Net(torch.nn.Module):
    def __init__(self, after):
        super().__init__()
        self.head = torch.nn.Linear(3, 1000)
        with torch.no_grad():
            self.head.weight.copy_(torch.arange(3000.0).view(1000, 3) % 7)
        self.after = after

    def forward(self, x):
        return self.after(self.head(x.mean((2, 3))))

def late(x, do):
    # The first batches settle how the model is run; then it is evaluated.
    late.calls = getattr(late, "calls", 0) + 1
    return do(x) if late.calls > 6 else x

def failing(x):
    raise BaseException("enough")

def good(): return Net(lambda x: x)
def raising(): raise BaseException("no factory today")
def leaving(): sys.exit(0)
def leaving_later(): return Net(lambda x: sys.exit(0))
def failing_later(): return Net(lambda x: late(x, failing))
def lost(x):
    raise RuntimeError("CUDA error: an illegal memory access was encountered")

def lost_later(): return Net(lambda x: late(x, lost))
def printing():
    print("from the factory")
    return Net(lambda x: (print("from forward"), x)[1])
def changing():
    net = Net(lambda x: x)
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter("ignore")
    return net
def of_complex(): return Net(lambda x: x.to(torch.complex64))
def of_dict(): return Net(lambda x: {"scores": x})
def narrow(): return Net(lambda x: x[:, :10])
def nan_of_one_class(): return Net(lambda x: torch.where(torch.arange(1000) == 3, torch.nan, x))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A file of models and a data root of six photographs."""
    (tmp_path / "own.py").write_text(OWN)
    for number in range(6):
        file = tmp_path / "data" / "imagenet" / "val" / wnids()[number] / f"{number}.png"
        file.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        PIL.Image.fromarray(pixels).resize((64, 64)).save(file)
    return tmp_path


@pytest.fixture
def run(place: Path, hardiness: Callable[..., Any]) -> Callable[..., Any]:
    """``hardiness run`` of models (functions of the file, or names with a colon) on the photographs."""

    def call(*names: str, options: tuple[str, ...] = ()) -> Any:
        models = [
            name
            if ":" in name
            else f"py:{place}/own.py:{name}:resize_px=32,crop_px=32,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
            for name in names
        ]
        given = [part for model in models for part in ("-m", model)]
        return hardiness(
            *("run", *given, "-b", "imagenet-val", "--data", place / "data", "--out", place / "out", "--json"), *options
        )

    return call


def evaluated(told: Any) -> dict[str, int]:
    """How many photographs each model was evaluated on, by the function that makes it."""
    return {each["model"].rpartition(":")[2]: each["counts"]["evaluated"] for each in json.loads(told.out)}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("raising", "BaseException: no factory today"),
        ("leaving", "SystemExit: 0"),
        ("leaving_later", "SystemExit: 0"),
        ("of_complex", "complex64"),
        ("of_dict", "a mapping with keys scores"),
        ("narrow", "has 10 classes"),
        ("nan_of_one_class", "1 of 1000 classes are NaN"),
        ("misnamed", "unknown factory in"),
        ("onnx:missing.onnx", "there is none at missing.onnx"),
        ("hf:missing/folder/here", "hf:missing/folder/here"),
        ("py:missing.py:build", "there is none at missing.py"),
    ],
)
def test_one_fails_in_one_line_and_the_other_is_evaluated(
    run: Callable[..., Any], place: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    told = run(name, "good")
    assert told.status == 1
    lines = [line for line in told.err.splitlines() if line.startswith("hardiness: ")]
    assert len(lines) == 1, told.err
    assert says in lines[0]
    assert name in lines[0], "which model it was"
    assert lines[0].count(f"own.py:{name}") <= 1, "once"
    assert {model: n for model, n in evaluated(told).items() if n} == {"good": 6}


def test_a_model_that_fails_in_the_middle_keeps_the_others_work(run: Callable[..., Any]) -> None:
    told = run("failing_later", "good", options=("--batch-size", "1", "--runtime", "torch"))
    assert told.status == 1
    (line,) = [line for line in told.err.splitlines() if line.startswith("hardiness: ")]
    assert "BaseException: enough" in line
    assert "own.py" in line
    assert "in failing)" in line
    assert evaluated(told)["good"] == 6


def test_a_gpu_that_is_lost_ends_the_command_and_blames_no_other_model(run: Callable[..., Any]) -> None:
    told = run("lost_later", "good", options=("--batch-size", "1", "--runtime", "torch"))
    assert told.status == 1
    (line,) = [line for line in told.err.splitlines() if line.startswith("hardiness: ")]
    assert "the GPU stopped while py:" in line
    assert "lost_later" in line
    assert "an illegal memory access was encountered" in line
    assert "own.py:good" not in told.err
    assert evaluated(run("good"))["good"] == 6


def test_what_models_print_and_change_does_not_reach_the_results(run: Callable[..., Any]) -> None:
    told = run("printing", "changing", "good")
    assert told.status == 0, told.err
    assert evaluated(told) == {"printing": 6, "changing": 6, "good": 6}
    scores = [each["scores"] for each in json.loads(told.out)]
    assert scores[0] == scores[1] == scores[2]
    assert "from the factory" in told.err


def test_the_only_model_that_cannot_be_had_is_a_wrong_argument(run: Callable[..., Any], place: Path) -> None:
    assert run("onnx:missing.onnx").status == 2
    assert run("misnamed").status == 2
    assert not (place / "out" / "results.json").exists()


def test_debug_shows_the_traceback_wherever_it_stands(place: Path, warm: Callable[..., Any]) -> None:
    """In processes of their own, as it is remembered for those that a command starts."""
    model = f"py:{place}/own.py:raising"
    rest = ["-m", model, "-b", "imagenet-val", "--data", str(place / "data"), "--out", str(place / "out")]
    environment = {name: value for name, value in os.environ.items() if name != errors.DEBUG}
    for before, after in (["--debug"], []), ([], ["--debug"]):
        process = warm("-m", "hardiness.cli", *before, "run", *rest, *after, env=environment)
        _, told = process.communicate()
        assert process.returncode == 1
        assert "Traceback" in told
        assert 'own.py", line' in told
        assert told.splitlines()[-1].startswith("hardiness: ")
