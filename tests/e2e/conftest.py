"""The command line as a person calls it: in this process where that is enough, in one of its own where it is killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pictures
import pytest
from PIL import Image

from hardiness.cli.main import main
from hardiness.core.random import rng


@dataclass(frozen=True)
class Told:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.strip()]


@pytest.fixture
def hardiness(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Runs ``hardiness ARGUMENTS`` in this process."""

    def run(*arguments: str | Path) -> Told:
        monkeypatch.setattr(sys, "argv", ["hardiness", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "should have been told more plainly" not in captured.err
        return Told(int(left.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def spawn(warm: Callable[..., Any]) -> Callable[..., Any]:
    """Starts ``hardiness ARGUMENTS`` in a process of its own."""
    return lambda *arguments: warm("-m", "hardiness.cli", *map(str, arguments))


@dataclass(frozen=True)
class Moments:
    """Commands in processes of their own that are killed at moments drawn at random.

    The number that the draws start from is printed, and stands in the header of the tests' report; where
    ``HARDINESS_KILL_SEED`` holds it the moments are drawn again.
    """

    draws: random.Random
    spawn: Callable[..., subprocess.Popen[str]]

    def finish(self, *arguments: str | Path) -> float:
        """Lets the command end, which must go well, and gives the seconds that it took."""
        begin = time.perf_counter()
        process = self.spawn(*arguments)
        _, told = process.communicate(timeout=1800)
        assert process.returncode == 0, told
        return time.perf_counter() - begin

    def kill(self, *arguments: str | Path, between: tuple[float, float]) -> bool:
        """Kills the command at a moment between two ages in seconds; false where it had ended by then, well."""
        process, moment = self.spawn(*arguments), self.draws.uniform(*between)
        try:
            _, told = process.communicate(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            print(f"killed after {moment:.3f} s")
            return True
        assert process.returncode == 0, told
        return False


@pytest.fixture
def moments(spawn: Callable[..., subprocess.Popen[str]], request: pytest.FixtureRequest) -> Moments:
    """Kills commands at random moments, other ones in each test."""
    seed = f"{os.environ['HARDINESS_KILL_SEED']}/{request.node.name}"
    print(f"HARDINESS_KILL_SEED={os.environ['HARDINESS_KILL_SEED']}")
    return Moments(random.Random(seed), spawn)


@pytest.fixture
def results() -> Callable[[Path], list[dict[str, Any]]]:
    """Reads ``OUT/results.json``."""
    return lambda out: json.loads((out / "results.json").read_text())["results"]


NETWORK = '''
import torch
from hardiness import View

def build(classes={classes}):
    """Mean colours, through a fixed linear map: fast, deterministic, and different for every photograph."""
    class Colours(torch.nn.Module):
        def __init__(self):
            super().__init__()
            generator = torch.Generator().manual_seed(0)
            self.linear = torch.nn.Linear(48, classes)
            self.linear.weight.data = torch.randn(classes, 48, generator=generator)
            self.linear.bias.data.zero_()
        def forward(self, x):
            features = torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)
            return self.linear(features){tail}
    return Colours(), View(256, 224, "bilinear")
'''


@pytest.fixture
def factory(tmp_path: Path) -> Callable[..., str]:
    """Writes a file with a model factory and gives its name for ``-m``."""

    def write(classes: int = 1000, tail: str = "", name: str = "network") -> str:
        file = tmp_path / f"{name}.py"
        file.write_text(NETWORK.format(classes=classes, tail=tail))
        return f"py:{file}:build"

    return write


@pytest.fixture
def tree(photographs: list[Path], tmp_path: Path) -> Callable[..., Path]:
    """Makes a data root whose ``imagenet/val`` links to so many photographs; past the last it begins with copies."""

    def make(count: int = 12, name: str = "root", folder: str = "imagenet/val") -> Path:
        root = tmp_path / name
        for number in range(count):
            copy, photograph = number // len(photographs), photographs[number % len(photographs)]
            target = root / folder / photograph.parent.name
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{photograph.stem}_{copy}.JPEG").symlink_to(photograph.resolve())
        return root

    return make


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crops of each of the ten photographs that the small networks of ``tests/masked`` tell apart."""
    root, draws = tmp_path_factory.mktemp("crops"), np.random.default_rng(1)
    for number in range(2 * pictures.CLASSES):
        folder = root / f"c{number % pictures.CLASSES}"
        folder.mkdir(exist_ok=True)
        pictures.crop(number, draws, 256).save(folder / f"{number}.png")
    return root


@pytest.fixture
def run_on_crops(crops: Path, hardiness: Callable[..., Told], tmp_path: Path) -> Callable[..., Told]:
    """Runs models on one benchmark with six of the crops."""

    def run(models: tuple[str, ...], benchmark: str, *more: str, out: str = "out") -> Told:
        named = [part for model in models for part in ("-m", model)]
        data = ("--data", f"imagenet={crops}:classes=folders")
        return hardiness("run", *named, "-b", benchmark, *data, "--limit", "6", "--out", tmp_path / out, *more)

    return run


DULL_CLASSES = ("n01440764", "n01443537")
BRIGHTNESS = """
import torch
from hardiness.core import View

class Brightness(torch.nn.Module):
    \"\"\"The first class where a picture is dark, else the second; at a share NOISE of brightnesses the other.\"\"\"

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((1,), 255.0))

    def forward(self, x):
        value = torch.round(x.mean((1, 2, 3)) * self.scale)
        turned = ((value * 37) % 100 < 100 * NOISE).float()
        bright = (value > 127).float()
        second = (bright - turned).abs()
        answers = torch.stack([1 - second, second], 1) * (4 + value[:, None] / 255)
        return torch.cat([answers, x.new_zeros(len(x), 998)], 1)

def build():
    return Brightness(), View(32, 32, "bilinear", mean=(0, 0, 0), std=(1, 1, 1))
"""


@pytest.fixture
def dull(tmp_path: Path) -> Callable[..., Path]:
    """A data root of plain pictures, dark for one class and bright for the other; one in five is of the wrong kind.

    ``grain`` is the brightness that their pixels differ by.
    """

    def make(count: int = 240, grain: int = 0) -> Path:
        root = tmp_path / f"dull{count}"
        for number in range(count):
            draw = rng(0, "dull", number)
            label = number % 2
            bright = label ^ int(draw.random() < 0.2)
            value = int(draw.integers(0, 110)) + 140 * bright
            folder = root / "imagenet" / "val" / DULL_CLASSES[label]
            folder.mkdir(parents=True, exist_ok=True)
            picture = value + draw.integers(-grain, grain, (32, 32, 1), endpoint=True)
            picture = np.broadcast_to(np.clip(picture, 0, 255).astype(np.uint8), (32, 32, 3))
            Image.fromarray(picture).save(folder / f"{number:04d}.png")
        return root

    return make


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., str]:
    """A name for ``-m``."""

    def write(noise: float = 0.0, name: str = "brightness") -> str:
        file = tmp_path / f"{name}.py"
        file.write_text(BRIGHTNESS.replace("NOISE", str(noise)))
        return f"py:{file}:build"

    return write
