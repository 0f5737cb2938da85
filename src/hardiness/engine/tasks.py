"""Tasks: all that the engine needs to run one model on one benchmark, and the run that its rows belong to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import needs_gradients, version_of
from hardiness.attacks.kit import registry as attacks
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.attack_plan import AttackPlan, Round
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, ModelError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.model import CANVAS_224, Canvas, ModelSpec, View, WholePicture
from hardiness.core.request import Request
from hardiness.core.run import (
    WHOLE,
    BenchmarkIdentity,
    DataIdentity,
    InputIdentity,
    ModelIdentity,
    Plan,
    Run,
    Surrogate,
)
from hardiness.engine.backward_pass import given_backward
from hardiness.engine.batch_sizes import BatchSize, automatic_batch_size, largest_batch
from hardiness.engine.cross_checks import VERSION as CROSS_CHECKS
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.label_map import labels_for
from hardiness.engine.other_runs import refuse_another_run
from hardiness.engine.whole_pictures import benchmark_at_own_size
from hardiness.imaging.resizing import RESAMPLING
from hardiness.models.chat.model import ClosedQuestionModel, on_question
from hardiness.models.classifier import Classifier
from hardiness.models.determinism import GRADIENTS_VERSION
from hardiness.models.preprocessing import InputPolicy
from hardiness.models.whole_pictures import whole_picture_model
from hardiness.reference.small_pictures import small_pictures
from hardiness.store.run import StoredRun
from hardiness.store.store import Store

JUDGING = 6
"""Version of how attacked pictures are judged: raised when that changes, so that a resumed run never mixes two.

Checks that are made beside an attack have a version of their own.
"""

SMALL_UNIT = 8
"""Times as many small pictures are a unit as photographs: to store one takes as long, and to answer it a fiftieth."""

ROWS_VERSION = 2
"""Part of every key; raised when decoding, the decision rules or the engine change what a record holds."""

SHOWN_CLASSES = 12
"""Classes that a line names at most."""


def attack_versions(plan: AttackPlan) -> dict[str, Any]:
    """Versions of everything of ours that an attack's rows depend on, for the run's key."""
    versions: dict[str, Any] = {
        "attacks": {name: version_of(name) for name in sorted({attack_round.attack for attack_round in plan.rounds})},
        "judging": JUDGING,
        "gradients": GRADIENTS_VERSION,
        "files": sorted(filter(None, {*map(_content, plan.rounds), _code(plan.bpda)})),
    }
    if plan.checks:
        versions["cross_checks"] = {**json_form(plan.checks), "version": CROSS_CHECKS}
    return versions


def _content(attack_round: Round) -> str:
    """Hash of what the attack of a round reads from a file."""
    return str(getattr(attacks.get(attack_round.attack)(**attack_round.options), "content", ""))


def _code(bpda: str) -> str:
    """Hash over the code of a backward pass that is given in a file; empty where none is."""
    backward = given_backward(bpda)
    return backward[1] if backward else ""


def asks_for_gradients(plan: AttackPlan) -> bool:
    """Whether one of its attacks needs the gradients of what it attacks."""
    return any(needs_gradients(attack_round.attack) for attack_round in plan.rounds)


@dataclass
class Task:
    """A task: all that the engine needs to run one model on one benchmark.

    Attributes:
        classifier: the model.
        canvas: the geometry in which it wants the photographs, or the form of whole pictures.
        feed: how the canvas becomes its input: as it is wherever it accepts that size.
        labels: the model's class for each label of the data set.
        stored: where its records are.
        batch: images per forward pass.
        computed: rows computed by this session.
        error: why the model was given up, or ``None``.
        refused: whether it was because its answers cannot be used, whatever the picture.
        exhibited: whether this session has made sure that pictures of the benchmark are kept beside the records.
        session_file: path of the file that says how this session computes; empty before there is one.
    """

    classifier: Classifier | ClosedQuestionModel
    canvas: Canvas | WholePicture
    feed: InputPolicy
    labels: NDArray[np.int32]
    stored: StoredRun
    batch: BatchSize
    computed: int = 0
    error: Fact | None = None
    refused: bool = False
    exhibited: bool = False
    session_file: str = ""

    def look_up(self, store: Store) -> Task:
        """The task, begun in a store of its own, with what another holds of its run; neither store is written to.

        Args:
            store: where rows may be stored already.

        Raises:
            StoreError: the run there cannot be read.
        """
        stored = store.find(store.last_of(self.stored.run))
        return self if stored is None else replace(self, stored=replace(stored, cells=self.stored.cells))

    def class_order(self, data: DataSet) -> Fact | None:
        """Which output of the network is taken for which of one's own classes; ``None`` for ImageNet's."""
        names = self.stored.run.model.classes
        if not names or data.name in small_pictures():  # they are published with the order of their classes
            return None
        model = self.classifier.spec.name if self.classifier.spec.class_names is not None else ""
        order = "model" if model else "alphabet" if list(names) == sorted(names) else "data"
        shown_names = {"classes": len(names), "first": tuple(names[:SHOWN_CLASSES]), "last": names[-1]}
        arguments = {"data": data.name, "order": order, "model": model, "is_folder": bool(data.location)}
        return Fact(DataRemark.CLASS_ORDER, arguments | shown_names)


def takes_whole_pictures(task: Task) -> bool:
    """Whether a task's model is given files, or pictures at their own size."""
    return isinstance(task.canvas, WholePicture)


