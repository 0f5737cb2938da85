"""The forecast of an evaluation: its images, rows, passes and seconds; nothing of it is stored."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace

import numpy as np

from hardiness.core.answers import ANSWERS
from hardiness.core.attack_plan import AttackPlan, Round
from hardiness.core.benchmark import Benchmark, DataSet, Expansion
from hardiness.core.errors import ArgumentError, ModelError, SampleError
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.progress import Silence
from hardiness.core.request import Request
from hardiness.data.items import limited
from hardiness.engine.evaluation import prepared
from hardiness.engine.listing import StoredWork
from hardiness.engine.other_runs import fewer_images
from hardiness.engine.plan import units
from hardiness.engine.selection import conditions_by_sample
from hardiness.engine.tasks import Task, begin, condition_indices
from hardiness.models.chat.model import ClosedQuestionModel
from hardiness.models.classifier import Classifier
from hardiness.store.store import Store

TRIED = (32, 96)
"""Pictures of the two trials of a benchmark: the first compiles what is compiled once, a row costs as in the second."""

ATTACKED = 4
"""Images that an attack is tried on, once: compiling makes a bound no lower."""

STEPS = 400
"""Steps of an attack that are tried; where there are more, a share of them, the rest taken for as dear."""

MARGIN = 1.3
"""By how much an attack's price is raised, so that images that stand longer than those tried do not pass the bound."""

MOST_UNBOUNDED = 1_000
"""Questions that a command may ask without a bound on its requests: each is paid for."""


@dataclass(frozen=True)
class Forecast:
    """The forecast of one benchmark of a command.

    Attributes:
        benchmark, data: which.
        models: names of those that would be evaluated.
        images: different photographs that would be read.
        rows: images x conditions x models that would be evaluated.
        stored: those that are stored already.
        passes: pictures that models are shown; 0 for an attack, which shows them as many as it takes.
        seconds: from loaded models to stored rows, on this machine as busy as it is now; 0 for chat models.
        at_most: whether ``seconds`` is an upper bound; with a goal that may end it earlier all counts are, too.
        problems: what was asked for and could not be evaluated.
        remarks: what else a person should know.
        calls: requests to chat models, each tried once.
        layout: how many samples were found where, and in which form, with one of them as an example.
    """

    benchmark: str
    data: str
    models: tuple[str, ...] = ()
    images: int = 0
    rows: int = 0
    stored: int = 0
    passes: int = 0
    seconds: float = 0.0
    at_most: bool = False
    problems: tuple[Fact, ...] = ()
    remarks: tuple[Fact, ...] = ()
    calls: int = 0
    layout: str = ""


def forecast_evaluation(
    benchmark: Benchmark, classifiers: Sequence[Classifier], data: DataSet, store: Store, request: Request
) -> Forecast:
    """The forecast of `evaluate` with these arguments; a few rows are computed in a folder that is thrown away.

    Raises:
        StoreError: what is stored cannot be read.
    """
    missing: dict[str, list[tuple[str, int]]] = {}
    calls = asked = 0
    with tempfile.TemporaryDirectory(prefix="hardiness-plan-") as folder:
        begun = prepared(benchmark, classifiers, data, Store.create(folder), request, Silence(), looks=False)
        for worker in begun.workers:
            for task in worker.tasks:
                here = task.look_up(store)
                missing[task.classifier.spec.name] = rows = _missing(here, worker.wanted)
                asked += sum(map(len, worker.wanted.values()))
                if isinstance(task.classifier, ClosedQuestionModel):
                    calls += _questions(here, rows, benchmark, data, request.seed, store)
    count = sum(map(len, missing.values()))
    images = dict.fromkeys(sample for rows in missing.values() for sample, _ in rows)
    timed = [each for each in classifiers if missing.get(each.spec.name) and each.outputs != ANSWERS]
    seconds = 0.0
    if timed:
        items = {item.id: item for item in data.items}
        found = tuple(items[name] for name in images)
        row_s, start_s = _price(benchmark, timed, replace(data, items=found), request)
        seconds = start_s + row_s * sum(len(missing[each.spec.name]) for each in timed)
    return Forecast(
        benchmark=benchmark.name,
        data=data.name,
        models=tuple(missing),
        images=len(images),
        rows=count,
        stored=asked - count,
        passes=0 if benchmark.attack else count * benchmark.frames,
        seconds=seconds,
        at_most=bool(request.precision_target or request.until_decided or (benchmark.attack and timed)),
        problems=begun.problems,
        remarks=(*data.remarks, *fewer_images(benchmark, data, store.runs())),
        calls=calls,
        layout=layout_of(data),
    )


def steps_of(plan: AttackPlan) -> int:
    """Steps that a plan takes at most on one image, over all rounds and restarts."""
    return sum(attack_round.steps * attack_round.restarts for attack_round in plan.rounds)


def shorten(whole: Benchmark, plan: AttackPlan, share: float) -> Benchmark:
    """A benchmark with each round of its attack cut to a share of its steps; nothing it gives is a result.

    Args:
        whole: the benchmark.
        plan: of its attack.
        share: of the steps of each round, in (0, 1]; at least one step is left.
    """

    def cut(attack_round: Round) -> Round:
        return replace(
            attack_round, marks={max(1, math.ceil(attack_round.steps * share)): attack_round.marks[attack_round.steps]}
        )

    own = {"attack": replace(plan, rounds=tuple(map(cut, plan.rounds))), "selection": whole.selection}
    options = {option.name: getattr(whole, option.name) for option in fields(whole)}  # type: ignore[arg-type]
    short: Benchmark = type(type(whole).__name__, (type(whole),), own)(**options)
    return short


