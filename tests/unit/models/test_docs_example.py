"""The examples of docs/extend.md on models run as they stand, in order, in one session."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch

from hardiness.models.catalogue import registry

PAGE = Path(__file__).parents[3] / "docs" / "extend.md"
BLOCK = re.compile(r'^```python(?: title="(\S+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """One section of docs/extend.md."""
    parts = re.split("^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return next(part for part in parts if part.startswith(f"{title}\n"))


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "_entries", dict(registry._entries) if len(registry.names()) else {})
    blocks = BLOCK.findall(section("A model"))
    assert len(blocks) == 7
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
