"""One batch through one model: images in, record columns and failures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Benchmark, Failure, Image, ModelError, Pixels, Records
from hardiness.core.errors import line_of
from hardiness.engine.batches import BatchSize
from hardiness.models import Classifier, InputPolicy, is_out_of_memory
from hardiness.models.classifier import link_of
from hardiness.models.pixels import to_pixels


@dataclass(frozen=True, slots=True)
class QueuedPicture:
    """One picture on its way through a model.

    Attributes:
        sample, frame, label: as in records.
        conditions: those it is evaluated under; several only where an attack makes pictures of it first.
        image: the picture.
        facts: further columns of its row.
    """

    sample: str
    conditions: tuple[int, ...]
    frame: int
    label: int
    image: Image | Pixels
    facts: tuple[tuple[str, float], ...] = ()


def classify(
    classifier: Classifier, benchmark: Benchmark, feed: InputPolicy, rows: Sequence[QueuedPicture], batch: BatchSize
) -> Records:
    """The records of one batch; rows whose logits are not finite become failures.

    Where the accelerator has too little memory, ``batch`` is halved for the rest of the run.

    Raises:
        ModelError: one image alone does not fit.
    """
    logits = _logits(classifier, feed, [row.image for row in rows], batch)
    finite = np.asarray(np.isfinite(logits).all(axis=1))
    kept = [row for row, fine in zip(rows, finite.tolist(), strict=True) if fine]
    failures = [
        Failure(row.sample, f"{classifier.spec.name} gave NaN or infinite logits for {row.sample}", row.conditions)
        for row, fine in zip(rows, finite.tolist(), strict=True)
        if not fine
    ]
    if not kept:
        return Records({}, tuple(failures))
    labels = np.array([row.label for row in kept], np.int32)
    columns = {
        "sample": np.array([row.sample for row in kept], np.str_),
        "condition": np.array([row.conditions[0] for row in kept], np.int16),
        "frame": np.array([row.frame for row in kept], np.int16),
        "label": labels,
        **benchmark.decide(logits[finite], labels),
        **{name: np.array([dict(row.facts)[name] for row in kept], np.float32) for name, _ in kept[0].facts},
    }
    return Records(columns, tuple(failures))


def _logits(
    classifier: Classifier, feed: InputPolicy, images: Sequence[Image | Pixels], batch: BatchSize
) -> NDArray[np.float32]:
    """Logits in one pass, or in smaller ones where the accelerator has too little memory for one."""
    import torch

    found: list[NDArray[np.float32]] = []
    begin = 0
    while begin < len(images):
        part = images[begin : begin + batch.current]
        try:
            found.append(classifier.logits(feed(to_pixels(part, link_of(classifier)))))
            begin += len(part)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(part) == 1:
                raise ModelError(
                    f"{classifier.spec.name} does not fit the accelerator's memory, one image at a time: "
                    f"{line_of(error)}"
                ) from None
            batch.halve(len(part))
            torch.cuda.empty_cache()
    return found[0] if len(found) == 1 else np.concatenate(found)
