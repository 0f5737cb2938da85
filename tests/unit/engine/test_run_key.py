"""What changes a model's rows changes the key of its run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import DataSet
from hardiness.core.forms import from_json
from hardiness.core.run import Run
from hardiness.engine.backward_pass import given_backward
from hardiness.engine.tasks import run_of
from hardiness.models.loading import load

OWN = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, WIDTH)

    def forward(self, x):
        return self.head(x.mean((2, 3))) * 1

def net():
    torch.manual_seed(0)
    return Net()
"""
DATA = DataSet("imagenet", (), 1000, "0", "nowhere")


def _key(file: Path, options: str = "", benchmark: str = "imagenet-val", surrogate: bool = False) -> str:
    classifier = load(f"py:{file}:net:mean=0.485/0.456/0.406,std=0.229/0.224/0.225{options}", device="cpu")
    run: Run = run_of(classifier, parse(benchmark), DATA, 0, classifier if surrogate else None)
    assert from_json(Run, json.loads(run.canonical()), "the run").key == run.key
    return run.key


@pytest.mark.parametrize("surrogate", [False, True])
def test_editing_forward_is_another_run(tmp_path: Path, surrogate: bool) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("WIDTH", "1000"))
    before = _key(file, surrogate=surrogate)
    assert _key(file, surrogate=surrogate) == before
    file.write_text(OWN.replace("WIDTH", "1000").replace("* 1", "* -1"))
    assert _key(file, surrogate=surrogate) != before
    assert _key(file, ",tag=mine") == _key(file, ",tag=mine")


def test_correcting_a_class_order_is_another_run(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("WIDTH", "1000"))
    keys = {_key(file, options) for options in ("", ",class_order=wnid", ",class_order=own")}
    assert len(keys) == 3
    file.write_text(OWN.replace("WIDTH", "1001"))
    assert _key(file) != _key(file, ",class_order=background+wnid")


@pytest.mark.parametrize(
    "versioned",
    ["attacks.pgd.PGD.version", "engine.tasks.JUDGING", "engine.tasks.GRADIENTS_VERSION"],
)
def test_another_version_of_an_attack_its_judging_or_its_gradients_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versioned: str
) -> None:
    file = tmp_path / "own.py"
    file.write_text(OWN.replace("WIDTH", "1000"))
    before, plain = _key(file, benchmark="whitebox"), _key(file)
    monkeypatch.setattr(f"hardiness.{versioned}", 99)
    assert _key(file, benchmark="whitebox") != before
    assert _key(file) == plain, "a run without an attack is what it was"


def test_what_lies_beside_a_backward_pass_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "own.py").write_text(
        "import slope_near_it\ndef through(x, slope):\n    return slope_near_it.f(slope)\n"
    )
    digits = []
    for factor in ("1", "1  # the same", "-1"):
        sys.modules.pop("slope_near_it", None)  # a new process would import it anew
        (tmp_path / "slope_near_it.py").write_text(f"def f(slope):\n    return slope * {factor}\n")
        given = given_backward(f"jpeg={tmp_path / 'own.py'}:through")
        assert given is not None
        digits.append(given[1])
    sys.modules.pop("slope_near_it", None)
    assert digits[0] == digits[1] != digits[2]
    assert given_backward("jpeg") is given_backward("") is None
