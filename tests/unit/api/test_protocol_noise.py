"""``hardiness.noise`` and a plan on a small network and six pictures, and what cannot be asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import called

import hardiness
from hardiness.api.command import Command
from hardiness.api.execution import run
from hardiness.api.forecast import plan
from hardiness.api.held_models import load_model
from hardiness.benchmarks.options import parse
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError, UnknownNameError
from hardiness.core.random import rng
from hardiness.core.request import Request
from hardiness.engine.protocol_noise import opencv, torch_tensors, variations
from hardiness.engine.ray_cluster import Cluster
from hardiness.imaging.resizing import resize
from hardiness.report.words import with_texts

MODEL = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.linear = torch.nn.Linear(12, 1000, bias=False)
        self.linear.weight.data = torch.randn(1000, 12, generator=generator)

    def forward(self, x):
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))

def net():
    return Net()
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A small network by name."""
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    return f"py:{file}:net:resize_px=36,crop_px=32,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"


@pytest.mark.slow
def test_each_setting_is_varied_alone_on_the_same_images(
    model: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "out"
    found = hardiness.noise(model, "imagenet-val", str(root), out, limit=4, seed=1, device="cpu", progress=False)
    top1 = [each for each in found.moved if each.moved.metric == "top1"]
    assert {each.factor for each in top1} | {left.split(",")[0] for left in found.left_out} == {
        "resize",
        "batch size",
        "precision",
        "runtime",
    }
    assert {each.moved.n for each in top1} == {4}
    assert {each.factor for each in top1 if each.moved.value == 0} >= {"batch size"}
    assert found.least("top1", Condition())[0] >= 0
    assert (out / "noise" / f"{found.key}.json").exists()
    before = {path: path.stat().st_mtime_ns for path in (out / "noise").rglob("*.parquet") if "scored" not in str(path)}
    arguments = [
        "compare",
        "--noise",
        "-m",
        model,
        "-b",
        "imagenet-val",
        "--data",
        str(root),
        "--out",
        str(out),
        "--limit",
        "4",
    ]
    assert called(monkeypatch, *arguments, "--seed", "1", "--device", "cpu", "--quiet", "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(with_texts(found.as_dict())))
    after = {path: path.stat().st_mtime_ns for path in (out / "noise").rglob("*.parquet") if "scored" not in str(path)}
    assert after == before, "the same call computes nothing again"


def test_corruptions_vary_the_seed_too(model: str) -> None:
    classifier = load_model(model, hardiness.Placement(device="cpu"))
    found = variations(parse("imagenet-c"), classifier, 32)
    assert {each.factor for each in found} == {"resize", "batch size", "precision", "runtime", "seed"}
    request = Request(seed=3)
    assert next(each for each in found if each.factor == "seed").request(request).seed == 4
    assert next(each for each in found if each.factor == "batch size").request(request).batch_size == 8


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_other_means_of_resizing_are_close_to_pillow_s_and_not_equal(interpolation: Any) -> None:
    generator = rng(0, "picture")
    smooth = resize(generator.integers(0, 256, (6, 8, 3), np.uint8), 90, 120, "bicubic")
    usual = resize(smooth, 40, 53, interpolation)
    for other in (opencv, torch_tensors):
        found = other(smooth, 40, 53, interpolation)
        assert found.shape == usual.shape
        assert found.dtype == np.uint8
        apart = np.abs(found.astype(int) - usual.astype(int))
        assert 0 < apart.mean() < 4


@pytest.mark.slow
def test_what_cannot_be_measured_is_told(model: str, root: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="imagenet-vall"):
        hardiness.noise(model, "imagenet-vall", str(root), tmp_path / "out")
    with pytest.raises(DataError):
        hardiness.noise(model, "imagenet-val", str(tmp_path / "nowhere"), tmp_path / "out")
    with pytest.raises(UnknownNameError, match="nope"):
        hardiness.noise("nope", "imagenet-val", str(root), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_plan_says_what_would_run_and_stores_nothing(
    model: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "out"
    arguments = ["run", "-m", model, "-b", "imagenet-val", "--data", str(root), "--out", str(out), "--limit", "4"]
    assert called(monkeypatch, *arguments, "--device", "cpu", "--plan") == 0
    told = capsys.readouterr().out
    assert "what would run" in told
    assert not out.exists()
    assert called(monkeypatch, *arguments, "--device", "cpu", "--plan", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["benchmarks"]
    assert (row["rows"], row["stored"], row["passes"]) == (4, 0, 4)
    assert called(monkeypatch, *arguments, "--device", "cpu", "--quiet") == 0
    assert called(monkeypatch, *arguments, "--device", "cpu", "--plan") == 0
    assert "none: all is stored" in capsys.readouterr().out


def test_a_plan_of_a_part_that_is_stored_counts_the_rest(model: str, root: Path, tmp_path: Path) -> None:
    command = Command((model,), ("imagenet-val",), tmp_path / "out", data=(str(root),), request=Request(limit=2))
    run(command)
    whole = Command((model,), ("imagenet-val", "cue-conflict"), tmp_path / "out", data=(str(root),))
    with pytest.raises(DataError):
        plan(whole)
    (found,) = plan(Command((model,), ("imagenet-val",), tmp_path / "out", data=(str(root),))).forecasts
    assert (found.rows, found.stored) == (4, 2)
    with pytest.raises(ArgumentError, match="plan does not go with Ray: it is for this process"):
        plan(Command((model,), ("imagenet-val",), tmp_path, data=(str(root),), cluster=Cluster()))
