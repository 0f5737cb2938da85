"""The key covers the source of a person's own code, with what it imports, and plain attributes; nothing else of it."""

from __future__ import annotations

import copy
import enum
import functools
import importlib
import operator
import sys
import textwrap
import threading
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.models import own_source
from hardiness.models.own_source import code_sha256, is_local


@dataclass(slots=True)
class Slotted:
    sign: int


@dataclass(frozen=True)
class Settings:
    sign: int
    more: dict[str, Any] = field(default_factory=dict)

    def turned(self, x: Any) -> Any:
        return x * self.sign


class Sign(enum.Enum):
    PLUS = 1
    MINUS = -1


class Knot:
    def __init__(self, sign: int) -> None:
        self.parts, self.sign = [self], sign


class OwnDict(dict[str, Any]):
    pass


class Net(nn.Module):
    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, x: Tensor) -> Tensor:
        return x


def linear(value: float) -> nn.Module:
    network = nn.Linear(1, 1)
    for parameter in network.parameters():
        nn.init.constant_(parameter, value)
    return network


PLAIN: dict[str, Callable[[int], Any]] = {
    "number": float,
    "zero": lambda sign: 0.0 * sign,
    "text": str,
    "truth": lambda sign: sign > 0,
    "NumPy's number": np.float32,
    "NumPy's truth": lambda sign: np.bool_(sign > 0),
    "list": lambda sign: [0, (sign,)],
    "deque": lambda sign: deque([sign]),
    "set": lambda sign: {sign, "a", None},
    "dictionary": lambda sign: {"a": [{"b": sign}]},
    "a dictionary of one's own": lambda sign: OwnDict(a=sign),
    "array": lambda sign: np.array([sign]),
    "tensor": lambda sign: torch.tensor([float(sign)]),
    "bfloat16": lambda sign: torch.tensor([sign], dtype=torch.bfloat16),
    "type of tensors": lambda sign: torch.float32 if sign > 0 else torch.float64,
    "enum": Sign,
    "path": lambda sign: Path(str(sign)),
    "slots": Slotted,
    "an object of one's own": lambda sign: Settings(0, {"a": [Slotted(sign)]}),
    "bound method": lambda sign: Settings(sign).turned,
    "partial": lambda sign: functools.partial(operator.mul, sign),
    "function of torch": lambda sign: torch.relu if sign > 0 else torch.neg,
    "class": lambda sign: Slotted if sign > 0 else Settings,
    "network in a list": lambda sign: [nn.Sequential(linear(sign))],
    "cycle": Knot,
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_plain_attribute_counts_by_value(kind: str) -> None:
    for holder in (Net, Settings):
        one, same, other = (code_sha256(holder(PLAIN[kind](sign))) for sign in (1, 1, -1))
        assert one == same != other


def test_equal_values_count_as_equal_wherever_they_lie() -> None:
    shared = [1, 2]
    assert code_sha256(Net([shared, shared])) == code_sha256(Net([[1, 2], [1, 2]]))
    network = nn.Sequential(Net(shared), Net(Settings(1)))
    assert code_sha256(network) == code_sha256(copy.deepcopy(network))


def test_what_changes_with_the_process_does_not_count() -> None:
    for make in (threading.RLock, lambda: (each for each in (1,)), lambda: torch.Generator(), np.random.default_rng):
        assert code_sha256(Net(make())) == code_sha256(Net(make()))
    network = nn.Sequential(linear(1))
    before = code_sha256(network)
    network.train()(torch.zeros(1, 1)).sum().backward()
    assert code_sha256(network) == before


def test_settings_that_are_not_plain_are_left_to_the_look() -> None:
    def closure(sign: int) -> Callable[[Any], Any]:
        return lambda x: x * sign

    assert code_sha256(closure(1)) == code_sha256(closure(-1))
    assert code_sha256(Net(types.SimpleNamespace(sign=1))) == code_sha256(Net(types.SimpleNamespace(sign=-1)))


def test_a_wrapper_counts_with_what_it_wraps() -> None:
    numba = pytest.importorskip("numba")

    def scaled(x: float) -> float:
        return x * 2

    for wrap in (functools.lru_cache, numba.njit, torch.no_grad()):
        kernel = wrap(scaled)
        before = code_sha256(kernel)
        kernel(3.0)
        assert code_sha256(kernel) == before


NOTEBOOK = """
import math
FACTOR = 2

def helper(x):
    return x * FACTOR

class Net:
    sign = 1
    def __call__(self, x, by=1):
        return helper(x) * self.sign * by + math.pi

net = Net()
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [("FACTOR = 2", "FACTOR = 3"), ("x * FACTOR", "x - FACTOR"), ("sign = 1", "sign = 2"), ("by=1", "by=2")],
)
def test_a_notebook_counts_by_what_was_compiled(before: str, after: str) -> None:
    def made(text: str) -> Any:
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(text, space)
        return space["net"]

    assert code_sha256(made(NOTEBOOK)) == code_sha256(made(f"# again\n{NOTEBOOK}"))
    assert code_sha256(made(NOTEBOOK)) != code_sha256(made(NOTEBOOK.replace(before, after)))


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: one with a distribution, one without."""
    site = tmp_path / "site-packages"
    for name in ("with_version_here", "without_version_here"):
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text("FACTOR = 1\n")
    versions = {"with_version_here": "1.0"}
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(own_source, "_version_of", lambda top: versions.get(top, ""))
    return site


@pytest.mark.parametrize("name", ["with_version_here", "without_version_here"])
def test_an_installed_package_counts_by_its_version_where_it_has_one(
    name: str, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, found = f"import {name}\n", []
    for factor in (1, 2):
        (packages / name / "__init__.py").write_text(f"FACTOR = {factor}\n")
        importlib.invalidate_caches()
        found.append(code_sha256(print, text))
    assert (found[0] == found[1]) is (name == "with_version_here")
    monkeypatch.setattr(own_source, "_version_of", lambda top: "2.0" if top == "with_version_here" else "")
    assert (code_sha256(print, text) == found[1]) is (name == "without_version_here")


def test_python_and_this_package_have_no_version_in_the_key() -> None:
    assert not any(map(is_local, ("json", "sys", "hardiness.api", "numpy", "torch.nn")))
    assert is_local("__main__")
    assert is_local(__name__)
    assert code_sha256(print, "import json, os.path\n") != code_sha256(print, "import json\n")
    text = textwrap.dedent("""
        import json
        # a comment
        value = json.loads( "1" )
    """)
    assert code_sha256(print, text) == code_sha256(print, 'import json\nvalue = json.loads("1")\n')
