"""Run models on a benchmark: open the runs, evaluate what is missing, say what could not be."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from hardiness.benchmarks.options import text_of
from hardiness.benchmarks.own_code import benchmark_code
from hardiness.core.benchmark import Benchmark, DataSet, File, Image
from hardiness.core.errors import DataError, ModelError, line_of
from hardiness.core.forms import json_form
from hardiness.core.model import Canvas
from hardiness.core.progress import Clock, Listener, Silence
from hardiness.core.request import Request, Share
from hardiness.engine.attack import require_module
from hardiness.engine.batch import Ensemble
from hardiness.engine.plan import (
    Task,
    asks_for_gradients,
    begin,
    fewer_images,
    left_out_of,
    moved_from,
    require_gradients,
)
from hardiness.engine.rounds import (
    Deadline,
    EvaluationToGoal,
    Outlook,
    Precision,
    Progression,
    Rounds,
    Verdicts,
    evaluate_until_deadline,
    require_reachable,
)
from hardiness.engine.shared import shared
from hardiness.engine.worker import Worker
from hardiness.imaging.codecs import decode, png
from hardiness.imaging.resizing import before_crop
from hardiness.models.classifier import Classifier
from hardiness.models.loading import load, resolve
from hardiness.results.policy import Policy
from hardiness.results.policy_watch import PolicyWatch
from hardiness.store.files import in_parallel
from hardiness.store.run import StoredRun
from hardiness.store.store import Store, surveyed

PACKAGES = (
    "hardiness",
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "open_clip_torch",
    "openvino",
    "pillow",
    "simplejpeg",
    "timm",
    "torch",
    "torchvision",
    "transformers",
)


def session(task: Task, clock: Clock, request: Request, benchmark: Benchmark) -> dict[str, Any]:
    """One entry of ``measured.json``."""
    classifier = task.classifier
    return {
        "started": clock.started.isoformat(timespec="milliseconds"),
        "elapsed_s": round(clock.elapsed_s, 3),
        "rows": task.computed,
        "rows_per_s": round(task.computed / clock.elapsed_s, 2),
        "limit": request.limit,
        "asked": _command_parts(task, request, benchmark),
        "batch_size": task.batch.current,
        "workers": request.workers,
        "device": classifier.device,
        "device_name": _device_name(classifier.device),
        "runtime": classifier.runtime,
        "precision": classifier.precision,
        "agreement": json_form(classifier.agreement),
        "notes": list(classifier.notes),
        "published_as": classifier.spec.published,
        "parameters": classifier.num_parameters or None,
        "host": platform.node(),
        "processor": _processor_name(),
        "python": platform.python_version(),
        "packages": _packages(),
        **({"refused": task.problem} if task.refused else {}),
    }


def _command_parts(task: Task, request: Request, benchmark: Benchmark) -> dict[str, Any]:
    """What a command line must say to evaluate the same rows, from any folder."""
    model, asked = task.classifier.spec.asked, text_of(benchmark)
    found = {
        "model": model,
        "folder": os.getcwd() if any(map(_names_a_file_here, (model, asked))) else "",
        "benchmark": asked,
        "data": list(request.data_arguments),
        "precision_target": request.precision_target,
        "time_budget_s": request.time_budget_s,
        "until_decided": request.until_decided,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def _names_a_file_here(text: str) -> bool:
    """Whether a model or benchmark, with its options, names a file or folder by its place below the working folder."""
    parts = (part for part in re.split(r"[:=,+]", text) if part and not os.path.isabs(part))
    return any(os.path.exists(part) for part in parts)


def package_version() -> str:
    """The version of hardiness that runs here."""
    return _packages().get("hardiness", "of no package")


def _processor_name() -> str:
    return platform.processor() or platform.machine()


@cache
def _device_name(device: str) -> str:
    """What a GPU, or the processor, calls itself."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor_name()


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


OTHER_BATCH = 8
"""Images per forward pass where the usual number is another; else half of it."""

Resizer = Callable[[Image, int, int, str], Image]


@dataclass(frozen=True)
class Variation:
    """One setting of the protocol other than the usual one.

    Attributes:
        factor, setting: what is varied, and to what.
        placement: keyword arguments of loading the model that differ.
        request: from the usual request to this one.
        resizer: what resizes photographs instead; ``None`` for the usual.
    """

    factor: str
    setting: str
    placement: dict[str, Any] = field(default_factory=dict)
    request: Callable[[Request], Request] = field(default=lambda request: request)
    resizer: Resizer | None = None

    @property
    def name(self) -> str:
        """Its name in a path."""
        return f"{self.factor}-{self.setting}".replace(" ", "-")

    def dataset(self, data: DataSet, canvas: Canvas) -> DataSet:
        """The data set, its photographs resized by other means where that is what is varied."""
        if self.resizer is None:
            return data
        resized = (replace(item, file=ResizedFile(item.file, canvas, self.resizer)) for item in data.items)
        return replace(data, items=tuple(resized))


