"""Stored runs of which each answer is known, and columns of their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hardiness.core.columns import Columns, text_cells
from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.reference.sets import distortion_set
from hardiness.statistics.cells import order_of_cells
from hardiness.store.store import Store

IMAGENET_C = distortion_set("imagenet-c")
CELLS = (Condition(), *(Condition(corruption=n, severity=s) for n in IMAGENET_C.members for s in IMAGENET_C.levels))


def stored(folder: Path | str, right: np.ndarray, model: str = "net", drawn: int = 0, lacks: bool = False) -> Store:
    """A run of these answers ``(N, M)``, of each picture in some random cells, or without one of them."""
    n, conditions = right.shape
    image, condition = np.repeat(np.arange(n), conditions), np.tile(np.arange(conditions), n)
    kept = np.ones(right.shape, bool)
    if drawn:
        kept = np.zeros(right.shape, bool)
        for row in range(n):
            kept[row, order_of_cells(0, f"n/{row:04d}", conditions)[:drawn]] = True
    if lacks:
        kept[np.arange(n), np.arange(n) % conditions] = False
    label = (image % 7).astype(np.int32)
    columns = {
        "sample": np.array([f"n/{i:04d}" for i in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(len(image), np.int16),
        "label": label,
        "prediction": np.where(right.ravel(), label, 999).astype(np.int32),
        "top5_class": np.zeros((len(image), 5), np.int16),
        "confidence": np.random.default_rng(0).random(len(image), np.float32),
    }
    records = Records({name: column[kept.ravel()] for name, column in columns.items()})
    store = Store.create(folder)
    identity = Run(
        ModelIdentity(model, model),
        BenchmarkIdentity(
            "imagenet-c" if conditions > 1 else "imagenet-val", "corruption" if conditions > 1 else "classification"
        ),
        DataIdentity("imagenet", "f", n),
        conditions=CELLS[:conditions],
    )
    work = list(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
    store.run(identity, Plan(batch_size=8, whole=tuple(range(conditions)))).write(0, work, records)
    return store


def columns_of(n: int, **values: Any) -> Columns:
    return Columns(
        np.array([f"n/{i:04d}" for i in range(n)], object),
        {name: text_cells(column, name) for name, column in values.items()},
    )
