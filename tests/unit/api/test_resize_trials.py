"""A ladder whose last step is another resize, and one where no resize explains it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import hardiness
from hardiness import models
from hardiness.api.resize_trials import ResizeTrials, clean_answers
from hardiness.core.condition import Condition
from hardiness.core.model import Canvas
from hardiness.core.table import RIGHT, ImageTable
from hardiness.engine.protocol_noise import other_resizers
from hardiness.report.ladder import step_lines
from hardiness.report.words import text

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
VIEW = "resize_px=36,crop_px=32,mean=0,std=1,interpolation=bicubic"


def noisy_root(folder: Path) -> Path:
    """Sixteen photographs of noise, which libraries resize very differently."""
    draws = np.random.default_rng(0)
    for k in range(16):
        file = folder / "imagenet" / "val" / "n01440764" / f"p{k:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), draws.integers(0, 256, (97, 97, 3)).astype(np.uint8))
    return folder


def device_answers(root: Path, seed: int) -> dict[str, list[object]]:
    """The answers of a network behind OpenCV's default resize, by nothing of ours."""
    weight = torch.randn(1000, 12, generator=torch.Generator().manual_seed(seed))
    answers: dict[str, list[object]] = {"sample": [], "class_index": []}
    for file in sorted(root.rglob("*.png")):
        image = cv2.resize(cv2.imread(str(file))[:, :, ::-1], (36, 36), interpolation=cv2.INTER_LINEAR)[2:34, 2:34]
        pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        answers["sample"].append(f"n01440764/{file.name}")
        answers["class_index"].append(int((weight @ nn.functional.adaptive_avg_pool2d(pixels, 2).flatten()).argmax()))
    return answers


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks and, on devices that resize by OpenCV's default, the first and a third; ``root`` beside them."""
    folder = tmp_path_factory.mktemp("resizes")
    (folder / "net.py").write_text(MODEL)
    root = noisy_root(folder / "root")
    settings = {"device": "cpu", "progress": False, "out": folder / "out"}
    for name in ("first", "other"):
        hardiness.evaluate(f"{name}=py:{folder}/net.py:{name}:{VIEW}", "imagenet-val", str(root), **settings)
    for name, seed in (("device", 0), ("stranger", 2)):
        hardiness.evaluate(name, "imagenet-val", str(root), predictions=device_answers(root, seed), **settings)
    return folder


def climbed(out: Path, *rungs: str) -> Any:
    """The one step of a ladder that is tried on the pictures."""
    model = f"first=py:{out}/net.py:first:{VIEW}"
    (found,) = hardiness.compare(out / "out", model, ladder=list(rungs), data=str(out / "root"))
    return found.steps[0]


@pytest.mark.slow
@pytest.mark.parametrize("rungs", [("first", "device"), ("device", "first")])
def test_the_resize_that_explains_a_step_is_named(out: Path, rungs: tuple[str, str]) -> None:
    step = climbed(out, *rungs)
    trial = step.resize
    assert (trial.model, trial.explaining) == ("first", ("OpenCV linear",)), "the view says bicubic"
    assert trial.changed + trial.same == 16
    assert trial.changed > 0
    pictures = f"on {trial.changed} that change and on {trial.same} that do not"
    text = f"first with the pictures resized by OpenCV linear gives the other's answers, {pictures}"
    assert f"the resize explains the step: {text}" in step_lines(step)
    assert step.as_dict()["resize"]["explaining"] == ["OpenCV linear"]


@pytest.mark.slow
def test_where_no_resize_explains_a_step_nothing_is_said_but_what_was_tried(out: Path) -> None:
    step = climbed(out, "first", "stranger")
    assert step.resize.explaining == ()
    sentence = step.resize.sentence
    assert sentence in step_lines(step)
    assert sentence.startswith("resizes tried, none of which gives the other's answers on 16 that change and on 0 ")
    assert sentence.endswith(f"first with {', '.join(step.resize.tried)}")
    assert "PIL bicubic" not in step.resize.tried, "that is its own"


@pytest.mark.slow
def test_nothing_is_tried_between_networks_that_see_the_same_pictures(out: Path) -> None:
    step = climbed(out, "first", "other")
    assert step.flips.overall.changed > 0
    assert step.resize is None
    assert not any("resize" in line for line in step_lines(step))


@pytest.mark.slow
def test_why_a_step_is_not_tried_is_said(out: Path, tmp_path: Path) -> None:
    (found,) = hardiness.compare(out / "out", ladder=["first", "device"])
    assert found.steps[0].resize is None, "without data nothing is run"
    moved = noisy_root(tmp_path / "moved")
    next(moved.rglob("*.png")).unlink()
    (found,) = hardiness.compare(out / "out", ladder=["first", "device"], data=str(out / "root"))
    assert text(found.steps[0].notes[-1]).endswith(
        "not tried: first runs code of one's own, which a stored folder does not start; add -m first=MODEL"
    )
    (found,) = hardiness.compare(out / "out", ladder=["first", "device"], data=str(moved))
    assert "was not tried: the pictures of imagenet are others than those of the run" in text(found.steps[0].notes[-1])


def test_the_usual_ways_to_resize_are_those_of_the_libraries() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    resizers = other_resizers(Canvas(20, 16, "bicubic"))
    flags = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC,
             "area": cv2.INTER_AREA, "lanczos4": cv2.INTER_LANCZOS4}  # fmt: skip
    filters = ("nearest", "bilinear", "lanczos", "box", "hamming")
    expected = {f"OpenCV {name}": cv2.resize(image, (30, 20), interpolation=flag) for name, flag in flags.items()}
    for name in filters:
        pillow = Image.fromarray(image).resize((30, 20), Image.Resampling[name.upper()])
        expected[f"PIL {name}"] = np.asarray(pillow)
    assert resizers.keys() - expected.keys() == {f"torchvision's tensors {name}" for name in ("bilinear", "bicubic")}
    for name, pixels in expected.items():
        np.testing.assert_array_equal(resizers[name](image, 20, 30, "bicubic"), pixels, name)


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
