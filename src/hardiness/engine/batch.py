"""One batch through one model: images in, record columns and failures out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Benchmark, Image, Pixels
from hardiness.core.errors import ModelError, SampleError, line_of
from hardiness.core.table import Columns, Failure, Records
from hardiness.engine.batch_sizes import BatchSize
from hardiness.models.chat.model import ChatAnswer, ClosedQuestionModel
from hardiness.models.classifier import Classifier
from hardiness.models.failures import is_out_of_memory
from hardiness.models.preprocessing import InputPolicy, to_pixels
from hardiness.models.whole_pictures import whole_picture_model


@dataclass(frozen=True, slots=True)
class QueuedPicture:
    """One picture on its way through a model.

    Attributes:
        sample, frame, label: as in records.
        conditions: those it is evaluated under; several only where an attack makes pictures of it first.
        image: the picture.
        facts: further columns of its row.
        size_px: pixels of a picture at its own size; 0 on a canvas.
    """

    sample: str
    conditions: tuple[int, ...]
    frame: int
    label: int
    image: Image | Pixels
    facts: tuple[tuple[str, float], ...] = ()
    size_px: int = 0


def classify(
    classifier: Classifier | ClosedQuestionModel,
    benchmark: Benchmark,
    feed: InputPolicy,
    rows: Sequence[QueuedPicture],
    batch: BatchSize,
) -> Records:
    """The records of one batch; rows whose logits are not finite become failures.

    Where the accelerator has too little memory, ``batch`` is halved for the rest of the run.

    Raises:
        ModelError: one image alone does not fit.
        CutShortError: a chat model answers no further question.
    """
    if isinstance(classifier, ClosedQuestionModel):
        return _ask_questions(classifier, benchmark, rows)
    logits = logits_of_pictures(classifier, feed, [row.image for row in rows], batch)
    finite = np.asarray(np.isfinite(logits).all(axis=1))
    finite_rows = [row for row, fine in zip(rows, finite.tolist(), strict=True) if fine]
    failures = [
        Failure(row.sample, f"{classifier.spec.name} gave NaN or infinite logits for {row.sample}", row.conditions)
        for row, fine in zip(rows, finite.tolist(), strict=True)
        if not fine
    ]
    if not finite_rows:
        return Records({}, tuple(failures))
    labels = np.array([row.label for row in finite_rows], np.int32)
    places, facts = _places(finite_rows), _facts(finite_rows)
    return Records({**places, **benchmark.decide(logits[finite], labels), **facts}, tuple(failures))


def _places(rows: Sequence[QueuedPicture]) -> Columns:
    """The columns that say of which picture each row is, and its label."""
    return {
        "sample": np.array([row.sample for row in rows], np.str_),
        "condition": np.array([row.conditions[0] for row in rows], np.int16),
        "frame": np.array([row.frame for row in rows], np.int16),
        "label": np.array([row.label for row in rows], np.int32),
    }


def _facts(rows: Sequence[QueuedPicture]) -> Columns:
    """The further columns that the benchmark gave each picture."""
    return {name: np.array([dict(row.facts)[name] for row in rows], np.float32) for name, _ in rows[0].facts}


class CutShortError(ModelError):
    """A model gives no further answers; ``records`` hold those of the batch that it gave."""

    def __init__(self, reason: str, records: Records) -> None:
        super().__init__(reason)
        self.records = records


def _ask_questions(model: ClosedQuestionModel, benchmark: Benchmark, rows: Sequence[QueuedPicture]) -> Records:
    """The records of one batch of questions; those that an endpoint did not answer become failures.

    Raises:
        CutShortError: it answers no further one.
    """
    outcomes = model.answers([np.asarray(row.image, np.uint8) for row in rows], [row.sample for row in rows])
    ends = [outcome for outcome in outcomes if not isinstance(outcome, ChatAnswer | SampleError)]
    failures = tuple(
        Failure(row.sample, line_of(outcome), row.conditions)
        for row, outcome in zip(rows, outcomes, strict=True)
        if isinstance(outcome, SampleError)
    )
    answered = [(row, outcome) for row, outcome in zip(rows, outcomes, strict=True) if isinstance(outcome, ChatAnswer)]
    records = Records({}, failures)
    if answered:
        answered_rows, labels = [row for row, _ in answered], np.array([row.label for row, _ in answered], np.int32)
        columns = model.columns([answer for _, answer in answered], lambda logits: benchmark.decide(logits, labels))
        records = Records({**_places(answered_rows), **columns, **_facts(answered_rows)}, failures)
    if ends:
        raise CutShortError(line_of(ends[0]), records)
    return records


def logits_of_pictures(
    classifier: Classifier, feed: InputPolicy, images: Sequence[Image | Pixels], batch: BatchSize
) -> NDArray[np.float32]:
    """Logits in one pass, or in smaller ones where the accelerator has too little memory for one."""
    import torch

    if (function := whole_picture_model(classifier)) is not None:
        return function.answers([np.asarray(image, np.uint8) for image in images])
    outputs: list[NDArray[np.float32]] = []
    begin = 0
    while begin < len(images):
        part = images[begin : begin + batch.current]
        try:
            outputs.append(classifier.logits(feed(to_pixels(part, classifier.link))))
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
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


def join_records(outcomes: Iterable[Records]) -> Records:
    """All rows, and each failure once, in an order that no timing changes.

    A sequence of which one frame has failed is failed as a whole: what is left of it has no score. What failed under
    several conditions for one reason is one failure.
    """
    rows_of_all = Records.concatenate(outcomes)
    failures = tuple(_unique_failures(rows_of_all.failures))
    failed = {(failure.sample, condition) for failure in failures for condition in failure.conditions}
    if not failed or not len(rows_of_all):
        return Records(rows_of_all.columns, failures)
    rows = zip(rows_of_all["sample"].tolist(), rows_of_all["condition"].tolist(), strict=True)
    complete = rows_of_all.where(np.array([row not in failed for row in rows], np.bool_))
    return Records(complete.columns, failures)


def _unique_failures(failures: Iterable[Failure]) -> Iterator[Failure]:
    """Each sample and condition once, however many of its frames have failed, under the first of its reasons.

    Failures of reading and of logits arrive interleaved by timing; sorted, the file is always the same.
    """
    entries = sorted((f.sample, condition, f.reason) for f in failures for condition in f.conditions)
    reasons: dict[tuple[str, str], list[int]] = {}
    reported: set[tuple[str, int]] = set()
    for sample, condition, reason in entries:
        if (sample, condition) not in reported:
            reported.add((sample, condition))
            reasons.setdefault((sample, reason), []).append(condition)
    for (sample, reason), conditions in reasons.items():
        yield Failure(sample, reason, tuple(conditions))
