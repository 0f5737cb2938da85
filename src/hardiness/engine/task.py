"""One model on one benchmark: its key, what is stored of it, and the batches on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Benchmark, Canvas, Condition, DataSet, ModelError, Request
from hardiness.engine.compatibility import label_map
from hardiness.imaging import RESAMPLING
from hardiness.models import Classifier, InputPolicy
from hardiness.store import Store, StoredRun

ROWS_VERSION = 1
"""Part of every key; raised when decoding, the decision rules or the engine change what a record holds."""

BATCH_SIZES = (32, 16, 8)
CPU_BATCH_BYTES = 2 * 2**30
CUDA_BATCH_SIZE = 256


@dataclass
class Task:
    """What the engine needs to run one model on one benchmark.

    Attributes:
        classifier: the model.
        canvas: the geometry in which it wants the photographs.
        feed: how the canvas becomes its input: as it is wherever it accepts that size.
        labels: the model's class for each label of the data set.
        stored: where its records are.
        computed: rows computed by this session.
        error: why the model was given up, or ``None``.
    """

    classifier: Classifier
    canvas: Canvas
    feed: InputPolicy
    labels: NDArray[np.int32]
    stored: StoredRun
    computed: int = 0
    error: str | None = None

    @property
    def batch_size(self) -> int:
        """Images per forward pass, fixed when the run was begun."""
        return int(self.stored.run["plan"]["batch_size"])


def begin(
    classifier: Classifier,
    benchmark: Benchmark,
    data: DataSet,
    request: Request,
    store: Store,
    surrogate: Classifier | None = None,
) -> Task:
    """The task of one model, its run opened or begun in the store.

    Args:
        classifier, benchmark, data, request, store: what meets what, how much of it, and where it is kept.
        surrogate: the model that is attacked in its place, where the benchmark has one.

    Raises:
        ModelError: the model does not have the data set's classes, or is to be attacked and has no gradients.
        StoreError: the run cannot be written.
    """
    if benchmark.attack and surrogate is None:
        need_gradients(classifier)
    labels = labels_for(classifier, data)
    canvas = benchmark.canvas or classifier.spec.view.canvas
    feed = classifier.feed(canvas.crop_px)
    plan = {
        "batch_size": request.batch_size or automatic_batch_size(classifier, feed.input_px),
        "location": data.location,
        "released": data.released,
        "whole": [benchmark.conditions().index(condition) for condition in benchmark.whole()],
    }
    attacked = _attacked(benchmark, surrogate)
    stored = store.run({**identity(classifier, benchmark, data, request, feed), **attacked}, plan)
    return Task(classifier, canvas, feed, labels, stored)


def identity(
    classifier: Classifier, benchmark: Benchmark, data: DataSet, request: Request, feed: InputPolicy
) -> dict[str, Any]:
    """Everything that changes rows, and so makes the run's key."""
    spec = classifier.spec
    return {
        "model": spec.name,
        "weights_sha256": classifier.weights_sha256,
        "view": spec.view.as_dict(),
        "input": {"canvas": "fixed" if benchmark.canvas else "view", "fed": str(feed)},
        "benchmark": benchmark.name,
        "options": benchmark.identity(),
        "protocol": benchmark.protocol,
        "scorer": benchmark.scorer,
        "conditions": [dict(condition) for condition in benchmark.conditions()],
        "seed": request.seed,
        "data": {
            "name": data.name,
            "fingerprint": data.fingerprint,
            "samples": len(data),
            "num_classes": data.num_classes,
            **_categories(data),
        },
        "precision": classifier.precision,
        "resampling": RESAMPLING,
        "rows_version": ROWS_VERSION,
    }


def _attacked(benchmark: Benchmark, surrogate: Classifier | None) -> dict[str, Any]:
    """What an attack and its surrogate add to the identity of a run."""
    if benchmark.attack is None:
        return {}
    found: dict[str, Any] = {"attack": [each.as_dict() for each in benchmark.attack.rounds]}
    if surrogate is not None:
        found["surrogate"] = {"model": surrogate.spec.name, "weights_sha256": surrogate.weights_sha256}
    return found


def labels_for(classifier: Classifier, data: DataSet) -> NDArray[np.int32]:
    """The model's class for each label of the data set.

    Raises:
        ModelError: it does not have the data set's classes.
    """
    return label_map(classifier.spec.name, classifier.num_classes, classifier.spec.class_names, data)


def need_gradients(classifier: Classifier) -> None:
    """Nothing, for a model that can be attacked.

    Raises:
        ModelError: it has no gradients.
    """
    if not classifier.has_gradients:
        raise ModelError(
            f"{classifier.spec.name} has no gradients (it runs in ONNX Runtime), so it cannot be attacked itself; "
            "evaluate it under blackbox, or load it as a torch model"
        )


def _categories(data: DataSet) -> dict[str, Any]:
    """The groups of classes that answers are judged by, so that records can be scored without the data."""
    if not data.categories:
        return {}
    return {"categories": {name: list(classes) for name, classes in data.categories.items()}}


def automatic_batch_size(classifier: Classifier, input_px: int) -> int:
    """Images per forward pass: on CUDA 256; on the CPU 32, or fewer where all their activations would exceed 2 GiB.

    The bound does not depend on the memory that is free at the moment, so that the same command makes the same plan.
    It is generous: OpenVINO holds a few images a stream whatever the batch, and torch frees layers as it goes.
    """
    if classifier.device.startswith("cuda"):
        return CUDA_BATCH_SIZE
    per_image = classifier.activation_bytes(input_px)
    return next((size for size in BATCH_SIZES if size * per_image <= CPU_BATCH_BYTES), BATCH_SIZES[-1])


def condition_indices(benchmark: Benchmark, data: DataSet) -> tuple[tuple[Condition, ...], list[int]]:
    """All conditions of a benchmark, and the indices of those that its options ask for and the data allow."""
    conditions = benchmark.conditions()
    requested = set(benchmark.requested())
    if data.conditions is not None:
        requested &= data.conditions
    return conditions, [index for index, condition in enumerate(conditions) if condition in requested]
