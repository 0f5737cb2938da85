"""A run of made-up answers, so that a policy can be held against what a benchmark gives."""

from __future__ import annotations

import numpy as np

from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.random import rng
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.data.items import limited
from hardiness.engine.tasks import condition_indices
from hardiness.results.folder import Folder
from hardiness.results.runs import ScoredRun
from hardiness.store.store import Store

REHEARSED_IMAGES = 200
"""Images of a rehearsal, at least."""


def rehearse(benchmark: Benchmark, data: DataSet, store: Store, *, every_class: bool = False) -> ScoredRun | None:
    """A run of made-up answers to a few images, so that a policy can be held against what a benchmark gives.

    ``None`` where its rows are more than answers to pictures: under an attack, and in sequences.

    Args:
        benchmark, data: that are to be evaluated.
        store: for these rows alone.
        every_class: whether each class has an image, however many there are.
    """
    if benchmark.attack is not None or benchmark.frames > 1:
        return None
    classes = len({item.label for item in data.items}) if every_class else 0
    items = limited(data.items, max(REHEARSED_IMAGES, classes), seed=0)
    _, indices = condition_indices(benchmark, data)
    work = [(item.id, index) for item in items for index in indices]
    labels = np.array([item.label for item in items for _ in indices], np.int32)
    names = data.class_names or ()
    run = Run(
        ModelIdentity("rehearsal"),
        BenchmarkIdentity(benchmark.name, benchmark.card, benchmark.protocol, benchmark.identity()),
        DataIdentity(data.name, data.fingerprint, len(data), data.num_classes, data.categories, tuple(names)),
        conditions=benchmark.conditions(),
    )
    generator, decisions = rng(0, "rehearsal", 0, benchmark.name), []
    for first in range(0, len(work), REHEARSED_IMAGES):
        batch_labels = labels[first : first + REHEARSED_IMAGES]
        logits = generator.normal(size=(len(batch_labels), data.num_classes)).astype(np.float32)
        decisions.append(benchmark.decide(logits, batch_labels))
    columns = {
        "sample": np.array([sample for sample, _ in work], np.str_),
        "condition": np.array([index for _, index in work], np.int16),
        "frame": np.zeros(len(work), np.int16),
        "label": labels,
        **{name: np.concatenate([decision[name] for decision in decisions]) for name in decisions[0]},
    }
    stored = store.run(run, Plan(whole=tuple(indices)))
    stored.write(0, work, Records(columns))
    return Folder.of([stored]).alone[0]
