"""A model that imports a file of one's own: an edit of that file is another model, in a run and its page."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NETWORK = """
import functools
import torch
{top}

class Colours(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(48, 1000)
        self.linear.weight.data = torch.randn(1000, 48, generator=torch.Generator().manual_seed(0))

    def forward(self, x):
        x = self.linear(torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1))
        {forward}

def build():
    return Colours()
"""
HELPER = "helper_of_own_code"
FORMS = {
    "a function": ("def scale(x):\n    return x * 1\n", f"import {HELPER} as helper", "return helper.scale(x)"),
    "a constant": ("CONST = 2 * 1\n", f"import {HELPER} as helper", "return x * helper.CONST"),
    "lru_cache": (
        "import functools\n@functools.lru_cache\ndef factor(n):\n    return n * 1\n",
        f"from {HELPER} import factor",
        "return x * factor(2)",
    ),
    "TorchScript": (
        "import torch\n@torch.jit.script\ndef scale(x):\n    return x * 1\n",
        f"from {HELPER} import scale",
        "return scale(x)",
    ),
    "an import in forward": (
        "def scale(x):\n    return x * 1\n",
        "",
        f"import {HELPER} as helper; return helper.scale(x)",
    ),
}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a model and the file that it imports, and gives the model's name; a new process would import it anew."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(helper: str, top: str, forward: str) -> str:
        sys.modules.pop(HELPER, None)
        (tmp_path / f"{HELPER}.py").write_text(helper)
        (tmp_path / "own.py").write_text(NETWORK.format(top=top, forward=forward))
        importlib.invalidate_caches()
        return f"py:{tmp_path / 'own.py'}:build:mean=0.485/0.456/0.406,std=0.229/0.224/0.225"

    yield write
    sys.modules.pop(HELPER, None)


def without_sessions(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Results by key; a session says by its mere being which run of a name was asked for last."""
    return {key: {name: each for name, each in result.items() if name != "measured"} for key, result in results.items()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize("form", FORMS)
def test_an_edit_of_an_imported_file_is_evaluated_anew(
    form: str, written: Any, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    helper, top, forward = FORMS[form]

    def run(text: str) -> dict[str, Any]:
        told = hardiness(
            *("run", "-m", written(text, top, forward), "-b", "imagenet-val", "--data", "embedded"),
            *("--limit", "3", "--device", "cpu", "--quiet", "--out", tmp_path / "out"),
        )
        assert told.status == 0, told.err
        return {each["run"]["key"]: each for each in results(tmp_path / "out")}

    first = run(helper)
    assert len(first) == 1
    assert run(f"# a comment\n{helper}") == first, "the same code: nothing is computed, nothing is added"
    both = run(helper.replace("* 1", "* -1"))
    assert len(both) == 2, "the numbers of the former code are not given out for the new code"
    (new,) = (each for key, each in both.items() if key not in first)
    (old,) = first.values()
    assert new["run"]["model"]["weights_sha256"] == old["run"]["model"]["weights_sha256"]
    assert without_sessions(run(helper)) == without_sessions(both)
