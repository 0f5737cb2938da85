"""Settings of one's own network are in the key by value; where one cannot be, a command begins anew or has a tag."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import hardiness
from hardiness import View
from hardiness.core.errors import ArgumentError
from hardiness.core.request import Request
from hardiness.engine.evaluation import Evaluation
from hardiness.engine.ray_task import Errand, list_units

NETWORK = """
import argparse, collections, decimal, fractions, re, types
from dataclasses import dataclass
import numpy as np
import pandas as pd
import torch
import torchvision.transforms as T
from transformers import PretrainedConfig

@dataclass(slots=True)
class Slotted:
    sign: int

class Slots:
    __slots__ = ("sign",)
    def __init__(self, sign):
        self.sign = sign

class Brightness(torch.nn.Module):
    def __init__(self, make, read, sign):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.settings, self.read = make(sign), read

    def forward(self, x):
        mean = (x.mean((1, 2, 3)) - 0.5) * float(self.read(self.settings, x)) * self.scale
        return torch.stack([-mean, mean], dim=1)

FORMS = {
    "argparse.Namespace": (lambda s: argparse.Namespace(sign=s), lambda v, x: v.sign),
    "SimpleNamespace": (lambda s: types.SimpleNamespace(sign=s), lambda v, x: v.sign),
    "PretrainedConfig": (lambda s: PretrainedConfig(sign=s), lambda v, x: v.sign),
    "dataclass(slots=True)": (Slotted, lambda v, x: v.sign),
    "__slots__": (Slots, lambda v, x: v.sign),
    "deque": (lambda s: collections.deque([s]), lambda v, x: v[0]),
    "Decimal": (decimal.Decimal, lambda v, x: v),
    "Fraction": (fractions.Fraction, lambda v, x: v),
    "range": (lambda s: range(s, 3), lambda v, x: v[0]),
    "re.Pattern": (lambda s: re.compile(str(s)), lambda v, x: v.pattern),
    "torch.Generator": (lambda s: torch.Generator().manual_seed(s + 1), lambda v, x: v.initial_seed() - 1),
    "torch.distributions": (lambda s: torch.distributions.Normal(float(s), 1.0), lambda v, x: v.mean),
    "np.poly1d": (lambda s: np.poly1d([s, 0]), lambda v, x: v(1)),
    "pandas.Series": (lambda s: pd.Series([s]), lambda v, x: v.iloc[0]),
    "T.Compose": (lambda s: T.Compose([T.Normalize([0.0], [float(s)])]), lambda v, x: v(torch.ones(1, 1, 1)).item()),
}

def build(form, sign):
    return Brightness(*FORMS[form], sign)
"""
FORMS = [line.split('"')[1] for line in NETWORK.split("FORMS = {")[1].splitlines() if line.startswith('    "')]
PICTURES = np.concatenate([np.full((3, 8, 8, 3), 20, np.uint8), np.full((3, 8, 8, 3), 230, np.uint8)])
DATA = PICTURES, [0, 0, 0, 1, 1, 1], ["dark", "bright"]
RUN = ("-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--device", "cpu")
OWN = """
import json
import types
import torch
{top}

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 1000)
        self.head.weight.data = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0))
        self.settings = {settings}

    def forward(self, x):
        return self.head(x.mean((2, 3))) * {factor}

def build():
    return Net()
"""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A module with a network that tells dark from bright, or bright from dark, as one of its settings says."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "network_of_own_settings.py").write_text(NETWORK)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("network_of_own_settings")
    sys.path.remove(str(folder))
    del sys.modules["network_of_own_settings"]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_another_setting_is_another_run(form: str, signed: ModuleType, tmp_path: Path) -> None:
    def evaluated(sign: int) -> hardiness.Result:
        network = signed.build(form, sign)
        return hardiness.evaluate(
            network, "own", DATA, view=View(8, 8, mean=(0.0,) * 3, std=(1.0,) * 3), name="net",
            out=tmp_path, device="cpu", runtime="torch", progress=False,
        )  # fmt: skip

    right, wrong, again = (evaluated(sign) for sign in (1, -1, 1))
    assert [each.score("top1").value for each in (right, wrong)] == [1.0, 0.0]
    assert again.key == right.key != wrong.key


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., str]:
    """Writes a model's file and gives its name."""

    def write(top: str = "", settings: str = "None", factor: str = "1") -> str:
        (tmp_path / "own.py").write_text(OWN.format(top=top, settings=settings, factor=factor))
        return f"py:{tmp_path / 'own.py'}:build:mean=0,std=1"

    return write


def keys(out: Path) -> set[str]:
    return {json.loads(path.read_text())["key"] for path in out.glob("records/*/run.json")}


def test_a_json_that_is_read_into_a_namespace_counts(own: Any, hardiness: Any, tmp_path: Path) -> None:
    file, found = tmp_path / "settings.json", []
    name = own(
        settings=f"types.SimpleNamespace(**json.loads(__import__('pathlib').Path({str(file)!r}).read_text()))",
        factor="self.settings.sign",
    )
    for sign in (1, -1, 1):
        file.write_text(json.dumps({"sign": sign}))
        told = hardiness("run", "-m", name, *RUN, "--quiet", "--out", tmp_path / "out")
        assert told.status == 0, told.err
        assert "does not cover" not in told.err
        found.append(len(keys(tmp_path / "out")))
    assert found == [1, 2, 2]


UNCOVERED = {
    "what cannot be hashed by value (settings of Net: builtins.generator)": {"settings": "(each for each in (1,))"},
    "files that its code reads while it runs (read_text in forward of own)": {
        "top": "from pathlib import Path",
        "factor": "float(Path(__file__).with_name('factor.txt').read_text())",
    },
}


@pytest.mark.parametrize("what", UNCOVERED)
def test_what_is_not_covered_begins_anew_unless_it_has_a_tag(
    what: str, own: Any, hardiness: Any, tmp_path: Path
) -> None:
    (tmp_path / "factor.txt").write_text("1")
    name, out = own(**UNCOVERED[what]), tmp_path / "out"
    for count in (1, 2):
        told = hardiness("run", "-m", name, *RUN, "--out", out)
        assert told.status == 0, told.err
        (line,) = (each for each in told.lines if "does not cover" in each)
        assert f"its key does not cover {what}: each command begins anew; to go on, add tag=NAME" in line
        assert len(keys(out)) == count
    for _ in range(2):
        told = hardiness("run", "-m", f"{name},tag=first", *RUN, "--out", out)
        assert told.status == 0, told.err
        assert "does not cover" not in told.err
        assert len(keys(out)) == 3
    shared = hardiness("run", "-m", name, *RUN, "--worker", "0/2", "--out", out)
    assert shared.status == 2
    assert "several processes (--worker, --engine ray) would each begin a run of their own" in shared.err
    assert "add a tag=NAME to the model" in shared.err
    assert len(keys(out)) == 3
    assert hardiness("run", "-m", f"{name},tag=first", *RUN, "--worker", "0/2", "--out", out).status == 0


def test_an_actor_refuses_what_is_not_covered(own: Any, tmp_path: Path, photographs: list[Path]) -> None:
    from hardiness.benchmarks.options import parse
    from hardiness.data.root import locate

    benchmark = parse("imagenet-val")
    evaluation = Evaluation(benchmark, benchmark.dataset(locate(["embedded"])), Request(limit=2))
    name = own(settings="(each for each in (1,))")
    placing = {"device": "cpu", "precision": "fp32", "runtime": "torch"}
    with pytest.raises(ArgumentError, match="would each begin a run of their own"):
        list_units(Errand((name,), placing, (evaluation,), tmp_path / "out"))
