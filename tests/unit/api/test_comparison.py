"""``hardiness.compare`` on what an output folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hardiness
from hardiness.core import BenchmarkIdentity, DataError, DataIdentity, ModelIdentity, Plan, Records, Run
from hardiness.store import Store


def stored(out: Path, model: str, right: np.ndarray) -> None:
    """One model's answers to as many photographs."""
    n = len(right)
    samples = [f"n/{number:03d}" for number in range(n)]
    label = np.arange(n, dtype=np.int32)
    prediction = np.where(right, label, label + 1).astype(np.int32)
    run = Run(
        ModelIdentity(model), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("imagenet", "f", n)
    )
    rows = {
        "sample": np.array(samples),
        "condition": np.zeros(n, np.int16),
        "frame": np.zeros(n, np.int16),
        "label": label,
        "prediction": prediction,
        "confidence": np.linspace(0.2, 0.9, n).astype(np.float32),
        "top5_class": np.stack([prediction] * 5, axis=1).astype(np.int16),
    }
    opened = Store.create(out).run(run, Plan(whole=(0,)))
    opened.write(0, [(sample, 0) for sample in samples], Records(rows))


def test_two_models_are_compared_on_the_images_that_both_have(tmp_path: Path) -> None:
    images = np.arange(100)
    stored(tmp_path, "a", images >= 10)
    stored(tmp_path, "b", images >= 40)
    found = hardiness.compare(tmp_path, "a", "b")
    (benchmark,) = found
    assert (benchmark.benchmark, benchmark.n, len(found)) == ("imagenet-val", 100, 1)
    top1 = next(score for score in benchmark.scores if score.metric == "top1")
    assert top1.pairs["a", "b"].value == pytest.approx(0.3)
    text = repr(found)
    assert "imagenet-val on imagenet" in text
    assert "+30.00" in text


def test_a_folder_without_records_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no records"):
        hardiness.compare(tmp_path)
