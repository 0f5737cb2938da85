"""What is missing of a benchmark, in units: a pure function of run, request and listing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import needs_gradients, version_of
from hardiness.attacks.kit import registry as attacks
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.attack_plan import AttackPlan, Round
from hardiness.core.benchmark import Benchmark, DataSet, Expansion, Item, PictureFault
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, ModelError, StoreError
from hardiness.core.forms import json_form
from hardiness.core.model import Canvas
from hardiness.core.request import Request, Share
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Plan, Run, Surrogate
from hardiness.core.table import Failure, Records
from hardiness.engine.backward_pass import given_backward
from hardiness.engine.batch import BatchSize, Ensemble, QueuedPicture, automatic_batch_size, join_records, largest_batch
from hardiness.engine.cross_checks import VERSION as CROSS_CHECKS
from hardiness.imaging.resizing import RESAMPLING
from hardiness.models.chat.model import ClosedQuestionModel, on_question
from hardiness.models.classifier import Classifier
from hardiness.models.determinism import GRADIENTS_VERSION
from hardiness.models.identity import is_of_former_form, is_of_one_command
from hardiness.models.preprocessing import InputPolicy
from hardiness.sources.files import shown
from hardiness.store.memo import Stamp
from hardiness.store.parallel import in_parallel
from hardiness.store.run import StoredRun, by_shard
from hardiness.store.store import Store
from hardiness.store.tables import Row as Work
from hardiness.store.tables import file_name


def label_map(model: str, num_classes: int, class_names: Sequence[str] | None, data: DataSet) -> NDArray[np.int32]:
    """Which of the model's classes each label of the data set is.

    Args:
        model: its name, for messages.
        num_classes: width of its logits.
        class_names: its own class names, or ``None`` where it has none or they are ImageNet's.
        data: the data set.

    Returns:
        int32 ``(data.num_classes,)``: the identity, or, where both sides name their classes, a match by name.

    Raises:
        ModelError: the numbers of classes differ, or both sides have names and these are not the same.
    """
    if num_classes != data.num_classes:
        raise ModelError(
            f"{model} has {num_classes} classes and data set {data.name!r}{_place(data)} has {data.num_classes}; "
            f"use a model and a data set with the same classes ({_own_classes(data)})"
        )
    if class_names is not None and data.categories and data.class_names is None:
        raise ModelError(
            f"{model} has classes of its own ({', '.join(class_names[:4])} …), and the categories of data set "
            f"{data.name!r}{_place(data)} are made of ImageNet's 1,000; use a model with those"
        )
    if class_names is None or data.class_names is None:
        return np.arange(num_classes, dtype=np.int32)
    index = {name.casefold(): position for position, name in enumerate(class_names)}
    unknown = [name for name in data.class_names if name.casefold() not in index]
    if unknown:
        kind, place = ("folder", data.location) if data.location else ("class", data.name)
        raise ModelError(
            f"{model} has no class {unknown[0]!r}, which is a {kind} of {place}; its classes are "
            f"{', '.join(class_names[:8])}{' …' if len(class_names) > 8 else ''}: name the folders after them"
        )
    return np.array([index[name.casefold()] for name in data.class_names], np.int32)


def _place(data: DataSet) -> str:
    return f" ({data.location})" if data.location else ""


def _own_classes(data: DataSet) -> str:
    """How data for a model with classes of its own are named."""
    if data.categories:
        return "categories of one's own classes: a categories.csv beside the stimuli, and --data NAME=FOLDER:classes=N"
    if not data.location:
        return "a name for each output of the network, as in data=(images, labels, names)"
    if data.class_names is not None:
        return "a folder or, with :classes=FILE, a line of FILE for each output of the network, in its order"
    return "a folder of one's own classes: --data own=FOLDER"


JUDGING, JUDGING_OF_TIES = 5, 6
"""Versions of how attacked pictures are judged: raised when that changes, so that a resumed run never mixes two.

