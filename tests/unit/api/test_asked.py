"""What a command asks for, before any model is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.api.command import Command
from hardiness.api.loading import resolve_models
from hardiness.core.errors import DataError
from hardiness.report.words import line


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of the hub without a file, where nothing may be downloaded."""
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_of_several_models_the_one_without_weights_is_a_line(no_weights: None) -> None:
    found = resolve_models(["timm:resnet18", "resnext50_32x4d"])
    assert (found.names, found.problems) == (("resnext50_32x4d",), ())
    assert line(found.absent[0]).startswith("timm:resnet18 is not in the cache, and HARDINESS_OFFLINE forbids")
    assert resolve_models(["timm:resnet18"], weights="mine.pth").absent == ()
    misspelt = resolve_models(["timm:resnet18:crop_px=224,oops", "resnext50_32x4d"])
    assert misspelt.names == ("resnext50_32x4d",)
    assert "option 2 of 'timm:resnet18' has no =" in line(misspelt.problems[0])


def test_a_model_without_weights_is_refused_before_its_data_are_looked_at(no_weights: None) -> None:
    asked = Command(models=("timm:resnet18",), benchmarks=("imagenet-val",), out="unused", data=("nowhere",))
    with pytest.raises(DataError, match=r"^timm:resnet18 is not in the cache"):
        asked.workload()
