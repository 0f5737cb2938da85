"""One batch through one model: images in, record columns and failures out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import Criterion, Misclassification, TargetClass
from hardiness.core.benchmark import Benchmark, Image, Pixels
from hardiness.core.condition import Condition
from hardiness.core.errors import ModelError, SampleError, line_of
from hardiness.core.model import CANVAS_224
from hardiness.core.random import rng
from hardiness.core.table import Columns, Failure, Records
from hardiness.models.chat.model import ChatAnswer, ClosedQuestionModel
from hardiness.models.classifier import Classifier
from hardiness.models.failures import is_out_of_memory
from hardiness.models.preprocessing import InputPolicy, to_pixels

if TYPE_CHECKING:
    from torch import Tensor


class Ensemble:
    """The mean of several models' logits, where a surrogate is one model else.

    Attributes:
        members: the models, of the same classes.
        spec: of the first, under the name of all, joined by ``+``.
        weights_sha256: over those of all.
        outputs_sha256, code_sha256: those of all, joined.
        device, num_classes: of the first.
        has_gradients: always.

    Source: Dong et al. (2018), arXiv:1710.06081, section 3.4, ensemble in logits, equal weights.
    """

    has_gradients = True

    def __init__(self, members: Sequence[Classifier]) -> None:
        first = members[0]
        for other in members[1:]:
            if other.num_classes != first.num_classes or other.spec.class_names != first.spec.class_names:
                raise ModelError(
                    f"surrogates {first.spec.name} and {other.spec.name} have other classes; join models of the same"
                )
        self.members = tuple(members)
        self.spec = replace(first.spec, name="+".join(each.spec.name for each in members))
        joined = "+".join(each.weights_sha256 for each in members)
        self.weights_sha256 = hashlib.sha256(joined.encode()).hexdigest()
        self.outputs_sha256 = "+".join(each.outputs_sha256 for each in members).strip("+")
        self.code_sha256 = "+".join(each.code_sha256 for each in members).strip("+")
        self.device, self.num_classes = first.device, first.num_classes

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """The canvas as it is: each member resizes it for itself."""
        return InputPolicy(canvas_px, canvas_px)

    def differentiable(self, pixels: Tensor) -> Tensor:
        """Mean logits ``(N, K)`` through torch autograd, fp32."""
        return sum(
            (each.differentiable(each.feed(pixels.shape[-1])(pixels)) for each in self.members[1:]),
            self.members[0].differentiable(self.members[0].feed(pixels.shape[-1])(pixels)),
        ) / len(self.members)

    def plain_logits(self, pixels: Tensor) -> Tensor:
        """The same by plain fp32 torch, without graph."""
        return sum(
            (each.plain_logits(each.feed(pixels.shape[-1])(pixels)) for each in self.members[1:]),
            self.members[0].plain_logits(self.members[0].feed(pixels.shape[-1])(pixels)),
        ) / len(self.members)

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers of all members put out for one image."""
        return sum(each.activation_bytes(px) for each in self.members)


BATCH_SIZES = (32, 16, 8)
CPU_BATCH_BYTES = 2 * 2**30

SMALLEST, LARGEST, LARGEST_WITH_GRADIENTS = 16, 1024, 128
"""Batches that are tried on a GPU. What an attack keeps for gradients takes the memory of far larger batches, and a
unit, which is what a killed process loses, has room for one."""

RISE = 1.05
"""A batch twice as large must give this many times the images a second to be worth its memory."""

TRIES = 3
"""Batches of one size that are timed, after one that warms up."""

_FOUND: WeakKeyDictionary[Classifier | Ensemble, dict[tuple[int, bool], int]] = WeakKeyDictionary()
"""What was found for each model of this process, by image size and whether gradients are wanted."""