def begin(
    classifier: Classifier,
    benchmark: Benchmark,
    data: DataSet,
    request: Request,
    store: Store,
    former: Sequence[StoredRun] = (),
    surrogate: Classifier | Ensemble | None = None,
) -> Task:
    """The task of one model, its run opened or begun in the store.

    Args:
        classifier, benchmark, data, request, store: what meets what, how much of it, and where it is kept.
        former: the runs that the store holds, among which the run may be in a folder of another name.
        surrogate: the model that is attacked in its place, where the benchmark has one.

    Raises:
        ArgumentError: it shares the store with other workers, whose data or version are others, or which would never
            find its run; or strengths are asked for that are of pictures at their own size, which these are not.
        ModelError: the model does not have the data set's classes, is to be attacked and has no gradients, or takes
            whole pictures, which the benchmark does not show.
        StoreError: the run cannot be written.
    """
    classifier = on_question(classifier, benchmark, data, request.seed, store.files)
    if (function := whole_picture_model(classifier)) is not None:
        benchmark = benchmark_at_own_size(benchmark, function, data)
    elif benchmark.canvas and not data.side_px and (strengths := benchmark.identity().get("strengths")):
        raise ArgumentError(
            f"{benchmark.name}:strengths={strengths} are of pictures that are corrupted at their own size, and "
            f"{classifier.spec.name} is shown {data.name} on a canvas; leave strengths out, or take -b {strengths} or "
            "a function of takes=full"
        )
    if benchmark.attack and surrogate is None:
        require_attackable(classifier, benchmark.attack)
    labels = labels_for(classifier, data)
    canvas = _canvas(classifier, benchmark, data)
    feed = _feed(classifier, canvas, benchmark, data)
    run = store.last_of(run_of(classifier, benchmark, data, request.seed, surrogate), former)
    attacked = benchmark.attack is not None and surrogate is None and asks_for_gradients(benchmark.attack)
    begun = None
    with suppress(StoreError):  # what cannot be believed is set aside when the run is opened, below
        begun = store.find(run, former)  # what it was begun with stays: nothing needs to be tried again
    if begun is None and request.share:
        refuse_another_run(run, former)
    batch_size = begun.plan.batch_size if begun else request.batch_size
    batch_size = batch_size or automatic_batch_size(classifier, feed.input_px, attacked)
    conditions = {condition: index for index, condition in enumerate(benchmark.conditions())}
    is_on_gpu = classifier.device.startswith("cuda")
    plan = Plan(
        batch_size=batch_size,
        location=data.location,
        released=data.released,
        unit_items=unit_images(benchmark, request.batch_size, on_gpu=is_on_gpu, are_small=data.side_px > 0),
        whole=tuple(conditions[condition] for condition in benchmark.whole()),
    )
    cells = {conditions[c]: fingerprint for c, fingerprint in data.fingerprints.items() if c in conditions}
    stored = begun or store.run(run, plan)
    if data.conditions is not None:  # what was answered before its file was damaged stays
        lost = {index for condition, index in conditions.items() if condition not in data.conditions}
        cells |= {index: fingerprint for index, fingerprint in stored.cells.items() if index in lost}
    stored = stored.with_cells(cells)
    stored.keep_picture_columns(data.columns)
    return Task(classifier, canvas, feed, labels, stored, BatchSize(stored.plan.batch_size))


