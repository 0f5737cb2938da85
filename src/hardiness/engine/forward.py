"""One batch through one model: images in, record columns and failures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Benchmark, Failure, Image, Records
from hardiness.engine.crossing import to_pixels
from hardiness.imaging import resize
from hardiness.models import Classifier


@dataclass(frozen=True, slots=True)
class Row:
    """One picture on its way through a model."""

    sample: str
    condition: int
    frame: int
    label: int
    image: Image


def classify(classifier: Classifier, benchmark: Benchmark, fed_px: int, rows: Sequence[Row]) -> Records:
    """The records of one batch; rows whose logits are not finite become failures."""
    images = [_fed(row.image, fed_px) for row in rows]
    logits = _logits(classifier, images)
    finite = np.isfinite(logits).all(axis=1)
    kept = [row for row, fine in zip(rows, finite, strict=True) if fine]
    failures = [
        Failure(row.sample, f"{classifier.spec.name} gave NaN or infinite logits for {row.sample}")
        for row, fine in zip(rows, finite, strict=True)
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


def _fed(image: Image, fed_px: int) -> Image:
    return image if image.shape[0] == fed_px else resize(image, fed_px, fed_px, "bicubic")


def _logits(classifier: Classifier, images: Sequence[Image]) -> NDArray[np.float32]:
    """Logits in one pass, or in halves where the accelerator has too little memory for one."""
    import torch

    try:
        return classifier.logits(to_pixels(images))
    except torch.cuda.OutOfMemoryError:
        if len(images) == 1:
            raise
    torch.cuda.empty_cache()
    middle = len(images) // 2
    return np.concatenate([_logits(classifier, images[:middle]), _logits(classifier, images[middle:])])
