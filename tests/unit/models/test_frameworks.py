"""An installation that lacks torch, or a part of what its extra brings, is told in one line that names the command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import called

import hardiness
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.models import frameworks
from hardiness.models.failures import foreign_errors


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where torch is not installed."""
    monkeypatch.setattr(frameworks, "find_spec", lambda _: None)


@pytest.mark.parametrize("more", ["-b imagenet-val", "-b imagenet-val --plan", "--suite demo"])
def test_the_command_names_what_installs_it(
    more: str, no_torch: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "-m", "timm:resnet50", *more.split(), "--data", "embedded", "--out", str(tmp_path / "out")]
    assert called(monkeypatch, *words) == 2
    assert capsys.readouterr().err == (
        "hardiness: evaluating a model needs torch, which is not installed; pip install 'hardiness[torch]'\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "call",
    [
        lambda: hardiness.load_model("squeezenet1_1"),
        lambda: hardiness.evaluate("squeezenet1_1", "imagenet-val", "embedded"),
        lambda: hardiness.attack("squeezenet1_1", np.zeros((1, 224, 224, 3), np.uint8), [0], epsilon=0.01),
        lambda: hardiness.models.wrap(len, None, name="mine"),
    ],
)
def test_python_says_the_same(call: Callable[[], Any], no_torch: None) -> None:
    with pytest.raises(ArgumentError, match=r"needs torch, .* pip install 'hardiness\[torch\]'"):
        call()


@pytest.mark.parametrize(
    ("package", "says"),
    [
        ("timm.data", r"cannot be described: it needs timm, which is not installed; pip install 'hardiness\[torch\]'"),
        ("of_mine", "cannot be described: ModuleNotFoundError: no module of_mine"),
    ],
)
def test_a_part_of_the_extra_that_lacks_is_named(package: str, says: str) -> None:
    with pytest.raises(ModelError, match=says), foreign_errors("timm:x", "cannot be described"):
        raise ModuleNotFoundError(f"no module {package}", name=package)
