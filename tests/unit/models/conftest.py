"""Real photographs as pixels, and small networks that are quick to run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms

from hardiness.core.model import View
from hardiness.core.random import rng

PixelsOf = Callable[..., Tensor]


@pytest.fixture(scope="session")
def pixels_of(photographs: list[Path]) -> PixelsOf:
    """Pixels ``(n, 3, crop, crop)`` of the first photographs under a view, by torchvision's transforms on PIL."""

    def read(view: View, n: int | None = None) -> Tensor:
        transform = transforms.Compose(
            [
                transforms.Resize(view.resize_px, transforms.InterpolationMode(view.interpolation)),
                transforms.CenterCrop(view.crop_px),
                transforms.ToTensor(),
            ]
        )
        images = [transform(Image.open(file).convert("RGB")) for file in photographs[:n]]
        return torch.stack(images).contiguous(memory_format=torch.channels_last)

    return read


@pytest.fixture
def noise() -> Callable[..., Tensor]:
    """Uniform pixels, the same on every call with the same arguments."""

    def draw(n: int, px: int = 32, seed: int = 0) -> Tensor:
        return torch.from_numpy(rng(seed, "pixels").random((n, 3, px, px), dtype="float32"))

    return draw


class _Tiny(nn.Module):
    """Convolution, norm, grouped convolution, norm, pooling, linear; with norms that do something."""

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = nn.Conv2d(8, 16, 3, groups=4), nn.BatchNorm2d(16)
        self.head = nn.Linear(16, classes)
        draws = rng(1, "tiny")
        with torch.no_grad():
            for name, tensor in self.state_dict().items():
                if tensor.is_floating_point():
                    low = 0.5 if "running_var" in name else -0.5
                    tensor.copy_(torch.from_numpy(draws.uniform(low, 1.0, tuple(tensor.shape))))

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x)).relu()
        x = self.bn2(self.conv2(x)).relu()
        return self.head(x.mean((2, 3)))


@pytest.fixture
def tiny() -> Callable[..., nn.Module]:
    """Makes a small network, every time the same, in evaluation mode."""
    return lambda classes=7: _Tiny(classes).eval()


_PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 3,
    "image_mean": [0.4] * 3,
    "image_std": [0.3] * 3,
}


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., str]:
    """Saves a tiny ViT or ResNet with these labels and this processor file; gives the folder."""
    import transformers

    def save(labels: list[str], kind: str = "vit", processor: dict[str, Any] | None = None) -> str:
        names = dict(enumerate(labels))
        if kind == "vit":
            config: Any = transformers.ViTConfig(
                hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                image_size=32, patch_size=16, id2label=names,
            )  # fmt: skip
            network: Any = transformers.ViTForImageClassification
        else:
            config = transformers.ResNetConfig(
                embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", id2label=names
            )
            network = transformers.ResNetForImageClassification
        with torch.random.fork_rng(devices=[]):
            network(config).save_pretrained(tmp_path)
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(_PROCESSOR if processor is None else processor))
        return f"hf:{tmp_path}"

    return save
