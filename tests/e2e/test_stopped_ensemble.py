"""AutoAttack that is stopped between its members: what has ended is kept, and the next one is what runs again first."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

COLOURS = '''
import os, signal
from pathlib import Path

import torch

def build():
    """Which of three colours is the strongest, in the corner that counts twice; it ends its process when told to."""
    class Colours(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = torch.nn.Parameter(torch.full((), 30.0))
        def forward(self, x):
            folder = os.environ.get("KILLED_AFTER_A_MEMBER_IN")
            if folder and any(Path(folder).glob("records/*/unfinished/*-1.npz")):
                os.kill(os.getpid(), signal.SIGKILL)
            logits = self.gain * (x.mean((2, 3)) + x[:, :, :64, :64].mean((2, 3)) ** 2)
            return torch.cat([logits, -logits[:, :1]], 1)
    return Colours()
'''


@pytest.fixture
def command(tmp_path: Path) -> Callable[[Path], list[str]]:
    """AutoAttack on four pictures: one is wrong, the first member takes some of the others and not all."""
    draws = np.random.default_rng(0)
    for label, lead in enumerate((4, 12, 40, 0)):
        folder = tmp_path / "pictures" / f"c{label}"
        folder.mkdir(parents=True)
        picture = draws.uniform(60, 180, (224, 224, 3))
        picture[:, :, label % 3] += lead
        Image.fromarray(picture.astype(np.uint8)).save(folder / "0.png")
    (tmp_path / "colours.py").write_text(COLOURS)
    ask = ["run", "-m", f"py:{tmp_path}/colours.py:build:mean=0,std=1,tag=one", "--data",
           f"imagenet={tmp_path}/pictures:classes=folders", "-b", "autoattack:epsilons=6/255,queries=20",
           "--quiet"]  # fmt: skip
    return lambda out: [*ask, "--out", str(out)]


def rows(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in out.glob("records/*/*-*.parquet") if file.name[0].isdigit()}


def unfinished(out: Path) -> list[str]:
    return sorted(re.sub(r"-[0-9a-f]{12}-", " ", file.name) for file in out.glob("records/*/unfinished/*"))


def test_a_process_that_is_killed_after_the_first_member_continues_with_the_second(
    spawn: Callable[..., Any], command: Callable[[Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = spawn(*command(tmp_path / "whole"))
    _, told = whole.communicate(timeout=600)
    assert whole.returncode == 0, told
    with monkeypatch.context() as set_:
        set_.setenv("KILLED_AFTER_A_MEMBER_IN", str(tmp_path / "killed"))
        killed = spawn(*command(tmp_path / "killed"))
        killed.communicate(timeout=600)
    assert killed.returncode == -signal.SIGKILL
    assert unfinished(tmp_path / "killed") == ["000000 1.npz"]
    again = spawn(*command(tmp_path / "killed"))
    _, told = again.communicate(timeout=600)
    assert again.returncode == 0, told
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    assert unfinished(tmp_path / "killed") == []
