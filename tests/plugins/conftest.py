"""Strangers' distributions: installed by pip into a folder, and seen by a command that has it on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from strangers import Distribution, Outcome

from hardiness.core.random import rng

NETWORK = """
import torch
from hardiness import View

def build(seed=0):
    head = torch.nn.Linear(48, 1000)
    head.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(seed))
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), head), View()

def other():
    return build(1)
"""


@pytest.fixture(scope="session")
def install(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Installs distributions with pip, which takes two seconds for one; gives the folder to put on the path."""

    def installed(*distributions: Distribution) -> Path:
        folder = tmp_path_factory.mktemp("installed")
        projects = [distribution.write(folder / "projects") for distribution in distributions]
        quiet = ("--quiet", "--disable-pip-version-check", "--root-user-action", "ignore")
        alone = ("--no-deps", "--no-build-isolation", "--no-index", "--target", folder / "site-packages")
        command = [sys.executable, "-m", "pip", "install", *quiet, *alone, *projects]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return folder / "site-packages"

    return installed


def with_path(installed: Path) -> dict[str, str]:
    """The environment of a process that sees what is installed in a folder."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="session")
def path() -> Callable[[Path], dict[str, str]]:
    """The environment of a process that sees what is installed in a folder."""
    return with_path


@pytest.fixture(scope="session")
def command(warm: Callable[..., Any]) -> Callable[..., Outcome]:
    """Runs ``hardiness ARGUMENTS`` in a process of its own, in a folder, with what is installed in another."""

    def run(place: Path, installed: Path, *arguments: str | Path) -> Outcome:
        process = warm("-m", "hardiness.cli", *map(str, arguments), cwd=place, env=with_path(installed))
        out, err = process.communicate(timeout=600)
        assert "Traceback" not in err, err
        return Outcome(process.returncode, out, err)

    return run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A working folder with two networks and a data root of three photographs."""
    (tmp_path / "network.py").write_text(NETWORK)
    for number, wnid in enumerate(("n01440764", "n01443537", "n01484850")):
        folder = tmp_path / "data" / "imagenet" / "val" / wnid
        folder.mkdir(parents=True)
        pixels = rng(0, wnid).integers(0, 256, (7, 7, 3), "uint8").repeat(33, 0).repeat(33, 1)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path
