"""Where a model computes when nobody says: the GPU of this process among those of its machine."""

from __future__ import annotations

import pytest
import torch

from hardiness.models.placement import place


@pytest.mark.parametrize(
    ("rank", "gpus", "device"),
    [("", 4, "cuda"), ("0", 4, "cuda:0"), ("3", 4, "cuda:3"), ("5", 4, "cuda:1"), ("1", 1, "cuda"), ("2", 0, "cpu")],
)
def test_each_process_of_a_machine_has_the_gpu_of_its_number(
    monkeypatch: pytest.MonkeyPatch, rank: str, gpus: int, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setenv("LOCAL_RANK", rank)
    assert place("auto", "fp32", "torch", onnx=False).device == device
