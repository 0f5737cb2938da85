"""Networks whose outputs are in another order: their answers are matched by the names of the classes."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hardiness as package

EACH = 12

NETWORKS = '''
import numpy as np


class Brightness:
    """Right on every picture: dark ones show an ant, bright ones a cat."""

    def __init__(self, outputs, class_names=()):
        self.outputs = [("ant", "bee", "cat").index(name) for name in outputs]
        if class_names:
            self.class_names = list(class_names)

    def __call__(self, images):
        shown = np.digitize(np.asarray(images, float).mean((1, 2, 3)), {borders})
        return np.stack([np.where(shown == k, 5.0, -np.abs(shown - k) / 10) for k in self.outputs], axis=1)


def a():
    return Brightness(("ant", "bee", "cat"), ("ant", "bee", "cat"))


def b():
    return Brightness(("cat", "ant", "bee"), ("cat", "ant", "bee"))


def wrong():
    return Brightness(("ant", "bee", "cat"), ("bee", "cat", "ant"))


def nameless():
    return Brightness(("cat", "ant", "bee"))
'''
VIEW = "resize_px=64,crop_px=64,interpolation=bilinear,tag=1"

AGREEMENT = """
[[rules]]
model = "{model}"
benchmark = "own"
metric = "agreement"
against = {against}
against_model = "{baseline}"
at_least = "90 %"
"""


@pytest.fixture
def insects(photographs: list[Path], tmp_path: Path) -> Path:
    """The darkest, the middle and the brightest photographs as classes, beside four networks and a file of answers."""
    small = [Image.open(path).convert("RGB").resize((64, 64)) for path in photographs]
    small.sort(key=lambda picture: float(np.asarray(picture).mean()))
    middle = len(small) // 2 - EACH // 2
    classes = {"ant": small[:EACH], "bee": small[middle : middle + EACH], "cat": small[-EACH:]}
    brightness = {name: [float(np.asarray(each).mean()) for each in kind] for name, kind in classes.items()}
    rows = [("sample", "class_name")]
    for name, pictures in classes.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            picture.save(tmp_path / "photos" / name / f"{number}.png")
            rows.append((f"{name}/{number}.png", name))
    borders = [(brightness[low][-1] + brightness[high][0]) / 2 for low, high in (("ant", "bee"), ("bee", "cat"))]
    (tmp_path / "net.py").write_text(NETWORKS.replace("{borders}", str(borders)))
    (tmp_path / "order.txt").write_text("cat\nant\nbee\n")
    with (tmp_path / "device.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return tmp_path


@pytest.fixture
def evaluated(insects: Path, hardiness: Callable[..., Any]) -> Path:
    """The folder, with the networks in ``out``, and the answers of a device in ``device``."""
    models = [part for name in ("a", "b", "wrong") for part in ("-m", f"{name}=py:{insects / 'net.py'}:{name}:{VIEW}")]
    photos = insects / "photos"
    for arguments in (
        (*models, "--data", f"own={photos}", "--out", insects / "out"),
        (
            *("-m", f"nameless=py:{insects / 'net.py'}:nameless:{VIEW}", "--out", insects / "out"),
            *("--data", f"own={photos}:classes={insects / 'order.txt'}"),
        ),
        (
            *("-m", "device", "--data", f"own={photos}:classes={insects / 'order.txt'}"),
            *("--predictions", insects / "device.csv", "--out", insects / "device"),
        ),
    ):
        told = hardiness("run", "-b", "own", *arguments, "--quiet")
        assert told.status == 0, told.err
    return insects


def test_a_ladder_a_comparison_and_a_gate_match_answers_by_class(
    evaluated: Path, hardiness: Callable[..., Any]
) -> None:
    out, device = evaluated / "out", evaluated / "device"
    for ladder in ("a+b", "a+nameless", "b+nameless", "nameless+device", "device+b"):
        told = hardiness("compare", out, device, "--ladder", ladder)
        assert told.status == 0, told.err
        assert "no answer changes" in told.out, ladder
    told = hardiness("compare", out, "--ladder", "a+b")
    assert "what differs: the order of the outputs (answers are matched by" in " ".join(told.out.split())
    told = hardiness("compare", out, device, "--ladder", "device+wrong")
    assert "100.0 % of answers change: 100.0 % are harmful" in " ".join(told.out.split())

    (compared,) = json.loads(hardiness("compare", out, device, "--json").out)
    for pair in compared["flips"]:
        is_same = not any(name.endswith("wrong") for name in (pair["first"], pair["second"]))
        assert pair["overall"]["agreement"]["value"] == is_same, pair

    for model, against, baseline, outcome in (
        ("wrong", device, "device", 3),
        ("b", device, "device", 0),
        ("b", out, "a", 0),
        ("wrong", out, "b", 3),
        ("nameless", out, "a", 0),
    ):
        rule = AGREEMENT.format(model=model, against=json.dumps(str(against)), baseline=baseline)
        (evaluated / "policy.toml").write_text(rule)
        assert hardiness("gate", out, "--policy", evaluated / "policy.toml").status == outcome, rule


def test_rows_are_read_in_the_order_of_the_data(evaluated: Path, results: Callable[..., Any]) -> None:
    runs = {each["model"]: each["run"] for each in results(evaluated / "out")}
    assert {tuple(run["data"]["classes"]) for run in runs.values()} == {("ant", "bee", "cat")}
    assert {name: "".join(word[0] for word in run["model"]["classes"]) for name, run in runs.items()} == {
        **{"a": "abc", "b": "cab"},
        **{"wrong": "bca", "nameless": "cab"},
    }
    fingerprints = {run["data"]["fingerprint"] for run in runs.values()}
    assert len(fingerprints) == 1, "a file that orders the outputs changes no picture and no label"


def test_in_python_too_answers_are_matched_by_class(insects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(insects))
    networks: Any = importlib.import_module("net")
    models = {name: getattr(networks, name)() for name in ("a", "b", "wrong")}
    options: Any = {"data": str(insects / "photos"), "view": package.View(64, 64, "bilinear"), "tag": "1"}
    package.evaluate(models, "own", **options, out=insects / "out")
    (ladder,) = package.compare(insects / "out", ladder=["a", "b", "wrong"])
    assert [step.flips.overall.agreement.value for step in ladder.steps if step.flips] == [1.0, 0.0]
