"""The estimate of memory touches nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hardiness.core.model import View
from hardiness.models.loading import load, wrap
from hardiness.models.memory import activation_bytes


class _Shared(nn.Module):
    """One block under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.second = self.first
        self.blocks = nn.ModuleList([self.first, nn.ReLU(), self.first])

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks[2](self.blocks[1](self.second(x))).mean((2, 3))


def test_a_block_under_two_names_keeps_its_values(noise: Callable[..., Tensor]) -> None:
    network = _Shared()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert activation_bytes(network, 8) == 4 * (3 * 8 * 8 * 4)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    classifier = wrap(network, View(32, 32), name="shared", device="cpu")
    assert np.isfinite(classifier.logits(noise(2))).all()


def test_a_network_that_needs_values_is_run_once(noise: Callable[..., Tensor]) -> None:
    class Counts(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3)) * (1.0 if float(x.sum()) < 0 else 2.0)

    assert activation_bytes(nn.Sequential(Counts()), 8) == 4 * (3 * 8 * 8 + 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coat_tiny", "halonet26t"])
def test_timm_s_shared_blocks_and_fixed_windows_run(name: str, noise: Callable[..., Tensor]) -> None:
    classifier = load(f"timm:{name}:weights=random", device="cpu", runtime="torch")
    side = classifier.spec.view.crop_px
    classifier.activation_bytes(side)
    assert np.isfinite(classifier.logits(noise(1, side))).all()
    fed = classifier.feed(224)
    assert np.isfinite(classifier.logits(fed(noise(1, 224)))).all()
