"""``bpda=MODULE=FILE.py:FUNCTION``: the file finds its neighbours, and an edit of one is another run."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MODEL = """
import torch

class Rounded(torch.nn.Module):
    def forward(self, x):
        return (x * 4).round() / 4

def build():
    generator = torch.Generator().manual_seed(0)
    head = torch.nn.Linear(48, 1000)
    head.weight.data = torch.randn(1000, 48, generator=generator)
    layers = torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), head
    network = torch.nn.Sequential()
    network.add_module("rounded", Rounded())
    network.add_module("rest", torch.nn.Sequential(*layers))
    return network
"""
BACKWARD = "import slope_beside_it\n\ndef through(given, slope):\n    return slope_beside_it.turned(slope)\n"
QUICK = "protocol=standard,epsilons=24/255,steps=2,must_break=false,cross_checks=false"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own that no path leads to, with the model and the backward pass; imports are as before it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "backward.py").write_text(BACKWARD)
    yield tmp_path
    sys.modules.pop("slope_beside_it", None)


@pytest.mark.slow
def test_the_neighbour_of_a_backward_pass_is_found_and_counts(folder: Path, hardiness: Any) -> None:
    def run(helper: str, out: str) -> set[str]:
        sys.modules.pop("slope_beside_it", None)  # a new process would import it anew
        (folder / "beside" / "slope_beside_it.py").write_text(helper)
        importlib.invalidate_caches()
        told = hardiness(
            *("run", "-m", f"py:{folder / 'model.py'}:build:mean=0,std=1", "--data", "embedded", "--limit", "2"),
            *("-b", f"whitebox:{QUICK},bpda=rounded={folder / 'beside' / 'backward.py'}:through"),
            *("--device", "cpu", "--quiet", "--out", folder / out),
        )
        assert told.status == 0, told.err
        return {json.loads(path.read_text())["key"] for path in (folder / out).glob("records/*/run.json")}

    first = run("def turned(slope):\n    return slope * 1\n", "out")
    assert run("# a comment\ndef turned(slope):\n    return slope * 1\n", "out") == first
    assert len(run("def turned(slope):\n    return slope * -1\n", "out")) == 2


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("nowhere.py:through", "bpda=MODULE= must be followed by a file; there is none at nowhere.py"),
        ("{folder}/backward.py:thruogh", "did you mean 'through'"),
        ("{folder}/backward.py", "bpda=MODULE= must be followed by FILE.py:NAME"),
        (
            "{folder}/broken.py:through",
            "broken.py:through cannot be built, as the file cannot be imported: SyntaxError",
        ),
    ],
)
def test_a_backward_pass_that_cannot_be_had_is_one_line(
    given: str, line: str, folder: Path, hardiness: Any, tmp_path: Path
) -> None:
    (folder / "beside" / "slope_beside_it.py").write_text("")
    (folder / "beside" / "broken.py").write_text("def through(:\n")
    told = hardiness(
        *("run", "-m", f"py:{folder / 'model.py'}:build:mean=0,std=1", "--data", "embedded", "--limit", "2"),
        *("-b", f"whitebox:{QUICK},bpda=rounded={given.format(folder=folder / 'beside')}"),
        *("--device", "cpu", "--quiet", "--out", tmp_path / "out"),
    )
    assert told.status in (1, 2)
    assert line in told.lines[-1]
    assert len(told.lines) == 1