def _price(
    benchmark: Benchmark, classifiers: Sequence[Classifier], data: DataSet, request: Request
) -> tuple[float, float]:
    """Seconds of a row, of an attack at most, and seconds that are spent once, by trials of all models together."""
    share, plan = 1.0, benchmark.attack
    if plan is not None and steps_of(plan) > STEPS:
        benchmark = shorten(benchmark, plan, STEPS / steps_of(plan))
        assert benchmark.attack is not None, "it has the rounds of the whole"
        share = steps_of(benchmark.attack) / steps_of(plan)
    pictures = len(condition_indices(benchmark, data)[1]) * benchmark.frames
    trials, start = list[tuple[float, int]](), 0
    request = replace(request, limit=None, conditions=None, save_images=False, share=None)
    with tempfile.TemporaryDirectory(prefix="hardiness-plan-") as folder:
        for tried in TRIED[: 1 if plan else None]:
            items = data.items[start : start + (ATTACKED if plan else math.ceil(tried / pictures))]
            if items:
                some, start = replace(data, items=items), start + len(items)
                trial = prepared(benchmark, classifiers, some, Store.create(folder), request, Silence(), looks=False)
                begin_s = time.perf_counter()
                for worker in trial.workers:
                    worker.evaluate()
                trials.append((time.perf_counter() - begin_s, sum(worker.rows for worker in trial.workers)))
    (first_s, first_rows), (second_s, rows) = trials[0], trials[-1]
    row_s = second_s / rows
    return row_s / share * (MARGIN if plan else 1.0), max(0.0, first_s - row_s * first_rows)


def require_bounded_calls(
    evaluations: Sequence[tuple[Benchmark, DataSet, Request]], classifiers: Sequence[Classifier], store: Store
) -> None:
    """Raise where chat models would be asked more than `MOST_UNBOUNDED` questions and no bound of calls was given.

    What is stored or kept is not asked again, and does not count.

    Args:
        evaluations: all of the command.
        classifiers: of which chat models alone are looked at.
        store: where rows and answers may be already; nothing is written to it.

    Raises:
        ArgumentError: they would; the message says how many.
    """
    chat = [classifier for classifier in classifiers if classifier.outputs == ANSWERS]
    counts = Counter[str]()
    for benchmark, data, request in evaluations:
        with tempfile.TemporaryDirectory(prefix="hardiness-calls-") as folder:
            for classifier in chat if request.calls is None else ():
                with suppress(ModelError):  # what cannot be asked is told when it is to be evaluated
                    task = begin(classifier, benchmark, data, request, Store.create(folder)).look_up(store)
                    items = {item.id: item for item in limited(data.items, request.limit, request.seed)}
                    conditions, indices = condition_indices(benchmark, data)
                    wanted = conditions_by_sample(items, indices, request.seed, len(conditions), request.conditions)
                    rows = _missing(task, wanted)
                    counts[benchmark.name] += _questions(task, rows, benchmark, data, request.seed, store)
    if counts.total() > MOST_UNBOUNDED:
        where = ", ".join(f"{count:,} on {name}" for name, count in counts.most_common(3))
        raise ArgumentError(
            f"{counts.total():,} questions would be asked ({where}), and more than {MOST_UNBOUNDED:,} need a bound: "
            f"--calls {counts.total()} allows as many, --limit N takes fewer pictures, --plan shows what would be asked"
        )


def _questions(
    task: Task, rows: Sequence[tuple[str, int]], benchmark: Benchmark, data: DataSet, seed: int, store: Store
) -> int:
    """Requests that a chat model has still to answer for rows that are missing.

    Where answers are kept every picture is looked up among them, since rows of a command that was killed may be lost
    whose answers are not.
    """
    model = task.classifier
    assert isinstance(model, ClosedQuestionModel), "these alone are asked"
    if not model.keeps_some(store.files):
        return int(len(rows) * model.repeats)
    items, conditions, count = {item.id: item for item in data.items}, benchmark.conditions(), 0
    canvases = [task.canvas] if isinstance(task.canvas, Canvas) else []
    for sample, index in rows:
        with suppress(SampleError):
            for expansion in benchmark.expand(items[sample], [conditions[index]], canvases, seed):
                if isinstance(expansion, Expansion):
                    count += model.lacking(np.asarray(expansion.images[0], np.uint8), sample, store.files)
    return count


def _missing(task: Task, wanted: Mapping[str, Sequence[int]]) -> list[tuple[str, int]]:
    """The images and conditions that a model has no row of."""
    every = units(StoredWork([task]), wanted, task.stored.plan.unit_items)
    return [row for unit in every for row in unit.parts[0].work]


def layout_of(data: DataSet) -> str:
    """How many samples of a data set were found where, and in which form, with one of them as an example."""
    if not data.items:
        return f"{data.name}: nothing at {data.location}"
    name = data.items[0].file.name
    form = "rows of Parquet" if ".parquet!" in name else "members of tars" if "!" in name else "files in folders"
    inside = name.removeprefix(f"{data.location}/").removeprefix(f"{data.location}!")
    return f"{data.name}: {len(data):,} found at {data.location}, read as {form}, such as {inside}"
