"""``-m NAME=MODEL``: the row of a result is called as a person wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hardiness.core.errors import UnknownNameError
from hardiness.core.model import View
from hardiness.models.naming import resolve
from hardiness.models.options import row_and_model


def test_a_row_is_called_by_its_name(hardiness: Any, factory: Any, results: Any, tmp_path: Path) -> None:
    model = factory()
    run = ("run", "-b", "imagenet-val", "--data", "embedded", "--limit", "2", "--device", "cpu", "--quiet")
    told = hardiness(*run, "-m", f"our net={model}", "-m", model, "--out", tmp_path / "out")
    assert told.status == 0, told.err
    every = {each["model"]: each for each in results(tmp_path / "out")}
    assert set(every) == {"our net", model}
    assert every["our net"]["run"]["model"]["weights_sha256"] == every[model]["run"]["model"]["weights_sha256"]
    assert every["our net"]["scores"] == every[model]["scores"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mine=timm:resnet18", ("mine", "timm:resnet18")),
        ("mine=onnx:a=b.onnx:mean=0,std=1", ("mine", "onnx:a=b.onnx:mean=0,std=1")),
        ("efficientnet_lite0:weights=x", ("", "efficientnet_lite0:weights=x")),
        ("py:dir=1/net.py:f", ("", "py:dir=1/net.py:f")),
        ("plain", ("", "plain")),
    ],
)
def test_a_name_has_no_colon_slash_or_comma(text: str, expected: tuple[str, str]) -> None:
    assert row_and_model(text) == expected


def test_the_model_behind_a_name_is_checked_as_always() -> None:
    assert resolve("mine=efficientnet_lite0:crop_px=192").view.crop_px == 192
    with pytest.raises(UnknownNameError, match="unknown model 'efficientnet_lit0'; did you mean"):
        resolve("mine=efficientnet_lit0")


def test_one_number_stands_for_three_channels() -> None:
    assert View(mean=0.5, std=0.25) == View(mean=(0.5,) * 3, std=(0.25,) * 3)  # type: ignore[arg-type]