@dataclass(frozen=True, slots=True)
class ResizedFile:
    """A photograph's file as it would be if other means had resized it: what is read is already of the canvas's size.

    Attributes:
        file: the photograph's own.
        canvas: for which it is resized; the crop is left to the benchmark.
        resizer: the other means.
    """

    file: File
    canvas: Canvas
    resizer: Resizer

    @property
    def name(self) -> str:
        return self.file.name

    def read(self) -> bytes:
        """A PNG of the resized photograph.

        Raises:
            SampleError: it cannot be read or decoded.
        """
        photograph = decode(self.file.read(), self.file.name)
        height, width = before_crop(photograph, self.canvas).shape[:2]
        return png(self.resizer(photograph, height, width, self.canvas.interpolation))


def opencv(image: Image, height: int, width: int, interpolation: str) -> Image:
    """The image as OpenCV resizes it: the same filter, of the same few pixels however much the photograph shrinks."""
    import cv2

    flags = {"nearest": cv2.INTER_NEAREST, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
    resized = cv2.resize(image, (width, height), interpolation=flags.get(interpolation, cv2.INTER_LINEAR))
    return np.asarray(resized, np.uint8)


def torch_tensors(image: Image, height: int, width: int, interpolation: str) -> Image:
    """The image as torchvision resizes tensors: filtered as PIL does, in floats, with another bicubic curve."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    mode = "bicubic" if interpolation in ("bicubic", "lanczos") else "bilinear"
    resized = torch.nn.functional.interpolate(pixels, (height, width), mode=mode, align_corners=False, antialias=True)
    return np.asarray(resized[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy())


def variations(benchmark: Benchmark, classifier: Classifier, batch_size: int) -> list[Variation]:
    """What can be varied of this model on this benchmark.

    Args:
        benchmark: which.
        classifier: the model as it is usually run.
        batch_size: that it is usually run with.
    """
    other = OTHER_BATCH if batch_size != OTHER_BATCH else OTHER_BATCH // 2
    found = [
        Variation("resize", "OpenCV", resizer=opencv),
        Variation("resize", "torch tensors", resizer=torch_tensors),
        Variation("batch size", str(other), request=lambda request: replace(request, batch_size=other)),
    ]
    if classifier.has_gradients:  # an ONNX file has the precision and the runtime that it has
        precision = "bf16" if classifier.precision == "fp32" else "fp32"
        found.append(Variation("precision", precision, placement={"precision": precision}))
    if classifier.has_gradients and classifier.device == "cpu":
        runtime = "torch" if classifier.runtime != "torch" else "openvino"
        found.append(Variation("runtime", runtime, placement={"runtime": runtime}))
    if benchmark.attack is not None or len(benchmark.conditions()) > 1:
        found.append(Variation("seed", "the next", request=lambda request: replace(request, seed=request.seed + 1)))
    return found


@dataclass(frozen=True)
class EvaluationOutcome:
    """The outcome of an evaluation.

    Attributes:
        keys: the run of each model that could begin.
        problems: a line for each thing asked for that could not be evaluated: parts of the data set, models.
        remarks: what else a person should know.
        unreached: a line where a precision target cannot be reached.
    """

    keys: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()


def evaluate(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener | None = None,
) -> EvaluationOutcome:
    """Run models on a benchmark until every requested row is stored; models innermost, so each photograph is read once.

    Args:
        benchmark: what to run.
        classifiers: the models.
        data: the benchmark's data set.
        store: where records go, and where finished ones are found.
        request: how much, and how.
        listener: listener of progress.

    Returns:
        The runs that hold the records, and what could not be evaluated; what was finished stays.

    Raises:
        ArgumentError: the precision target does not go with the benchmark, or cannot be reached whatever the answers;
            or other workers' rows in the store are by another version or of other data.
        StoreError: records cannot be written.
    """
    if request.share and request.precision_target is None:
        return evaluate_shared([(benchmark, data, request)], request.share, classifiers, store, listener)[0]
    begun = prepared(benchmark, classifiers, data, store, request, listener or Silence())
    stopping = begun.precision(request)
    if stopping is not None:
        return begun.run_to(stopping)
    for worker in begun.workers:
        try:
            worker.evaluate()
        finally:
            keep_measured([worker])
    return begun.outcome()


def evaluate_shared(
    asked: Sequence[tuple[Benchmark, DataSet, Request]],
    share: Share,
    classifiers: Sequence[Classifier],
    store: Store,
    listener: Listener | None = None,
) -> list[EvaluationOutcome]:
    """The outcome of several benchmarks that this process evaluates together with others; arguments as for `evaluate`.

    Raises:
        ArgumentError: rows of other workers in the store are by another version or of other data.
        StoreError: records cannot be written.
    """
    every = [
        prepared(benchmark, classifiers, data, store, request, listener or Silence())
        for benchmark, data, request in asked
    ]
    workers = [worker for begun in every for worker in begun.workers]
    try:
        shared(workers, share)
    finally:
        keep_measured(workers)
    return [begun.outcome() for begun in every]


def evaluate_until_decided(
    policy: Policy, every: Sequence[PreparedEvaluation], store: Store
) -> Iterator[EvaluationOutcome]:
    """The outcome of several evaluations, each of which ends once the rules of a policy on it are decided.

    Args:
        policy: the rules, which speak of each.
        every: evaluations that all have begun, so that the rules on all of them share their level from the first on.
        store: of their runs.

    Raises:
        ArgumentError: a rule matches nothing in a run.
        StoreError: records cannot be written.
    """
    watch = PolicyWatch(policy, store)
    for begun in every:
        yield (
            begun.run_to(EvaluationToGoal(Rounds(begun.workers), Verdicts(watch))) if begun.workers else begun.outcome()
        )


def evaluate_within(budget: Deadline, every: Sequence[PreparedEvaluation]) -> list[EvaluationOutcome]:
    """As much of several evaluations as the time allows, in the order given; what is missing is told in remarks.

    Raises:
        ArgumentError, StoreError: as `evaluate`.
    """
    progressions = [
        Progression(Rounds(begun.workers), begun.precision(begun.workers[0].request)) if begun.workers else None
        for begun in every
    ]
    open_ = [progression for progression in progressions if progression is not None]
    try:
        evaluate_until_deadline(budget, open_)
    finally:
        for progression in open_:
            progression.rounds.listener.end()
        for begun in every:
            keep_measured(begun.workers)
    return [
        begun.outcome() if told is None else begun.outcome(told.stopping, "" if told.done else told.missing())
        for begun, told in zip(every, progressions, strict=True)
    ]


def keep_session(task: Task, clock: Clock, request: Request, benchmark: Benchmark) -> None:
    """Keep how rows were computed, where there are new ones, or that the network was refused."""
    if task.computed or task.refused:
        task.stored.add_measured(session(task, clock, request, benchmark), task.session_file)
        task.session_file = ""


def keep_beginning(
    task: Task, clock: Clock, request: Request, benchmark: Benchmark, stored: Sequence[StoredRun]
) -> None:
    """Keep that a session asks for a run, where another one of its names was asked for later than it.

    Of several runs of one name the one that was asked for last is meant: also where all of it is stored already, and
    where the session is killed.

    Args:
        task: of the run.
        clock, request, benchmark: of the session.
        stored: the runs of the folder.
    """
    named = task.stored.run.model.name, task.stored.run.benchmark.name
    others = [
        each.last_began()
        for each in stored
        if each.key != task.stored.key and (each.run.model.name, each.run.benchmark.name) == named
    ]
    if not others:
        return
    own = task.stored.last_began()
    if own is None or any(other is not None and other >= own for other in others):
        task.session_file = task.stored.add_measured(session(task, clock, request, benchmark))


def keep_measured(workers: Sequence[Worker]) -> None:
    """Keep how this session's rows were computed."""
    for worker in workers:
        for task in worker.tasks:
            keep_session(task, worker.clock, worker.request, worker.benchmark)


@dataclass(frozen=True)
class PreparedEvaluation:
    """An evaluation that can start.

    Attributes:
        workers: one for each size of unit; none where no model can be evaluated.
        keys, problems, remarks: as in `EvaluationOutcome`, so far.
    """

    workers: tuple[Worker, ...] = ()
    keys: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def precision(self, request: Request) -> EvaluationToGoal | None:
        """What ends it as soon as it is exact enough; ``None`` where nothing does."""
        if request.precision_target is None or not self.workers:
            return None
        worker = self.workers[0]
        require_reachable(worker.benchmark, worker.data, request.precision_target, request.limit)
        return EvaluationToGoal(Rounds(self.workers), Precision(request.precision_target))

    def run_to(self, stopping: EvaluationToGoal) -> EvaluationOutcome:
        """The outcome of evaluating until a goal is reached."""
        try:
            stopping.run()
        finally:
            stopping.rounds.listener.end()
            keep_measured(self.workers)
        return self.outcome(stopping)

    def outcome(self, stopping: EvaluationToGoal | None = None, missing: str = "") -> EvaluationOutcome:
        """Its outcome so far."""
        problems, remarks = list(self.problems), list(self.remarks)
        for worker in self.workers:
            remarks += [each.remark for each in (worker.gallery, worker.kept) if each and each.remark]
            problems += [task.problem for task in worker.tasks if task.error]
        remarks += [missing] if missing else []
        outlook = stopping.outlook if stopping is not None else Outlook()
        remarks += outlook.remarks
        return EvaluationOutcome(
            self.keys, tuple(problems), tuple(remarks), (outlook.unreached,) if outlook.unreached else ()
        )


def prepared(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    listener: Listener,
    looks: bool = True,
    is_shared: bool = False,
) -> PreparedEvaluation:
    """The workers of an evaluation, its runs opened or begun.

    Args:
        benchmark, classifiers, data, store, request, listener: as for `evaluate`.
        looks: whether stored files are looked into, and damaged ones set aside.
        is_shared: whether other processes are to evaluate the same runs.

    Raises:
        ArgumentError: other processes' rows are by another version or of other data, or they would never find a run.
    """
    tasks: list[Task] = []
    problems = list(data.notes)
    try:
        surrogate = surrogate_of(benchmark, classifiers, listener)
    except (ModelError, DataError) as error:
        return PreparedEvaluation(
            problems=(*problems, f"{benchmark.name}: its surrogate cannot be used: {line_of(error)}")
        )
    with surveyed(store) as (every,):
        for classifier in classifiers:
            try:
                require_module(classifier, benchmark)
                tasks.append(begin(classifier, benchmark, data, request, store, surrogate, is_shared))
            except ModelError as error:
                problems.append(line_of(error))
    aside = in_parallel(lambda task: task.stored.set_damage_aside(request.share), tasks) if looks else []
    workers = [Worker(benchmark, data, alike, request, store, listener, surrogate) for alike in _by_unit_size(tasks)]
    for worker in workers:
        for task in worker.tasks:
            keep_beginning(task, worker.clock, request, benchmark, every.runs)
    return PreparedEvaluation(
        tuple(workers),
        tuple(task.stored.key for task in tasks),
        tuple(problems),
        (
            *benchmark_code(benchmark).left_out,
            *data.remarks,
            *dict.fromkeys(line for task in tasks if (line := task.class_order(data))),
            *fewer_images(benchmark, data, every.runs),
            *(line for task in tasks for line in moved_from(task.stored.run, every.runs)),
            *(left_out_of(benchmark.attack) if tasks and benchmark.attack else ()),
            *every.renamed,
            *(line for lines in aside for line in lines),
        ),
    )


def _by_unit_size(tasks: Sequence[Task]) -> list[list[Task]]:
    """The tasks in groups that have units of one size, which a run keeps from when it was begun."""
    sizes = dict.fromkeys(task.stored.plan.unit_items for task in tasks)
    return [[task for task in tasks if task.stored.plan.unit_items == size] for size in sizes]


def surrogate_of(
    benchmark: Benchmark, classifiers: Sequence[Classifier], listener: Listener
) -> Classifier | Ensemble | None:
    """The model that the benchmark attacks in place of the evaluated ones: one of them where it is among them.

    Raises:
        UnknownNameError: no model has that name.
        DataError, ModelError: its weights cannot be had or do not fit, it has no gradients, or it is all that is
            evaluated.
    """
    plan = benchmark.attack
    if plan is None or plan.surrogate is None or not classifiers:
        return None
    specs = [resolve(name) for name in plan.surrogate.split("+")]
    if len(specs) == 1 and all(classifier.spec.name == specs[0].name for classifier in classifiers):
        raise ModelError(
            f"{specs[0].name} is the only model that is evaluated, and its own surrogate: that is no black box; name "
            "another surrogate=, add models, or run whitebox"
        )
    found = []
    for spec in specs:
        among = next((classifier for classifier in classifiers if classifier.spec.name == spec.name), None)
        told = partial(listener.download, spec.name)
        found.append(among or load(spec, device=classifiers[0].device, progress=told))
        if asks_for_gradients(plan):
            require_gradients(found[-1])
    return found[0] if len(found) == 1 else Ensemble(found)
