"""One batch through one model: images in, record columns and failures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Benchmark, Failure, Image, ModelError, Records
from hardiness.engine.crossing import to_pixels
from hardiness.models import Classifier, InputPolicy

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """One picture on its way through a model."""

    sample: str
    condition: int
    frame: int
    label: int
    image: Image


def classify(classifier: Classifier, benchmark: Benchmark, feed: InputPolicy, rows: Sequence[Row]) -> Records:
    """The records of one batch; rows whose logits are not finite become failures."""
    logits = _logits(classifier, feed(to_pixels([row.image for row in rows])))
    finite = np.asarray(np.isfinite(logits).all(axis=1))
    kept = [row for row, fine in zip(rows, finite.tolist(), strict=True) if fine]
    failures = [
        Failure(row.sample, f"{classifier.spec.name} gave NaN or infinite logits for {row.sample}", (row.condition,))
        for row, fine in zip(rows, finite.tolist(), strict=True)
        if not fine
    ]
    if not kept:
        return Records({}, tuple(failures))
    labels = np.array([row.label for row in kept], np.int32)
    columns = {
        "sample": np.array([row.sample for row in kept], np.str_),
        "condition": np.array([row.condition for row in kept], np.int16),
        "frame": np.array([row.frame for row in kept], np.int16),
        "label": labels,
        **benchmark.decide(logits[finite], labels),
    }
    return Records(columns, tuple(failures))


def _logits(classifier: Classifier, pixels: Tensor) -> NDArray[np.float32]:
    """Logits in one pass, or in halves where the accelerator has too little memory for one."""
    import torch

    try:
        return classifier.logits(pixels)
    except torch.cuda.OutOfMemoryError:
        if len(pixels) == 1:
            raise ModelError(
                f"{classifier.spec.name} does not fit the accelerator's memory, one image at a time"
            ) from None
    torch.cuda.empty_cache()
    return np.concatenate([_logits(classifier, half) for half in pixels.chunk(2)])
