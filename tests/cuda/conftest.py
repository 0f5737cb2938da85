"""What only a GPU shows. Without one every test here is skipped, and the reason says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from hardiness.core.model import View
from hardiness.models.classifier import Classifier
from hardiness.models.loading import wrap
from hardiness.reference.classes import wnids

HERE = Path(__file__).parent
VIEW = View(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder, and skips it where there is no GPU."""
    absent = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here: the CUDA suite was not run")
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.cuda)
            item.add_marker(absent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says plainly on what the suite was run, or that it was not."""
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU here, so it was not run"
    terminalreporter.write_line(f"CUDA suite: {where}")


def network(width: int = 32, classes: int = 1000) -> torch.nn.Module:
    """A small convolutional network with batch norms that have seen something."""
    generator = torch.Generator().manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 7, stride=4),
        torch.nn.BatchNorm2d(width),
        torch.nn.ReLU(),
        torch.nn.Conv2d(width, 2 * width, 3, stride=2),
        torch.nn.BatchNorm2d(2 * width),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * width, classes),
    )
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
        for module in layers:
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.copy_(torch.randn(module.num_features, generator=generator) * 0.1)
                module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
    return layers.eval()


def _classifier(
    device: str, precision: str = "fp32", module: torch.nn.Module | None = None, **options: str
) -> Classifier:
    """The same small network on a device."""
    return wrap(module or network(), VIEW, name="small", device=device, precision=precision, **options)


@pytest.fixture
def classifier() -> Callable[..., Classifier]:
    """Makes the same small network on a device: of ``(device, precision="fp32", module=None, **options)``."""
    return _classifier


@pytest.fixture
def images() -> list[np.ndarray]:
    """Images ``uint8 (224, 224, 3)`` with structure in them."""
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (24, 14, 14, 3), dtype=np.uint8)
    return [np.asarray(PIL.Image.fromarray(each).resize((224, 224))) for each in small]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root of 40 photographs of eight classes."""
    generator = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "data" / "imagenet" / "val" / wnids()[number % 8]
        folder.mkdir(parents=True, exist_ok=True)
        picture = PIL.Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).resize((256, 256))
        picture.save(folder / f"{number}.JPEG")
    return tmp_path / "data"
