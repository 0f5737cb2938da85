"""Networks small enough to compute by hand, as classifiers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.models.classifier import Classifier
from hardiness.models.loading import wrap

PLAIN = View(18, 16, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class _Linear(nn.Module):
    """Logits are fixed linear functions of the pixels; nothing is normalised."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.flatten(1).T


class _Maps(nn.Module):
    """Two convolutions and a head: maps of two sizes, with values of both signs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 6, 3, stride=2, padding=1)
        self.head = nn.Linear(6, 4)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                drawn = rng(3, name).standard_normal(tuple(parameter.shape), "float32")
                parameter.copy_(torch.from_numpy(drawn) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x).tanh()).mean((2, 3)))


@pytest.fixture
def linear() -> Callable[[Tensor], Classifier]:
    """A classifier whose logits are given linear functions ``(K, 3, 16, 16)`` of the pixels."""
    return lambda weight: wrap(_Linear(weight), PLAIN, name="linear", device="cpu", runtime="torch")


@pytest.fixture
def maps() -> Classifier:
    """A classifier with layers ``first`` (5 x 16 x 16), ``second`` (6 x 8 x 8) and ``head`` (4)."""
    return wrap(_Maps(), PLAIN, name="maps", device="cpu", runtime="torch")


@pytest.fixture
def draw() -> Callable[..., Tensor]:
    """Normal numbers of a shape, the same every time."""
    return lambda *shape, seed=0: torch.from_numpy(rng(seed, "test").standard_normal(shape, "float32"))
