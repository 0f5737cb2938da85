"""Weights of timm: whether they can be had is known before data are looked at, by timm's own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core.errors import DataError
from hardiness.models.naming import need_weights

pytest.importorskip("timm")
constants = pytest.importorskip("huggingface_hub.constants")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub's cache and torch's, empty, below one folder, where nothing may be downloaded."""
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "torch"))
    return tmp_path


def keep(cache: Path, repository: str) -> None:
    """Put a file of a repository into the cache."""
    home = cache / "hub" / f"models--{repository.replace('/', '--')}"
    (home / "snapshots" / "0").mkdir(parents=True)
    (home / "snapshots" / "0" / "model.safetensors").touch()
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0")


@pytest.mark.parametrize("name", ["timm:resnet18", "timm:resnet18.a1_in1k", "timm:vgg11:crop_px=224"])
def test_absent_weights_of_timm_are_told_by_its_name(cache: Path, name: str) -> None:
    told = r"^timm:\w+(\.a1_in1k)? is not in the cache, and HARDINESS_OFFLINE forbids"
    with pytest.raises(DataError, match=told):
        need_weights(name)
    keep(cache, "timm/resnet180.a1_in1k")  # of another architecture
    keep(cache, "timm/resnet18.tv_in1k")  # of another tag
    with pytest.raises(DataError, match=told):
        need_weights(name)


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("timm:resnet18", "timm/resnet18.a1_in1k"),
        ("timm:vgg11.tv_in1k", "timm/vgg11.tv_in1k"),
        ("timm:resnet18:weights=random", ""),
        ("timm:tv_resnet50", ""),
        ("timm:resnet", ""),
    ],
    ids=["the first tag kept", "kept", "others asked for", "an old name", "no such name"],
)
def test_weights_that_may_be_there_are_left_to_timm(cache: Path, name: str, repository: str) -> None:
    if repository:
        with pytest.raises(DataError, match="is not in the cache"):
            need_weights(name)
        keep(cache, repository)
    need_weights(name)
