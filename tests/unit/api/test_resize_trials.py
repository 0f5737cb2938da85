"""A ladder whose last step is the resize alone, and one where it is not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

import hardiness
from hardiness import models
from hardiness.api.resize_trials import ResizeTrials, clean_answers
from hardiness.core.condition import Condition
from hardiness.core.table import RIGHT, ImageTable

MODEL = """
import torch

class Net(torch.nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.linear = torch.nn.Linear(12, 1000, bias=False)
        self.linear.weight.data = torch.randn(1000, 12, generator=torch.Generator().manual_seed(seed))

    def forward(self, x):
        return self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))

def first():
    return Net(0)

def other():
    return Net(1)
"""
VIEW = "resize_px=36,crop_px=32,mean=0,std=1,interpolation=bilinear"


def noisy_root(folder: Path) -> Path:
    """Twelve photographs of noise, which libraries resize very differently."""
    draws = np.random.default_rng(0)
    for k in range(12):
        file = folder / "imagenet" / "val" / "n01440764" / f"p{k:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), draws.integers(0, 256, (90, 90, 3)).astype(np.uint8))
    return folder


def device_answers(root: Path) -> dict[str, list[object]]:
    """The answers of the first network behind OpenCV's resize, by nothing of ours."""
    weight = torch.randn(1000, 12, generator=torch.Generator().manual_seed(0))
    answers: dict[str, list[object]] = {"sample": [], "class_index": []}
    for file in sorted(root.rglob("*.png")):
        image = cv2.resize(cv2.imread(str(file))[:, :, ::-1], (36, 36), interpolation=cv2.INTER_LINEAR)[2:34, 2:34]
        pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        answers["sample"].append(f"n01440764/{file.name}")
        answers["class_index"].append(int((weight @ nn.functional.adaptive_avg_pool2d(pixels, 2).flatten()).argmax()))
    return answers


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``first``, then the same network on a device that resizes by OpenCV, and ``other``; ``root`` beside them."""
    folder = tmp_path_factory.mktemp("resizes")
    (folder / "net.py").write_text(MODEL)
    root = noisy_root(folder / "root")
    settings = {"device": "cpu", "progress": False, "out": folder / "out"}
    for name in ("first", "other"):
        hardiness.evaluate(f"{name}=py:{folder}/net.py:{name}:{VIEW}", "imagenet-val", str(root), **settings)
    hardiness.evaluate("device", "imagenet-val", str(root), predictions=device_answers(root), **settings)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("ladder", [["first", "device"], ["device", "first"]])
def test_a_step_that_is_the_resize_alone_is_said_to_be(out: Path, ladder: list[str]) -> None:
    (found,) = hardiness.compare(
        out / "out", f"first=py:{out}/net.py:first:{VIEW}", ladder=ladder, data=str(out / "root")
    )
    trial = found.steps[0].resize
    assert (trial.model, trial.resize) == ("first", "OpenCV")
    assert trial.changed + trial.same == 12
    assert trial.changed > 0
    assert trial.is_all
    assert any(line.startswith("the step is the resize alone: first with") for line in found.steps[0].sentences())
    torchvision = next(each for each in found.steps[0].resizes if each is not trial)
    assert not torchvision.is_all, "it filters as PIL does"


@pytest.mark.slow
def test_a_step_to_another_network_is_not_the_resize(out: Path) -> None:
    model = f"first=py:{out}/net.py:first:{VIEW}"
    (found,) = hardiness.compare(out / "out", model, ladder=["first", "other"], data=str(out / "root"))
    assert not found.steps[0].resize.is_all
    assert any(line.startswith("the step is not the resize: ") for line in found.steps[0].sentences())


@pytest.mark.slow
def test_why_a_step_is_not_tried_is_said(out: Path, tmp_path: Path) -> None:
    (found,) = hardiness.compare(out / "out", ladder=["first", "device"])
    assert found.steps[0].resizes == (), "without data nothing is run"
    moved = noisy_root(tmp_path / "moved")
    next(moved.rglob("*.png")).unlink()
    (found,) = hardiness.compare(out / "out", ladder=["first", "device"], data=str(out / "root"))
    assert (
        found.steps[0]
        .notes[-1]
        .endswith("not tried: first runs code of one's own, which a stored folder does not start; add -m first=MODEL")
    )
    (found,) = hardiness.compare(out / "out", ladder=["first", "device"], data=str(moved))
    assert "was not tried: the pictures of imagenet are others than those of the run" in found.steps[0].notes[-1]


def run_with(answers: list[int], right: list[int]) -> Any:
    """The part of a run that has these answers to three clean pictures, -1 where there is none."""
    columns = {"answer": np.array(answers, np.int16)[:, None], RIGHT: np.array(right, np.int8)[:, None]}
    names = np.array(["a", "b", "c"], object)
    table = ImageTable(names, np.zeros(3, np.int32), (Condition(),), np.zeros(1, np.int16), columns)
    return SimpleNamespace(columns=lambda *_: table)


def test_a_picture_that_one_run_has_not_evaluated_is_no_changed_answer() -> None:
    ids, answers = clean_answers(run_with([0, 3, -1], [1, 0, -1]), run_with([0, -1, 0], [1, 0, 1]))
    assert ids.tolist() == ["a", "b"]
    assert [each.tolist() for each in answers] == [[0, 3], [0, -1]], "a reply that names no class is an answer"


def test_one_path_in_two_folders_is_two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "resolve", lambda text: text)
    monkeypatch.setattr(models, "load", lambda text: f"{text} of {Path.cwd().name}")
    trials = ResizeTrials(["embedded"])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert trials.classifier_of("onnx:net.onnx", str(tmp_path / name)) == f"onnx:net.onnx of {name}"
    assert len(trials.classifiers) == 2
