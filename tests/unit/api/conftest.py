"""A small network and a data root of few, small photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from hardiness.core.model import View
from hardiness.core.random import rng

VIEW = View(resize_px=36, crop_px=32)


class Colours(nn.Module):
    """Mean colours of quarters, through a linear map."""

    def __init__(self, seed: int = 0, classes: int = 1000) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.linear = nn.Linear(12, classes, bias=False)
        self.linear.weight.data = torch.randn(classes, 12, generator=generator)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))


@pytest.fixture(scope="session")
def network() -> type[Colours]:
    """The class of the small network."""
    return Colours


@pytest.fixture(scope="session")
def view() -> View:
    """Its preprocessing."""
    return VIEW


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six noisy pictures of three classes."""
    for number in range(6):
        folder = tmp_path / "root" / "imagenet" / "val" / ("n01440764", "n01443537", "n01484850")[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng(0, "picture", number).integers(0, 256, (40, 48, 3), np.uint8)).save(
            folder / f"{number}.png"
        )
    return tmp_path / "root"