def _canvas(classifier: Classifier, benchmark: Benchmark, data: DataSet) -> Canvas | WholePicture:
    """The geometry in which a model wants a benchmark's photographs, or the form in which it takes whole ones."""
    if (function := whole_picture_model(classifier)) is not None:
        return function.form
    return canvas_of(classifier.spec, benchmark, data)


def canvas_of(spec: ModelSpec, benchmark: Benchmark, data: DataSet) -> Canvas:
    """The geometry in which a model wants a benchmark's photographs.

    A person's own small pictures are wanted as they are, unless the model states a size.
    """
    return benchmark.canvas or (None if states_size(spec) else data.canvas) or spec.view.canvas


def states_size(spec: ModelSpec) -> bool:
    """Whether a model says to what size pictures are resized for it.

    The sizes of ImageNet's usual view say nothing: they are what a view has of which only mean and std are given. An
    option of the model's says so all the same.
    """
    usual = View()
    is_other = (spec.view.resize_px, spec.view.crop_px) != (usual.resize_px, usual.crop_px)
    return is_other or any(name in ("resize_px", "crop_px") for name, _ in spec.options)


def _feed(classifier: Classifier, canvas: Canvas | WholePicture, benchmark: Benchmark, data: DataSet) -> InputPolicy:
    """How the pictures on a canvas are fed; published small ones as they are, unless the network states a size."""
    if isinstance(canvas, WholePicture):
        return classifier.feed(CANVAS_224.crop_px)
    feed = classifier.feed(canvas.crop_px)
    is_resized = benchmark.canvas and data.side_px and states_size(classifier.spec)
    return replace(feed, input_px=classifier.spec.view.crop_px) if is_resized else feed


