"""How many images go through a model at a time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hardiness.engine import batch_sizes as batches
from hardiness.engine.batch_sizes import LARGEST, SMALLEST, BatchSize, automatic_batch_size, batch_size_by_doubling


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        ({16: 100, 32: 190, 64: 300, 128: 310}, 64),
        ({16: 100, 32: 101}, 16),
        ({16: 100, 32: 200, 64: 0}, 32),
        ({16: 0, 32: 0}, SMALLEST),
        ({size: float(size) for size in (16, 32, 64, 128, 256, 512, 1024)}, LARGEST),
    ],
    ids=["it flattens", "it never rises", "memory ends", "nothing fits", "it always rises"],
)
def test_a_batch_is_doubled_until_throughput_stops_rising(rates: dict[int, float], found: int) -> None:
    asked: list[int] = []

    def rate(size: int) -> float:
        asked.append(size)
        return rates[size]

    assert batch_size_by_doubling(rate) == found
    assert len(asked) == len(set(asked)), "each size is tried once"


def test_a_gpu_is_tried_once_for_each_size_and_use(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, bool]] = []

    def rate_of(classifier: Any, px: int, gradients: bool) -> Any:
        calls.append((px, gradients))
        return lambda size: float(min(size, 64))

    monkeypatch.setattr(batches, "_rate_of", rate_of)

    class Model:
        device = "cuda:0"

    model: Any = Model()
    for _ in range(2):
        assert automatic_batch_size(model, 224) == 64
        assert automatic_batch_size(model, 224, gradients=True) == 64
    assert calls == [(224, False), (224, True)]


def test_a_cpu_is_never_tried() -> None:
    model: Any = SimpleNamespace(device="cpu", activation_bytes=lambda px: 2**27)
    assert automatic_batch_size(model, 224) == 16


def test_a_size_that_was_halved_stays_so() -> None:
    batch = BatchSize(256)
    batch.halve(256)
    batch.halve(64)
    assert (batch.planned, batch.current) == (256, 32)


def test_noise_that_is_tried_decides_nothing_about_the_model() -> None:
    from hardiness.core.model import View
    from hardiness.models.loading import wrap

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 10))
    model = wrap(network, View(), name="m", runtime="torch")
    model.anew().logits(torch.rand(2, 3, 224, 224))
    assert model.runtimes.agreement is None
    model.logits(torch.rand(2, 3, 224, 224))
    assert model.runtimes.agreement is not None
