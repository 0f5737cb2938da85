"""Weights of timm: whether they can be had is known before timm is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hardiness.core.errors import DataError
from hardiness.models.naming import need_weights


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub's cache and torch's, empty, below one folder, where nothing may be downloaded."""
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("hardiness.models.timm_weights.hub_folder", lambda: tmp_path / "hub")
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "torch"))
    return tmp_path


@pytest.mark.parametrize("name", ["timm:resnet18", "timm:resnet18.a1_in1k", "timm:vgg11:crop_px=224"])
def test_absent_weights_of_timm_are_told_by_its_name(cache: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"^timm:\w+(\.a1_in1k)? is not in the cache, and HARDINESS_OFFLINE forbids"):
        need_weights(name)
    (cache / "hub" / "models--timm--resnet180.a1_in1k").mkdir(parents=True)  # of another architecture
    with pytest.raises(DataError, match="is not in the cache"):
        need_weights(name)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("timm:resnet18", "hub/models--timm--resnet18.a1_in1k/x"),
        ("timm:eva02_tiny_patch14_336", "hub/models--Yuxin-CV--EVA-02/x"),
        ("timm:resnet18", "torch/checkpoints/resnet18_a1_0-d63eafa0.pth"),
        ("timm:resnet18:weights=random", ""),
        ("timm:tv_resnet50", ""),
        ("timm:resnet", ""),
    ],
    ids=["kept", "of another organisation", "kept by torch", "others asked for", "an old name", "no such name"],
)
def test_weights_that_may_be_there_are_left_to_timm(cache: Path, name: str, file: str) -> None:
    if file:
        with pytest.raises(DataError, match="is not in the cache"):
            need_weights(name)
        (cache / file).parent.mkdir(parents=True)
        (cache / file).touch()
    need_weights(name)


@pytest.mark.slow
def test_to_ask_for_weights_imports_no_library_of_models() -> None:
    code = (
        "import sys, hardiness.models as m\n"
        "from hardiness.core.errors import DataError\n"
        "try: m.need_weights('timm:resnet18')\n"
        "except DataError: pass\n"
        "print(sorted({'timm', 'torch', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