Since the second a tie at the top is nobody's answer. A network of a package, in floating point, does not tie, so that
its rows are as before and its keys stay. Checks that are made beside an attack have a version of their own.
"""


def attack_versions(plan: AttackPlan, *, may_tie: bool) -> dict[str, Any]:
    """Versions of everything of ours that an attack's rows depend on, for the run's key.

    Args:
        plan: of the benchmark.
        may_tie: whether two logits may be equal: those of somebody's own code, and of graphs of integers.
    """
    found: dict[str, Any] = {
        "attacks": {name: version_of(name) for name in sorted({each.attack for each in plan.rounds})},
        "judging": JUDGING_OF_TIES if may_tie else JUDGING,
    }
    if files := sorted(filter(None, {*map(_content, plan.rounds), _code(plan.bpda)})):
        found["files"] = files
    if plan.checks:
        found["cross_checks"] = {**json_form(plan.checks), "version": CROSS_CHECKS}
    return found


def _content(each: Round) -> str:
    """Hash of what the attack of a round reads from a file."""
    return str(getattr(attacks.get(each.attack)(**each.options), "content", ""))


def _code(bpda: str) -> str:
    """Hash over the code of a backward pass that is given in a file; empty where none is."""
    backward = given_backward(bpda)
    return backward[1].for_one_command() if backward else ""


def left_out_of(plan: AttackPlan) -> tuple[str, ...]:
    """A line for each thing that a given backward pass computes with and no key covers."""
    backward = given_backward(plan.bpda)
    lines = backward[1].left_out if backward else ()
    return tuple(f"bpda={plan.bpda}: {line}: each command begins anew" for line in lines)


def asks_for_gradients(plan: AttackPlan) -> bool:
    """Whether one of its attacks needs the gradients of what it attacks."""
    return any(needs_gradients(each.attack) for each in plan.rounds)


ADVICE = (
    "give every worker the same data (copies keep names, sizes and times, as cp -p and rsync -a do), or this one "
    "another --out"
)

DIGITS = 8
"""Of a fingerprint, where a person is to tell two apart."""


def refuse_another_run(run: Run, every: Iterable[StoredRun]) -> None:
    """Raise where a folder, which does not hold a run, holds the same of other data or by another version.

    Raises:
        ArgumentError: naming both.
    """
    alike = [each for each in every if replace(each.run, data=run.data, versions=run.versions) == run]
    others = [each for each in alike if each.run.data.name == run.data.name]
    if not others:
        return
    other = min(others, key=lambda each: each.run.data != run.data)
    if other.run.data != run.data:
        there, here = (_identity_summary(data) for data in (other.run.data, run.data))
        raise ArgumentError(f"{other.place} is of {there} of {run.data.name}, and this worker sees {here}: {ADVICE}")
    then, now = other.run.versions, run.versions
    name = next(name for name in sorted({*then, *now}) if then.get(name) != now.get(name))
    raise ArgumentError(
        f"{other.place} was made by another version of hardiness ({name} {then.get(name)}, and {now.get(name)} "
        "here): install one version for every worker, or give this one another --out"
    )


def own_code_of(run: Run) -> list[str]:
    """The hashes in a run's key over code of a person's own: of its model, its surrogates and its attack."""
    surrogates = run.surrogate.code_sha256 if run.surrogate else ""
    return [*filter(None, (run.model.code_sha256, *surrogates.split("+"), *run.versions.get("files", ())))]


def refuse_to_share(run: Run) -> None:
    """Raise where the key does not cover all that the run's own code computes with, so that processes never meet.

    Raises:
        ArgumentError: naming the model.
    """
    if not any(map(is_of_one_command, own_code_of(run))):
        return
    is_attacks = any(map(is_of_one_command, run.versions.get("files", ())))
    advice = "evaluate it in one process" if is_attacks else "add a tag=NAME to the model"
    raise ArgumentError(
        f"{run.model.name} on {run.benchmark.name}: several processes (--worker, --engine ray) would each begin a run "
        f"of their own, as its key does not cover all that its code computes with; {advice}"
    )


def moved_from(run: Run, every: Iterable[StoredRun]) -> tuple[str, ...]:
    """A line where a folder holds the same run under the key that an earlier version of hardiness gave it."""
    others = list(every)
    if any(map(is_of_one_command, own_code_of(run))) or any(each.key == run.key for each in others):
        return ()
    moves = ((each.place, _reasons_of_move(each.run, run)) for each in others)
    place, reasons = next(((place, reasons) for place, reasons in moves if reasons), ("", []))
    if not reasons:
        return ()
    name, benchmark = run.model.name, run.benchmark.name
    return (f"{name} on {benchmark} is evaluated anew, once: {' and '.join(reasons)}; the former rows stay in {place}",)


READING = "reading_version"
"""Option of a chat model in the key: the version of the rule by which its replies are read."""


def _reasons_of_move(former: Run, run: Run) -> list[str]:
    """Why a run has another key than an earlier version of hardiness gave it; empty where it is another run."""
    if former.model.name.partition("-")[0] != run.model.name.partition("-")[0]:  # quick: a folder holds many runs
        return []
    reasons = []
    is_new = any("." in code for code in own_code_of(run))
    if is_new and any(map(is_of_former_form, own_code_of(former))):
        former, run = _without_code(former), _without_code(run)
        reasons.append("its key now covers every value that its code holds")
    then, now = _versions_of(former), _versions_of(run)
    if names := [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)]:
        changes = ", ".join(f"{name} {then.get(name, 'none')}, now {now.get(name, 'none')}" for name in names)
        reasons.append(f"it was made by another version of hardiness ({changes})")
    return reasons if _without_versions(former).key == _without_versions(run).key else []


def _versions_of(run: Run) -> dict[str, Any]:
    """The versions in a run's key of rules and kernels of ours, each by the word that a line names it by."""
    versions = {name.replace("_", " "): each for name, each in run.versions.items() if name != "files"}
    checks = versions.pop("cross checks", None)
    attacks_of_run = versions.pop("attacks", None)
    if checks is not None:
        versions["cross checks"] = checks["version"]
    versions |= {f"attack {name}": each for name, each in (attacks_of_run or {}).items()}
    if READING in run.model.options:
        versions["reading of replies"] = run.model.options[READING]
    return versions