@dataclass
class BatchSize:
    """Images per forward pass: what was planned, and what memory allows.

    Attributes:
        planned: when the run was begun.
        current: from now on; less than planned where a batch did not fit the accelerator's memory.
    """

    planned: int
    current: int = 0

    def __post_init__(self) -> None:
        self.current = self.current or self.planned

    def halve(self, tried: int) -> None:
        """Keep to at most half of the ``tried`` images, for the rest of the run."""
        self.current = max(1, min(self.current, tried // 2))


def automatic_batch_size(classifier: Classifier | Ensemble, input_px: int, gradients: bool = False) -> int:
    """Images per forward pass: on the CPU 32, or fewer where all their activations would exceed 2 GiB; on a GPU tried.

    The CPU's bound does not depend on the memory that is free at the moment, so that the same command makes the same
    plan. It is generous: OpenVINO holds a few images a stream whatever the batch, and torch frees layers as it goes.

    Args:
        classifier: the model, or several that are attacked as one.
        input_px: side of its images.
        gradients: whether they are wanted too, which takes more memory.
    """
    if not classifier.device.startswith("cuda"):
        per_image = classifier.activation_bytes(input_px)
        return next((size for size in BATCH_SIZES if size * per_image <= CPU_BATCH_BYTES), BATCH_SIZES[-1])
    found = _FOUND.setdefault(classifier, {})
    wanted = (input_px, gradients or isinstance(classifier, Ensemble))
    if wanted not in found:
        found[wanted] = batch_size_by_doubling(
            _rate_of(classifier, *wanted), largest_batch(on_gpu=True, gradients=wanted[1])
        )
    return found[wanted]


def largest_batch(on_gpu: bool, gradients: bool) -> int:
    """The most images that `automatic_batch_size` ever finds."""
    if not on_gpu:
        return BATCH_SIZES[0]
    return LARGEST_WITH_GRADIENTS if gradients else LARGEST


def batch_size_by_doubling(rate: Callable[[int], float], largest: int = LARGEST) -> int:
    """The batch size after which throughput no longer rises, from 16 on.

    Args:
        rate: of a batch size the images a second; 0 where it does not fit the memory.
        largest: that is tried.
    """
    size, best = SMALLEST, rate(SMALLEST)
    while size < largest and (found := rate(2 * size)) >= RISE * best and found:
        size, best = 2 * size, found
    return size


def _rate_of(classifier: Classifier | Ensemble, px: int, gradients: bool) -> Callable[[int], float]:
    """Times batches of noise on a classifier that has seen no image: which runtime is exact is not decided by noise."""
    import torch

    tried = classifier.anew() if isinstance(classifier, Classifier) else classifier
    device = torch.device(classifier.device)
    given_on = device if classifier.has_gradients else torch.device("cpu")  # ONNX Runtime takes images in main memory
    generator = torch.Generator().manual_seed(0)

    def once(pixels: torch.Tensor) -> None:
        if not gradients:
            assert isinstance(tried, Classifier)
            tried.logits(pixels)
            return
        given = pixels.requires_grad_()
        torch.autograd.grad(tried.differentiable(given).amax(1).sum(), given)

    def rate(size: int) -> float:
        try:
            pixels = torch.rand(size, 3, px, px, generator=generator).to(given_on)
            once(pixels)
            torch.cuda.synchronize(device)
            begin = time.perf_counter()
            for _ in range(TRIES):
                once(pixels)
            torch.cuda.synchronize(device)
            return TRIES * size / (time.perf_counter() - begin)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return 0.0
        finally:
            torch.cuda.empty_cache()

    return rate


Network = Callable[["Tensor"], "Tensor"]
"""Pixels ``(N, 3, H, W)`` in [0, 1] to fp32 logits ``(N, K)``."""


@dataclass(frozen=True)
class Victims:
    """A batch to be attacked.

    Attributes:
        samples: N ids.
        pixels: float32 ``(N, 3, H, W)`` in [0, 1].
        labels, targets: int64 ``(N,)``.
        clean: float32 ``(N, K)``, the judge's logits for ``pixels``.
    """

    samples: Sequence[str]
    pixels: Tensor
    labels: Tensor
    targets: Tensor
    clean: Tensor

    def rows(self, index: Tensor) -> Victims:
        """Some of them."""
        return Victims(
            [self.samples[i] for i in index.tolist()],
            self.pixels[index],
            self.labels[index],
            self.targets[index],
            self.clean[index],
        )

    def criterion(self, targeted: bool) -> Criterion:
        """What counts as a success."""
        return TargetClass(self.targets) if targeted else Misclassification(self.labels)

    def lead(self, logits: Tensor, targeted: bool) -> Tensor:
        """How far each sample is from a success, ``(N,)`` in logits: negative, or nought, where it is one.

        Untargeted, by how much the label is ahead of the best other class; targeted, the best other of the target.
        """
        classes = self.targets if targeted else self.labels
        own = logits.gather(1, classes[:, None])[:, 0]
        other = logits.scatter(1, classes[:, None], -float("inf")).amax(1)
        return other - own if targeted else own - other


@dataclass(frozen=True)
class RoundOutcome:
    """One round at one mark; everything has one entry a sample.

    Attributes:
        condition: the mark's.
        logits: float32 ``(N, K)`` of what is judged: the success, or what the protocol puts in its place.
        pixels: float32 ``(N, 3, H, W)`` of the same; ``None`` where they were not kept.
        columns: how the attack went, as columns of records.
        reached: float32 ``(N, K)`` of where the attack stood, whatever the protocol puts in a failure's place.
    """

    condition: Condition
    logits: NDArray[np.float32]
    pixels: Tensor | None
    columns: Columns
    reached: Tensor | None = None


def targets_of(samples: Sequence[str], labels: Sequence[int], classes: int, seed: int) -> NDArray[np.int64]:
    """A target for each sample, uniform over the classes other than its label; the same for every epsilon and step.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py``.
    Differs: drawn by seed and sample; the published ones by numpy's global generator, without a seed.
    """
    drawn = [int(rng(seed, "target", sample).integers(classes - 1)) for sample in samples]
    return np.array([draw + (draw >= label) for draw, label in zip(drawn, labels, strict=True)], np.int64)


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
        return _answered(classifier, benchmark, rows)
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
    placed, facts = _places(kept), _facts(kept)
    return Records({**placed, **benchmark.decide(logits[finite], labels), **facts}, tuple(failures))


def _places(rows: Sequence[QueuedPicture]) -> Columns:
    """Of which picture each row is, and its label."""
    return {
        "sample": np.array([row.sample for row in rows], np.str_),
        "condition": np.array([row.conditions[0] for row in rows], np.int16),
        "frame": np.array([row.frame for row in rows], np.int16),
        "label": np.array([row.label for row in rows], np.int32),
    }


def _facts(rows: Sequence[QueuedPicture]) -> Columns:
    """Further columns that the benchmark gave each picture."""
    return {name: np.array([dict(row.facts)[name] for row in rows], np.float32) for name, _ in rows[0].facts}


class CutShortError(ModelError):
    """A model gives no further answers; ``records`` hold those of the batch that it gave."""

    def __init__(self, reason: str, records: Records) -> None:
        super().__init__(reason)
        self.records = records


def _answered(model: ClosedQuestionModel, benchmark: Benchmark, rows: Sequence[QueuedPicture]) -> Records:
    """The records of one batch of questions; those that an endpoint did not answer become failures.

    Raises:
        CutShortError: it answers no further one.
    """
    found = model.answers([np.asarray(row.image, np.uint8) for row in rows], [row.sample for row in rows])
    ends = [each for each in found if not isinstance(each, ChatAnswer | SampleError)]
    failures = tuple(
        Failure(row.sample, line_of(each), row.conditions)
        for row, each in zip(rows, found, strict=True)
        if isinstance(each, SampleError)
    )
    kept = [(row, each) for row, each in zip(rows, found, strict=True) if isinstance(each, ChatAnswer)]
    records = Records({}, failures)
    if kept:
        asked, labels = [row for row, _ in kept], np.array([row.label for row, _ in kept], np.int32)
        columns = model.columns([answer for _, answer in kept], lambda logits: benchmark.decide(logits, labels))
        records = Records({**_places(asked), **columns, **_facts(asked)}, failures)
    if ends:
        raise CutShortError(line_of(ends[0]), records)
    return records


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
            found.append(classifier.logits(feed(to_pixels(part, classifier.link))))
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


def join_records(outcomes: Iterable[Records]) -> Records:
    """All rows, and each failure once, in an order that no timing changes.

    A sequence of which one frame has failed is failed as a whole: what is left of it has no score. What failed under
    several conditions for one reason is one failure.
    """
    rows_of_all = Records.concatenate(outcomes)
    failures = tuple(_once(rows_of_all.failures))
    failed = {(failure.sample, condition) for failure in failures for condition in failure.conditions}
    if not failed or not len(rows_of_all):
        return Records(rows_of_all.columns, failures)
    rows = zip(rows_of_all["sample"].tolist(), rows_of_all["condition"].tolist(), strict=True)
    kept = rows_of_all.where(np.array([row not in failed for row in rows], np.bool_))
    return Records(kept.columns, failures)


def _once(failures: Iterable[Failure]) -> Iterator[Failure]:
    """Each sample and condition once, however many of its frames have failed, under the first of its reasons.

    Failures of reading and of logits arrive interleaved by timing; sorted, the file is always the same.
    """
    each = sorted((f.sample, condition, f.reason) for f in failures for condition in f.conditions)
    reasons: dict[tuple[str, str], list[int]] = {}
    told: set[tuple[str, int]] = set()
    for sample, condition, reason in each:
        if (sample, condition) not in told:
            told.add((sample, condition))
            reasons.setdefault((sample, reason), []).append(condition)
    for (sample, reason), conditions in reasons.items():
        yield Failure(sample, reason, tuple(conditions))
