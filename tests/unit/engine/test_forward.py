"""One batch through one model."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hardiness.benchmarks.options import parse
from hardiness.core.errors import ModelError
from hardiness.engine.batch import QueuedPicture, classify
from hardiness.engine.batch_sizes import BatchSize
from hardiness.models.preprocessing import InputPolicy, link_to


def rows(n: int) -> list[QueuedPicture]:
    images = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return [QueuedPicture(f"a/{i}", (0,), 0, i, image) for i, image in enumerate(images)]


def model(logits: Any) -> Any:
    return SimpleNamespace(spec=SimpleNamespace(name="m"), logits=logits, link=link_to("cpu"))


def test_rows_with_nan_become_failures_and_the_others_stay() -> None:
    def logits(pixels: torch.Tensor) -> np.ndarray:
        found = np.tile(np.arange(1000, dtype=np.float32), (len(pixels), 1))
        found[1, 3] = np.nan
        found[2, 4] = np.inf
        return found

    records = classify(model(logits), parse("imagenet-val"), InputPolicy(8, 8), rows(4), BatchSize(8))
    assert records["sample"].tolist() == ["a/0", "a/3"]
    assert records["prediction"].tolist() == [999, 999]
    assert [failure.sample for failure in records.failures] == ["a/1", "a/2"]
    assert "NaN or infinite" in records.failures[0].reason


def test_a_batch_too_large_for_the_accelerator_is_halved() -> None:
    sizes = []

    def logits(pixels: torch.Tensor) -> np.ndarray:
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.cuda.OutOfMemoryError("too large")
        return pixels.mean(dim=(2, 3)).numpy() @ np.ones((3, 1000), np.float32)

    batch = BatchSize(8)
    records = classify(model(logits), parse("imagenet-val"), InputPolicy(8, 8), rows(8), batch)
    assert len(records) == 8
    assert records["sample"].tolist() == [f"a/{i}" for i in range(8)]
    assert sizes == [8, 4, 2, 2, 2, 2]
    assert (batch.planned, batch.current) == (8, 2), "for the rest of the run"


def test_a_library_that_lacks_the_memory_halves_the_batch_too() -> None:
    def logits(pixels: torch.Tensor) -> np.ndarray:
        if len(pixels) > 2:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
        return pixels.mean(dim=(2, 3)).numpy() @ np.ones((3, 1000), np.float32)

    batch = BatchSize(8)
    assert len(classify(model(logits), parse("imagenet-val"), InputPolicy(8, 8), rows(8), batch)) == 8
    assert batch.current == 2
    broken = model(lambda pixels: (_ for _ in ()).throw(RuntimeError("mat1 and mat2 shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        classify(broken, parse("imagenet-val"), InputPolicy(8, 8), rows(2), BatchSize(8))


def test_a_model_that_never_fits_is_told() -> None:
    def logits(pixels: torch.Tensor) -> np.ndarray:
        raise torch.cuda.OutOfMemoryError("too large")

    with pytest.raises(ModelError, match="does not fit the accelerator's memory, one image at a time"):
        classify(model(logits), parse("imagenet-val"), InputPolicy(8, 8), rows(2), BatchSize(8))


def test_a_canvas_is_resized_where_the_model_wants_another_size() -> None:
    seen = []
    look = lambda pixels: seen.append(tuple(pixels.shape)) or np.zeros((len(pixels), 1000), np.float32)  # noqa: E731
    classify(model(look), parse("imagenet-val"), InputPolicy(8, 12), rows(1), BatchSize(8))
    assert seen == [(1, 3, 12, 12)]