def _without_versions(run: Run) -> Run:
    """A run without what `_versions_of` gives: what a person asked for, and the model, data and code."""
    options = {name: each for name, each in run.model.options.items() if name != READING}
    files = {name: each for name, each in run.versions.items() if name == "files"}
    return replace(run, model=replace(run.model, options=options), versions=files)


def _without_code(run: Run) -> Run:
    """A run without what stands in its key for code of a person's own; of a plain function that is all of it."""

    def bare(name: str, weights: str, code: str) -> tuple[str, str]:
        is_function = weights[:DIGITS] == code[:DIGITS]
        return (name.removesuffix(f"-{weights[:6]}"), "") if is_function else (name, weights)

    model, surrogate = run.model, run.surrogate
    name, weights = bare(model.name, model.weights_sha256, model.code_sha256)
    versions = {name: each for name, each in run.versions.items() if name != "files"}
    return replace(
        run,
        model=replace(model, name=name, weights_sha256=weights, code_sha256=""),
        surrogate=surrogate and replace(surrogate, code_sha256=""),
        versions=versions if run.benchmark.options.get("bpda") else run.versions,
    )


def fewer_images(benchmark: Benchmark, data: DataSet, every: Iterable[StoredRun]) -> tuple[str, ...]:
    """A line where a folder's runs of a benchmark were of more images of the data set than there are now."""
    options = json.dumps(benchmark.identity(), sort_keys=True, default=list)
    alike = [
        each
        for each in every
        if (each.run.benchmark.name, each.run.data.name) == (benchmark.name, data.name)
        and json.dumps(each.run.benchmark.options, sort_keys=True, default=list) == options
    ]
    largest = max(alike, key=lambda each: each.run.data.samples, default=None)
    if largest is None or (then := largest.run.data.samples) <= len(data):
        return ()
    return (
        f"{data.name} at {data.location}: {then - len(data):,} of {then:,} images are gone since an earlier run "
        f"({largest.place}): {then:,} images then, {len(data):,} now",
    )


