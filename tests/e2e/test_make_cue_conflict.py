"""``hardiness make stimuli`` as a person calls it, and the benchmark on what it made."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from hardiness.core.benchmark import Stimulus
from hardiness.core.model import CANVAS_224
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load
from hardiness.models.preprocessing import to_pixels
from hardiness.visualise.pairs import pairs, photographs

NETWORK = """
import torch
from hardiness import View

def build():
    class Pyramid(torch.nn.Module):
        def __init__(self):
            super().__init__()
            generator = torch.Generator().manual_seed(0)
            self.stages = torch.nn.ModuleList(torch.nn.Conv2d(3, 3, 3, stride=2, padding=1) for _ in range(4))
            self.head = torch.nn.Linear(3, 1000)
            for parameter in self.parameters():
                parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
        def forward(self, x):
            for stage in self.stages:
                x = stage(x).tanh()
            return self.head(x.mean((2, 3)))
    return Pyramid(), View()
"""


@pytest.fixture
def pyramid(tmp_path: Path) -> str:
    """A small network with maps of four sizes."""
    file = tmp_path / "pyramid.py"
    file.write_text(NETWORK)
    return f"py:{file}:build"


@pytest.fixture
def folder(photographs: list[Path], tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of photographs: a folder for each name, two in each."""

    def make(*names: str) -> Path:
        for number, name in enumerate(names):
            (tmp_path / "photographs" / name).mkdir(parents=True)
            for copy in range(2):
                shutil.copy(photographs[2 * number + copy], tmp_path / "photographs" / name / f"p{copy}.JPEG")
        return tmp_path / "photographs"

    return make


def files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")}


FAST = ["--steps", "3", "--size", "96"]


def test_stimuli_are_made_named_listed_and_kept(
    hardiness: Any, pyramid: str, folder: Any, tmp_path: Path, results: Any
) -> None:
    place, out = folder("n01440764", "n01443537", "n02012849"), tmp_path / "out"
    asked = ["make", "stimuli", "--shapes", place, "--textures", place, "--out", out, "-m", pyramid, "--steps", "3"]
    told = hardiness(*asked, "--limit", "3")
    assert told.status == 0, told.err
    assert told.out.startswith("3 files")
    made = sorted((out / "cue-conflict").glob("*.png"))
    assert len(made) == 3
    for path in made:
        stimulus = Stimulus.parse(path.stem)
        assert stimulus is not None
        assert stimulus.in_conflict
        assert {stimulus.shape, stimulus.texture} < {"tench", "goldfish", "crane"}
        assert decode(path.read_bytes(), path.name).shape == (224, 224, 3)
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["files"]["cue-conflict"]) == {path.name for path in made}
    assert (manifest["seed"], manifest["steps"], manifest["size_px"]) == (0, 3, 224)
    rows = list(csv.DictReader((out / "cue-conflict" / "categories.csv").read_text().splitlines()))
    assert {row["category"]: int(row["class_index"]) for row in rows} == {"crane": 134, "goldfish": 1, "tench": 0}
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in made}
    more = hardiness(*asked, "--variants", "edges,silhouettes,stylised")
    assert more.status == 0, more.err
    assert all(path.stat().st_mtime_ns == time for path, (time, _) in before.items()), "finished ones are kept"
    found = files(out)
    assert len([name for name in found if name.startswith("cue-conflict/") and name.endswith(".png")]) == 6
    assert {"edges/n01440764/p0.png", "silhouettes/n02012849/p1.png", "contact-sheet.png", "manifest.json"} <= found
    assert len([name for name in found if name.startswith("stylised/n01443537/goldfish")]) == 2
    ran = hardiness("run", "-m", pyramid, "-b", "cue-conflict", "--data", out, "--out", tmp_path / "run")
    assert ran.status == 0, ran.err
    (result,) = results(tmp_path / "run")
    assert result["counts"]["evaluated"] == 6
    labelled = hardiness(
        "run", "-m", pyramid, "-b", "imagenet-val", "--data", f"imagenet={out / 'edges'}", "--out", tmp_path / "edges"
    )
    assert labelled.status == 0, labelled.err


def test_the_same_bytes_from_the_same_seed_however_often_it_was_stopped(
    hardiness: Any, pyramid: str, folder: Any, tmp_path: Path
) -> None:
    place = folder("ant", "bee", "cup")
    asked = ["make", "stimuli", "--shapes", place, "--textures", place, "-m", pyramid, *FAST, "--batch-size", "1"]
    assert hardiness(*asked, "--out", tmp_path / "a").status == 0
    assert hardiness(*asked, "--out", tmp_path / "b", "--limit", "2").status == 0
    half = sorted((tmp_path / "b" / "cue-conflict").glob("*.png"))
    (tmp_path / "b" / "manifest.json").write_text(
        json.dumps({**json.loads((tmp_path / "b" / "manifest.json").read_text()), "files": {}})
    )
    half[0].write_bytes(half[0].read_bytes()[:100])  # killed while it was written, and before the list was
    assert hardiness(*asked, "--out", tmp_path / "b").status == 0
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.png")} for name in ("a", "b"))
    assert first == second
    listed = [json.loads((tmp_path / name / "manifest.json").read_text())["files"] for name in ("a", "b")]
    assert listed[0] == listed[1]


