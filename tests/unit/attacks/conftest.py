"""A small smooth classifier and images for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import nn

from hardiness.core.random import rng

CLASSES = 10


@pytest.fixture(scope="package")
def network() -> nn.Module:
    """Random weights; convolutions and tanh, so that gradients are smooth and nowhere zero."""
    layers = [nn.Conv2d(3, 8, 3, 2), nn.Tanh(), nn.Conv2d(8, 8, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(72, CLASSES)]
    model = nn.Sequential(*layers).eval().requires_grad_(False)
    draws = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.copy_(torch.from_numpy(draws.normal(0, 0.3, tuple(parameter.shape)).astype(np.float32)))
    return model


@pytest.fixture(scope="package")
def images() -> torch.Tensor:
    """Seven of them, float32 (7, 3, 16, 16)."""
    return torch.from_numpy(np.random.default_rng(1).random((7, 3, 16, 16), np.float32))


@pytest.fixture(scope="package")
def labels(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the classifier makes of them."""
    return network(images).argmax(1)


@pytest.fixture(scope="package")
def chance() -> Callable[..., Sequence[np.random.Generator]]:
    """Generators, one a sample, by sample number."""

    def of(samples: Sequence[int] | range = range(7), seed: int = 0) -> list[np.random.Generator]:
        return [rng(seed, "attack", sample) for sample in samples]

    return of