def data_summary(samples: int, fingerprint: str) -> str:
    """How many images of which fingerprint, for people."""
    return f"{samples:,} images (fingerprint {fingerprint[:DIGITS]})"


def _identity_summary(data: DataIdentity) -> str:
    return data_summary(data.samples, data.fingerprint)


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
        refused: whether it was because its answers cannot be used, whatever the picture.
        exhibited: whether this session has made sure that pictures of the benchmark are kept beside the records.
        session_file: path of the file that says already that this session asks for the run; empty where none does.
    """

    classifier: Classifier | ClosedQuestionModel
    canvas: Canvas
    feed: InputPolicy
    labels: NDArray[np.int32]
    stored: StoredRun
    batch: BatchSize
    computed: int = 0
    error: str | None = None
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
        found = store.find(self.stored.run)
        return self if found is None else replace(self, stored=replace(found, cells=self.stored.cells))

    @property
    def problem(self) -> str:
        """Why the model was given up, in a line that begins with its name; empty where it was not."""
        name, error = self.classifier.spec.name, self.error or ""
        return error if error.startswith(name) or not error else f"{name}: {error}"

    def class_order(self, data: DataSet) -> str:
        """Which output of the network is taken for which of one's own classes, in one line; empty for ImageNet's."""
        names = self.stored.run.data.classes
        if not names:
            return ""
        first = ", ".join(f"{output} {name}" for output, name in enumerate(names[:SHOWN_CLASSES]))
        more = f" … {len(names) - 1} {names[-1]}" if len(names) > SHOWN_CLASSES else ""
        if self.classifier.spec.class_names is not None:
            why = f"as {self.classifier.spec.name} itself names them"
        elif list(names) == sorted(names):
            another = ":classes=FILE behind the folder" if data.location else "data=(images, labels, names)"
            why = f"in alphabetical order; another is given with {another}"
        else:
            why = "as classes=FILE lists them" if data.location else "in the order that the data give them"
        return f"{data.name}: outputs are taken for the classes {why}: {shown(f'{first}{more}')}"


def begin(
    classifier: Classifier,
    benchmark: Benchmark,
    data: DataSet,
    request: Request,
    store: Store,
    surrogate: Classifier | Ensemble | None = None,
    is_shared: bool = False,
) -> Task:
    """The task of one model, its run opened or begun in the store.

    Args:
        classifier, benchmark, data, request, store: what meets what, how much of it, and where it is kept.
        surrogate: the model that is attacked in its place, where the benchmark has one.
        is_shared: whether other processes are to evaluate the same run, as they are where ``request`` has a share.

    Raises:
        ArgumentError: it shares the store with other workers, whose data or version are others, or which would never
            find its run.
        ModelError: the model does not have the data set's classes, or is to be attacked and has no gradients.
        StoreError: the run cannot be written.
    """
    classifier = on_question(classifier, benchmark, data, request.seed, store.files)
    if benchmark.attack and surrogate is None:
        if asks_for_gradients(benchmark.attack):
            require_gradients(classifier)
        require_logits(classifier, benchmark.attack)
    labels = labels_for(classifier, data)
    canvas = benchmark.canvas or classifier.spec.view.canvas
    feed = classifier.feed(canvas.crop_px)
    run = run_of(classifier, benchmark, data, request.seed, surrogate)
    if is_shared or request.share:
        refuse_to_share(run)
    attacked = benchmark.attack is not None and surrogate is None and asks_for_gradients(benchmark.attack)
    begun = None
    with suppress(StoreError):  # what cannot be believed is set aside when the run is opened, below
        begun = store.find(run)  # what it was begun with stays: nothing needs to be tried again
    if begun is None and request.share:
        refuse_another_run(run, store.runs())
    batch_size = begun.plan.batch_size if begun else request.batch_size
    batch_size = batch_size or automatic_batch_size(classifier, feed.input_px, attacked)
    conditions = {condition: index for index, condition in enumerate(benchmark.conditions())}
    plan = Plan(
        batch_size=batch_size,
        location=data.location,
        released=data.released,
        unit_items=unit_images(benchmark, request.batch_size, on_gpu=classifier.device.startswith("cuda")),
        whole=tuple(conditions[condition] for condition in benchmark.whole()),
    )
    cells = {conditions[c]: fingerprint for c, fingerprint in data.fingerprints.items() if c in conditions}
    stored = (begun or store.run(run, plan)).with_cells(cells)
    return Task(classifier, canvas, feed, labels, stored, BatchSize(stored.plan.batch_size))


def unit_images(benchmark: Benchmark, batch_size: int | None, on_gpu: bool) -> int:
    """Images a unit: so many that a batch, which never crosses units, can be full; for an attack a batch of images.

    It follows from what was asked for, and from nothing that is tried or timed: so units, and the names of files, are
    those of every process that begins the run, and models with different batches share the decoding.

    Args:
        benchmark: which.
        batch_size: that was asked for; ``None`` where it is found.
        on_gpu: whether it is found on a GPU.
    """
    attack = benchmark.attack is not None
    pictures = 1 if attack else benchmark.frames * max(1, len(benchmark.requested()))
    most = batch_size or largest_batch(on_gpu, gradients=attack)
    return max(benchmark.shard_items, -(-most // pictures))


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
            outputs=classifier.outputs,
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
            classes=_class_order(classifier, data),
        ),
        input=InputIdentity("fixed" if benchmark.canvas else "view", str(feed)),
        conditions=benchmark.conditions(),
        seed=seed,
        precision=classifier.precision,
        attack=benchmark.attack.rounds if benchmark.attack else (),
        surrogate=_surrogate(surrogate) if surrogate else None,
        versions={"rows": ROWS_VERSION, "resampling": RESAMPLING, **_attack_versions(benchmark, classifier)},
    )


def _class_order(classifier: Classifier, data: DataSet) -> tuple[str, ...]:
    """The names of the data's own classes in the order of the model's outputs; none where they are mere numbers."""
    names = data.class_names
    if names is None or names == tuple(map(str, range(len(names)))):
        return ()
    return tuple(names[label] for label in np.argsort(labels_for(classifier, data)).tolist())


SHOWN_CLASSES = 12
"""Classes that a line names at most."""


def _surrogate(network: Classifier | Ensemble) -> Surrogate:
    return Surrogate(network.spec.name, network.weights_sha256, network.outputs_sha256, network.code_sha256)


def _decision_columns(benchmark: Benchmark, num_classes: int) -> tuple[str, ...]:
    """Names of what the decision rule keeps, in alphabetical order: seen by applying it to logits of zero."""
    kept = benchmark.decide(np.zeros((1, num_classes), np.float32), np.zeros(1, np.int32))
    return tuple(sorted(kept))


def _attack_versions(benchmark: Benchmark, classifier: Classifier) -> Mapping[str, Any]:
    """Versions of the attacks and of the arithmetic of gradients; nothing without an attack."""
    if benchmark.attack is None:
        return {}
    may_tie = bool(classifier.code_sha256) or not classifier.has_gradients
    return {**attack_versions(benchmark.attack, may_tie=may_tie), "gradients": GRADIENTS_VERSION}


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
            f"{classifier.spec.name} has no gradients ({classifier.why_no_gradients}), so it cannot be attacked "
            "itself; evaluate it under blackbox, or load it as a torch model"
        )


def require_logits(classifier: Classifier, plan: AttackPlan) -> None:
    """Raise where an attack reads the model's logits and it gives probabilities.

    Raises:
        ModelError: naming the attack.
    """
    reading = [each.attack for each in plan.rounds if not _decides_alone(each.attack)]
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


Pictures = Sequence[Expansion | PictureFault]
"""What one item was expanded to."""


@dataclass
class UnitPart:
    """One model's part of one unit: its work, the rows waiting for a batch, and the outcomes.

    Attributes:
        task: the model's.
        index: of the unit.
        work: rows that the model lacks, or, ``again``, rows that are stored and whose adversarial pictures are not.
        file: name of the file that will hold their outcome.
        before: what that file was like when the store was listed, where it is of other data or of a try that failed.
        again: whether its rows are stored already, so that they are made for their pictures alone.
        waiting: rows decoded but not yet in a batch.
        decoded: images of which every picture has been handed on, or has failed.
        outcomes: of the batches that have come back.
        in_flight: batches that have not.
        lost: images of which a picture was in a batch that failed, or was not evaluated for another reason.
        closed: whether every row has been decoded.
        done: whether this process has stored it.
    """

    task: Task
    index: int
    work: list[Work]
    file: str
    before: Stamp | None = None
    again: bool = False
    waiting: list[QueuedPicture] = field(default_factory=list)
    decoded: set[str] = field(default_factory=set)
    outcomes: list[Records] = field(default_factory=list)
    in_flight: int = 0
    lost: set[str] = field(default_factory=set)
    closed: bool = False
    done: bool = False

    @cached_property
    def wanted(self) -> frozenset[Work]:
        """Its rows as a set; made when the unit is evaluated, as many units wait at a time."""
        return frozenset(self.work)

    @property
    def stored(self) -> bool:
        """Whether its file is in the store by now, whichever process wrote it."""
        return not self.again and self.task.stored.stamp(self.file) not in (None, self.before)

    def finished(self) -> tuple[list[Work], Records]:
        """The rows of the images that are finished, each in all of its rows here, and what came of them."""
        records = join_records(self.outcomes)
        present = {(failure.sample, condition) for failure in records.failures for condition in failure.conditions}
        if len(records):
            present |= set(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
        missing = {sample for sample, condition in self.work if (sample, condition) not in present}
        done = self.decoded - self.lost - missing - {picture.sample for picture in self.waiting}
        failures = tuple(failure for failure in records.failures if failure.sample in done)
        work = [row for row in self.work if row[0] in done]
        if not len(records):
            return work, Records({}, failures)
        kept = records.where(np.array([sample in done for sample in records["sample"].tolist()], np.bool_))
        return work, Records(kept.columns, failures)

    def failed(self, reason: str) -> Records:
        """Every row as failed."""
        failures = tuple(Failure(sample, f"{sample}: {reason}", (condition,)) for sample, condition in self.work)
        return join_records([Records({}, failures)])


@dataclass(frozen=True)
class Unit:
    """The images of one stored file, with a part for each model that lacks rows of them; models share the decoding.

    Attributes:
        index: of the file's shard.
        parts: one a model.
    """

    index: int
    parts: Sequence[UnitPart]

    @property
    def rows(self) -> int:
        """How many rows are missing, over all models: what it costs, in image-conditions."""
        return sum(len(part.work) for part in self.parts)

    @property
    def stored(self) -> bool:
        """Whether the files of all its parts are in the store by now, whichever process wrote them."""
        if not self.parts[0].stored:
            return False  # the usual case: one request
        return all(in_parallel(lambda part: part.stored, self.parts[1:]))

    @property
    def done(self) -> bool:
        """Whether this process has nothing more to do for it: each part is stored, or its model was given up."""
        return all(part.done or part.task.error is not None for part in self.parts)

    @property
    def samples(self) -> list[str]:
        """Ids of its images, in order."""
        return list(dict.fromkeys(sample for part in self.parts for sample, _ in part.work))

    def jobs(self, items: Mapping[str, Item], apart: bool) -> Iterator[Job]:
        """One job an item; where conditions are sequences, kept ``apart``, one for each of its conditions."""
        needed: dict[str, set[int]] = {}
        for sample, condition in (row for part in self.parts for row in part.work):
            needed.setdefault(sample, set()).add(condition)
        pieces = [
            (sample, piece)
            for sample, conditions in needed.items()
            for piece in ([(c,) for c in sorted(conditions)] if apart else [tuple(sorted(conditions))])
        ]
        for position, (sample, piece) in enumerate(pieces, start=1):
            ends_unit = position == len(pieces)
            yield Job(self, items[sample], piece, ends_unit or pieces[position][0] != sample, ends_unit)

    def give_up(self, reason: str) -> tuple[str, ...]:
        """Store its images as failed, for every model that lacks them; their ids."""
        for part in self.parts:
            if not part.stored:
                part.task.stored.write(part.index, part.work, part.failed(reason))
        return tuple(self.samples)


@dataclass(frozen=True)
class Job:
    """One item to decode, the conditions that some model lacks, and whether it is the last of its item and its unit."""

    unit: Unit
    item: Item
    conditions: tuple[int, ...]
    ends_item: bool
    ends_unit: bool


Lacking = Callable[[Task, Sequence[str], Sequence[Work]], list[Work]]
"""From a task, the stored files of a shard and rows of it to those that are stored and lack something else."""


def units(
    tasks: Sequence[Task],
    wanted: Mapping[str, Sequence[int]],
    size: int,
    lacking: Lacking | None = None,
    share: Share | None = None,
    only: int | None = None,
) -> Iterator[Unit]:
    """Each unit with missing rows, made when it is asked for; a pure function of its arguments and the store's listing.

    Args:
        tasks: models on one benchmark; one that was given up is left out.
        wanted: indices of the conditions wanted of each image, by its id, in the order of evaluation.
        size: images a unit.
        lacking: what is stored and is to be made again; nothing if ``None``.
        share: of several processes; each looks into the files of its own shards, and takes from the names of the
            others that they are whole.
        only: index of the one unit that is made; all where ``None``.
    """
    samples, listing = list(wanted), StoredWork(tasks, share)
    for index, start in enumerate(range(0, len(samples), size)):
        if only not in (None, index):
            continue
        rows = [(sample, condition) for sample in samples[start : start + size] for condition in wanted[sample]]
        parts = listing.parts(index, rows)
        if lacking is not None:
            parts += [
                UnitPart(task, index, work, file_name(index, work), again=True)
                for task, names in zip(tasks, listing.names, strict=True)
                if task.error is None and (work := lacking(task, names.get(index, ()), rows))
            ]
        if parts:
            yield Unit(index, parts)


class StoredWork:
    """What the store holds of some models' runs, listed once."""

    def __init__(self, tasks: Sequence[Task], share: Share | None) -> None:
        self.tasks, self.share = tasks, share
        self.stamps = in_parallel(lambda task: task.stored.stamps(), tasks)
        self.names = [by_shard(each) for each in self.stamps]

    def parts(self, index: int, rows: list[Work]) -> list[UnitPart]:
        """A part for each model that lacks some of the rows of a shard."""
        whole, sound = file_name(index, rows), [place for place, task in enumerate(self.tasks) if task.error is None]
        lacked = partial(self._lacked, index, rows, whole)
        looked_into = (not self.share or self.share.owns(index)) and any(index in self.names[place] for place in sound)
        found = []
        for place, work in zip(sound, in_parallel(lacked, sound) if looked_into else map(lacked, sound), strict=True):
            if work:
                file = whole if work is rows else file_name(index, work)
                found.append(UnitPart(self.tasks[place], index, work, file, self.stamps[place].get(file)))
        return found

    def _lacked(self, index: int, rows: list[Work], whole: str, place: int) -> list[Work]:
        names = self.names[place].get(index, ())
        if whole in names and self.share and not self.share.owns(index):
            return []
        lacked = self.tasks[place].stored.missing(index, rows, self.names[place]) if names else rows
        # Models that lack the same rows share the list: full ImageNet-C has 3.8 million of them a model.
        return rows if len(lacked) == len(rows) else lacked


def uncovered(every: Sequence[Unit]) -> list[Unit]:
    """The units with a part that is neither stored nor given up; each run's folder is listed once."""
    tasks = {id(part.task): part.task for unit in every for part in unit.parts if part.task.error is None}
    first = min((unit.index for unit in every), default=0)
    stamps = dict(zip(tasks, in_parallel(lambda task: task.stored.stamps(first), list(tasks.values())), strict=True))
    listed = {key: by_shard(found) for key, found in stamps.items()}

    def lacks(part: UnitPart) -> bool:
        key = id(part.task)
        if key not in stamps:
            return False
        if stamps[key].get(part.file) not in (None, part.before):
            return False  # the usual case: nothing is read
        return not part.task.stored.covered(part.index, part.work, listed[key])

    return [unit for unit in every if any(map(lacks, unit.parts))]