def unit_images(benchmark: Benchmark, batch_size: int | None, on_gpu: bool, are_small: bool = False) -> int:
    """Images a unit: so many that a batch, which never crosses units, can be full; for an attack a batch of images.

    It follows from what was asked for, and from nothing that is tried or timed: so units, and the names of files, are
    those of every process that begins the run, and models with different batches share the decoding.

    Args:
        benchmark: which.
        batch_size: that was asked for; ``None`` where it is found.
        on_gpu: whether it is found on a GPU.
        are_small: whether pictures are small, so that more of them take as long.
    """
    attack = benchmark.attack is not None
    pictures = 1 if attack else benchmark.frames * max(1, len(benchmark.requested()))
    most = batch_size or largest_batch(on_gpu, gradients=attack)
    return max(benchmark.shard_items, -(-most // pictures)) * (SMALL_UNIT if are_small and not attack else 1)


def run_of(
    classifier: Classifier,
    benchmark: Benchmark,
    data: DataSet,
    seed: int,
    surrogate: Classifier | Ensemble | None = None,
) -> Run:
    """Everything that changes the rows of one model on one benchmark."""
    spec, canvas, classes = classifier.spec, _canvas(classifier, benchmark, data), _class_order(classifier, data)
    attacking = attack_versions(benchmark.attack) if benchmark.attack else {}
    if isinstance(canvas, WholePicture):
        pictures = InputIdentity(WHOLE, str(canvas))
    else:
        is_fixed = benchmark.canvas or canvas == data.canvas
        pictures = InputIdentity("fixed" if is_fixed else "view", str(_feed(classifier, canvas, benchmark, data)))
    return Run(
        model=ModelIdentity(
            name=spec.name,
            weights_sha256=classifier.weights_sha256,
            view=spec.view,
            options=dict(spec.options),
            outputs_sha256=classifier.outputs_sha256,
            code_sha256=classifier.code_sha256,
            outputs=classifier.outputs,
            classes=classes,
        ),
        benchmark=BenchmarkIdentity(
            name=benchmark.name,
            card=benchmark.card,
            protocol=benchmark.protocol,
            options=benchmark.identity(),
            columns=_decision_columns(benchmark, data.num_classes),
            code_sha256=benchmark_code(benchmark).sha256,
        ),
        data=DataIdentity(
            name=data.name,
            fingerprint=data.fingerprint,
            samples=len(data),
            num_classes=data.num_classes,
            categories=data.categories,
            classes=data.class_names if data.class_names and classes else (),
        ),
        input=pictures,
        conditions=benchmark.conditions(),
        seed=seed,
        precision=classifier.precision,
        attack=benchmark.attack.rounds if benchmark.attack else (),
        surrogate=_surrogate(surrogate) if surrogate else None,
        versions={"rows": ROWS_VERSION, "resampling": RESAMPLING, **attacking},
    )


def _class_order(classifier: Classifier, data: DataSet) -> tuple[str, ...]:
    """The names of classes in the order of the model's outputs; none where these are their mere numbers."""
    names = data.class_names
    if names is None:
        return classifier.spec.class_names or ()
    ordered = tuple(names[label] for label in np.argsort(labels_for(classifier, data)).tolist())
    return () if ordered == tuple(map(str, range(len(ordered)))) else ordered


def _surrogate(network: Classifier | Ensemble) -> Surrogate:
    return Surrogate(network.spec.name, network.weights_sha256, network.outputs_sha256, network.code_sha256)


def _decision_columns(benchmark: Benchmark, num_classes: int) -> tuple[str, ...]:
    """Names of what the decision rule keeps, in alphabetical order: seen by applying it to logits of zero."""
    columns = benchmark.decide(np.zeros((1, num_classes), np.float32), np.zeros(1, np.int32))
    return tuple(sorted(columns))


def require_attackable(classifier: Classifier, plan: AttackPlan) -> None:
    """Raise unless the model itself can be attacked by a plan.

    Raises:
        ModelError: it lacks gradients, or logits, that an attack needs.
    """
    if asks_for_gradients(plan):
        require_gradients(classifier)
    require_logits(classifier, plan)


def require_gradients(classifier: Classifier) -> None:
    """Raise unless the model has gradients, so that it can be attacked itself.

    Raises:
        ModelError: it has none.
    """
    if not classifier.has_gradients:
        raise ModelError(
            f"{classifier.spec.name} has no gradients ({classifier.why_no_gradients}), so it cannot be attacked "
            "itself; evaluate it under blackbox, or load it as a torch model"
        )


def require_logits(classifier: Classifier, plan: AttackPlan) -> None:
    """Raise where an attack reads the model's logits and it gives probabilities.

    Raises:
        ModelError: naming the attack.
    """
    reading = [attack_round.attack for attack_round in plan.rounds if not _decides_alone(attack_round.attack)]
    if classifier.outputs and reading:
        others = " or ".join(filter(_decides_alone, attacks.names()))
        raise ModelError(
            f"{classifier.spec.name} gives {classifier.outputs}, and {reading[0]} goes by logits: attack it with "
            f"{others}, which goes by the answer alone, or export it without its softmax"
        )


def _decides_alone(attack: str) -> bool:
    """Whether an attack says of itself that it goes by the answer alone and reads no logits."""
    return bool(getattr(attacks.get(attack), "decisions_alone", False))


def condition_indices(benchmark: Benchmark, data: DataSet) -> tuple[tuple[Condition, ...], list[int]]:
    """All conditions of a benchmark, and the indices of those that its options ask for and the data allow."""
    conditions = benchmark.conditions()
    requested = set(benchmark.requested())
    if data.conditions is not None:
        requested &= data.conditions
    return conditions, [index for index, condition in enumerate(conditions) if condition in requested]