def test_another_seed_is_another_folder(hardiness: Any, pyramid: str, folder: Any, tmp_path: Path) -> None:
    place = folder("ant", "bee")
    asked = ["make", "stimuli", "--shapes", place, "--textures", place, "-m", pyramid, *FAST, "--limit", "1"]
    assert hardiness(*asked, "--out", tmp_path / "a").status == 0
    told = hardiness(*asked, "--out", tmp_path / "a", "--seed", "1")
    assert told.status == 2
    (line,) = told.lines
    assert "was written with seed 0, and now seed is 1: choose another folder" in line


def test_a_folder_that_another_command_writes_is_waited_for(
    hardiness: Any, pyramid: str, folder: Any, tmp_path: Path
) -> None:
    place, out = folder("n01440764", "n01443537"), tmp_path / "a"
    out.mkdir()
    asked = ["make", "stimuli", "--shapes", place, "--textures", place, *FAST, "-m", pyramid, "--out", out]
    with FileLock(out / ".lock"):
        told = hardiness(*asked, "--wait", "0")
    assert told.status == 1
    assert "is locked by another process, and was for 0 s" in told.err


def test_categories_of_unknown_classes_are_told(hardiness: Any, pyramid: str, folder: Any, tmp_path: Path) -> None:
    place, out = folder("moss", "bark"), tmp_path / "a"
    asked = ["make", "stimuli", "--shapes", place, "--textures", place, "-m", pyramid, *FAST, "--limit", "1"]
    told = hardiness(*asked, "--out", out)
    assert told.status == 0
    assert f"the classes of bark, moss are not known: for the benchmark, write {out / 'cue-conflict'}" in told.err
    assert not (out / "cue-conflict" / "categories.csv").exists()


def test_a_photograph_that_cannot_be_read_costs_its_stimuli_alone(
    hardiness: Any, pyramid: str, folder: Any, tmp_path: Path
) -> None:
    place = folder("ant", "bee")
    (place / "ant" / "p0.JPEG").write_bytes(b"no photograph")
    line = ["make", "stimuli", "--shapes", place, "--textures", place, "-m", pyramid, *FAST]
    told = hardiness(*line, "--out", tmp_path / "a")
    assert told.status == 1
    assert "failed: " in told.err
    assert "p0.JPEG" in told.err
    made = {path.stem for path in (tmp_path / "a" / "cue-conflict").glob("*.png")}
    assert made
    assert not any("ant1" in name for name in made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--shapes", "nowhere"], "--shapes nowhere: must be a folder"),
        (["--variants", "edge"], "did you mean 'edges'"),
        (["--each", "0"], "--each must be at least 1"),
        (["--limit", "0"], "--limit must be at least 1"),
        (["--steps", "0"], "steps must be at least 1"),
        (["--size", "32"], "size must be at least 64"),
        (["-m", "efficientnet_lite9"], "did you mean"),
    ],
)
def test_bad_input_is_one_line(
    hardiness: Any, pyramid: str, folder: Any, tmp_path: Path, changes: list[str], message: str
) -> None:
    place = folder("ant", "bee")
    options = {"--shapes": place, "--textures": place, "-m": pyramid, "--out": tmp_path / "a", changes[0]: changes[1]}
    told = hardiness("make", "stimuli", *(word for option in options.items() for word in option))
    assert told.status == 2
    (line,) = told.lines
    assert message in line
    assert not (tmp_path / "a").exists()


def test_one_category_and_a_transformer_are_one_line_each(hardiness: Any, folder: Any, tmp_path: Path) -> None:
    place = folder("ant")
    vit = "timm:vit_tiny_patch16_224:weights=random"
    asked = ["make", "stimuli", "--shapes", place, "--textures", place, "--out", tmp_path / "a"]
    told = hardiness(*asked, "-m", "squeezenet1_1:weights=random")
    assert told.status == 2
    assert "of one category, ant" in told.lines[0]
    told = hardiness(*asked[:3], "embedded", "--textures", "embedded", "--out", tmp_path / "a", "-m", vit)
    assert told.status == 1
    assert "has maps of 1 sizes, and textures need 3 or more" in told.lines[0]


@pytest.mark.slow
def test_lite0_sees_the_texture_and_no_longer_the_shape(hardiness: Any, tmp_path: Path) -> None:
    """Means over four pairs of embedded photographs, each stimulus against the clean photograph of its shape.

    The texture's class gains more than 0.1 of probability, the shape's loses more than 0.3.
    """
    told = hardiness(
        "make",
        "stimuli",
        "--shapes",
        "embedded",
        "--textures",
        "embedded",
        "--out",
        tmp_path,
        "--limit",
        "4",
        "--steps",
        "60",
    )
    assert told.status == 0, told.err
    given = photographs("--shapes", "embedded")
    chosen = pairs(given, given, 1, 4, 0)
    clean = [on_canvas(decode(pair.shape.file.read(), ""), CANVAS_224) for pair in chosen]
    paths = [tmp_path / "cue-conflict" / f"{pair.stimulus}.png" for pair in chosen]
    made = [decode(path.read_bytes(), path.name) for path in paths]
    classifier = load("efficientnet_lite0", device="cpu")
    before, after = (
        torch.from_numpy(classifier.logits(to_pixels(images))).softmax(1).numpy() for images in (clean, made)
    )
    rows = np.arange(4)
    shape, texture = (
        np.array([item.label for item in side]) for side in zip(*[pair[1:] for pair in chosen], strict=True)
    )
    assert (after - before)[rows, texture].mean() > 0.1
    assert (before - after)[rows, shape].mean() > 0.3
