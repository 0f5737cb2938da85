"""The examples of docs/adding_a_model.md run as they stand, in order, in one session."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch

from hardiness.models import registry

PAGE = Path(__file__).parents[3] / "docs" / "adding_a_model.md"
BLOCK = re.compile(r"^```python(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_entries", dict(registry._entries) if len(registry.names()) else {})
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 6
    session: dict[str, object] = {}
    with torch.random.fork_rng(devices=[]):
        for file, code in blocks:
            if not file:
                exec(compile(code, str(PAGE), "exec"), session)
                continue
            (tmp_path / file).write_text(code, encoding="utf-8")
            if file.startswith("_"):  # what discovery of the registry's package would do
                importlib.import_module(file.removesuffix(".py"))
    assert "lenet" in registry.names()
    sys.modules.pop("_lenet", None)
