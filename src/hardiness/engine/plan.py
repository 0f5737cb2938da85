"""One model on one benchmark: what its rows are of, where they are stored, and how many go at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import (
    Benchmark,
    BenchmarkIdentity,
    Canvas,
    Condition,
    DataIdentity,
    DataSet,
    InputIdentity,
    ModelError,
    ModelIdentity,
    Plan,
    Request,
    Run,
    StoreError,
    Surrogate,
)
from hardiness.engine.agreement import refuse_other_data
from hardiness.engine.attack_identity import asks_for_gradients, attack_versions
from hardiness.engine.batches import BatchSize, automatic_batch_size
from hardiness.engine.compatibility import label_map
from hardiness.engine.ensemble import Ensemble
from hardiness.imaging import RESAMPLING
from hardiness.models import GRADIENTS_VERSION, Classifier, InputPolicy
from hardiness.store import Store, StoredRun

ROWS_VERSION = 2
"""Part of every key; raised when decoding, the decision rules or the engine change what a record holds."""


@dataclass
class Task:
    """What the engine needs to run one model on one benchmark.

    Attributes:
        classifier: the model.
        canvas: the geometry in which it wants the photographs.
        feed: how the canvas becomes its input: as it is wherever it accepts that size.
        labels: the model's class for each label of the data set.
        stored: where its records are.
        batch: images per forward pass.
        computed: rows computed by this session.
        error: why the model was given up, or ``None``.
        exhibited: whether this session has made sure that pictures of the benchmark are kept beside the records.
    """

    classifier: Classifier
    canvas: Canvas
    feed: InputPolicy
    labels: NDArray[np.int32]
    stored: StoredRun
    batch: BatchSize
    computed: int = 0
    error: str | None = None
    exhibited: bool = False


def begin(
    classifier: Classifier,
    benchmark: Benchmark,
    data: DataSet,
    request: Request,
    store: Store,
    surrogate: Classifier | Ensemble | None = None,
) -> Task:
    """The task of one model, its run opened or begun in the store.

    Args:
        classifier, benchmark, data, request, store: what meets what, how much of it, and where it is kept.
        surrogate: the model that is attacked in its place, where the benchmark has one.

    Raises:
        ArgumentError: it shares the store with other workers, whose data are others.
        ModelError: the model does not have the data set's classes, or is to be attacked and has no gradients.
        StoreError: the run cannot be written.
    """
    if benchmark.attack and surrogate is None and asks_for_gradients(benchmark.attack):
        require_gradients(classifier)
    labels = labels_for(classifier, data)
    canvas = benchmark.canvas or classifier.spec.view.canvas
    feed = classifier.feed(canvas.crop_px)
    run = run_of(classifier, benchmark, data, request.seed, surrogate)
    attacked = benchmark.attack is not None and surrogate is None and asks_for_gradients(benchmark.attack)
    begun = None
    with suppress(StoreError):  # what cannot be believed is set aside when the run is opened, below
        begun = store.find(run)  # what it was begun with stays: nothing needs to be tried again
    if begun is None and request.share:
        refuse_other_data(run, store.known.values())
    batch_size = begun.plan.batch_size if begun else request.batch_size
    batch_size = batch_size or automatic_batch_size(classifier, feed.input_px, attacked)
    plan = Plan(
        batch_size=batch_size,
        location=data.location,
        released=data.released,
        unit_items=unit_images(benchmark, batch_size),
        whole=tuple(benchmark.conditions().index(condition) for condition in benchmark.whole()),
    )
    conditions = {condition: index for index, condition in enumerate(benchmark.conditions())}
    cells = {conditions[c]: fingerprint for c, fingerprint in data.fingerprints.items() if c in conditions}
    stored = (begun or store.run(run, plan)).with_cells(cells)
    return Task(classifier, canvas, feed, labels, stored, BatchSize(stored.plan.batch_size))


def unit_images(benchmark: Benchmark, batch_size: int) -> int:
    """Images a unit: so many that a batch, which never crosses units, can be full; for an attack a batch of images."""
    pictures = 1 if benchmark.attack else benchmark.frames * max(1, len(benchmark.requested()))
    return max(benchmark.shard_items, -(-batch_size // pictures))


def run_of(
    classifier: Classifier,
    benchmark: Benchmark,
    data: DataSet,
    seed: int,
    surrogate: Classifier | Ensemble | None = None,
) -> Run:
    """Everything that changes the rows of one model on one benchmark."""
    spec = classifier.spec
    feed = classifier.feed((benchmark.canvas or spec.view.canvas).crop_px)
    return Run(
        model=ModelIdentity(
            name=spec.name,
            weights_sha256=classifier.weights_sha256,
            view=spec.view,
            options=dict(spec.options),
            outputs_sha256=classifier.outputs_sha256,
            code_sha256=classifier.code_sha256,
        ),
        benchmark=BenchmarkIdentity(
            name=benchmark.name,
            card=benchmark.card,
            protocol=benchmark.protocol,
            options=benchmark.identity(),
            columns=_decision_columns(benchmark, data.num_classes),
        ),
        data=DataIdentity(data.name, data.fingerprint, len(data), data.num_classes, data.categories),
        input=InputIdentity("fixed" if benchmark.canvas else "view", str(feed)),
        conditions=benchmark.conditions(),
        seed=seed,
        precision=classifier.precision,
        attack=benchmark.attack.rounds if benchmark.attack else (),
        surrogate=_surrogate(surrogate) if surrogate else None,
        versions={"rows": ROWS_VERSION, "resampling": RESAMPLING, **_attack_versions(benchmark)},
    )


def _surrogate(found: Classifier | Ensemble) -> Surrogate:
    return Surrogate(found.spec.name, found.weights_sha256, found.outputs_sha256, found.code_sha256)


def _decision_columns(benchmark: Benchmark, num_classes: int) -> tuple[str, ...]:
    """Names of what the decision rule keeps, in alphabetical order: seen by applying it to logits of zero."""
    kept = benchmark.decide(np.zeros((1, num_classes), np.float32), np.zeros(1, np.int32))
    return tuple(sorted(kept))


def _attack_versions(benchmark: Benchmark) -> Mapping[str, Any]:
    """Versions of the attacks and of the arithmetic of gradients; nothing without an attack."""
    if benchmark.attack is None:
        return {}
    return {**attack_versions(benchmark.attack), "gradients": GRADIENTS_VERSION}


def look_up(task: Task, store: Store) -> Task:
    """The task with what another store already holds of its run; neither store is written to.

    Args:
        task: begun in a store of its own, which is empty.
        store: where rows may be stored already.

    Raises:
        StoreError: the run there cannot be read.
    """
    found = store.find(task.stored.run)
    return task if found is None else replace(task, stored=replace(found, cells=task.stored.cells))


def labels_for(classifier: Classifier | Ensemble, data: DataSet) -> NDArray[np.int32]:
    """The model's class for each label of the data set.

    Raises:
        ModelError: it does not have the data set's classes.
    """
    return label_map(classifier.spec.name, classifier.num_classes, classifier.spec.class_names, data)


def require_gradients(classifier: Classifier) -> None:
    """Raise unless the model has gradients, so that it can be attacked itself.

    Raises:
        ModelError: it has none.
    """
    if not classifier.has_gradients:
        raise ModelError(
            f"{classifier.spec.name} has no gradients (it runs in ONNX Runtime), so it cannot be attacked itself; "
            "evaluate it under blackbox, or load it as a torch model"
        )


def condition_indices(benchmark: Benchmark, data: DataSet) -> tuple[tuple[Condition, ...], list[int]]:
    """All conditions of a benchmark, and the indices of those that its options ask for and the data allow."""
    conditions = benchmark.conditions()
    requested = set(benchmark.requested())
    if data.conditions is not None:
        requested &= data.conditions
    return conditions, [index for index, condition in enumerate(conditions) if condition in requested]
