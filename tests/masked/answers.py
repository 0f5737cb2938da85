"""Stored answers of plain classification."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.store.store import Store


def stored(folder: Path, model: str, right: np.ndarray) -> Store:
    """An output folder with one model's answers to as many photographs."""
    n = len(right)
    samples = [f"n/{number:03d}" for number in range(n)]
    label = np.arange(n, dtype=np.int32)
    answer = np.where(right, label, label + 1).astype(np.int32)
    rows = {
        "sample": np.array(samples),
        "condition": np.zeros(n, np.int16),
        "frame": np.zeros(n, np.int16),
        "label": label,
        "prediction": answer,
        "confidence": np.linspace(0.2, 0.9, n).astype(np.float32),
        "top5_class": np.stack([answer] * 5, axis=1).astype(np.int16),
    }
    run = Run(ModelIdentity(model), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("d", "f", n))
    store = Store.create(folder)
    store.run(run, Plan(whole=(0,))).write(0, [(sample, 0) for sample in samples], Records(rows))
    return store
