"""The forecast of an evaluation: its units, images, bytes and seconds; nothing of it is stored."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from hardiness.core.answers import ANSWERS
from hardiness.core.attack_plan import AttackPlan, Round
from hardiness.core.benchmark import Benchmark, DataSet, Expansion, Item
from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError, DataError, ModelError, SampleError
from hardiness.core.fact import Fact, error_of
from hardiness.core.model import Canvas
from hardiness.core.progress import Silence
from hardiness.core.request import Request
from hardiness.data.items import limited
from hardiness.engine.batch_sizes import automatic_batch_size
from hardiness.engine.ensemble import Ensemble
from hardiness.engine.evaluation import surrogate_of
from hardiness.engine.listing import StoredWork
from hardiness.engine.other_runs import fewer_images
from hardiness.engine.plan import units
from hardiness.engine.rounds import largest_selection
from hardiness.engine.selection import conditions_by_sample
from hardiness.engine.tasks import Task, begin, condition_indices
from hardiness.engine.unit import Unit
from hardiness.engine.worker import Worker
from hardiness.models.chat.model import ClosedQuestionModel
from hardiness.models.classifier import Classifier
from hardiness.models.whole_pictures import whole_picture_model
from hardiness.store.store import Store

BUDGET_S = 5.0
"""Seconds for the first rows of one benchmark, for each model; the batch that crosses them is finished."""

ATTACKED = 4
"""Images that an attack is tried on at a time: some fall at once, some never; one alone is dearer than in a batch."""

MANY_STEPS = 400
"""Steps of an attack on one image that are tried; where there are more, a share of them, the rest taken for as dear."""

MARGIN = 1.3
"""By how much an attack's price is raised, so that images that stand longer than those tried do not pass the bound."""

SIZED = 64
"""Photographs whose sizes are taken for those of all."""

MOST_UNBOUNDED = 1_000
"""Questions that a command may ask without a bound on its requests: each is paid for."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of an evaluation by its first rows; a row is one image under one condition by one model.

    Attributes:
        row_s: seconds of a row, its share of reading and distorting included.
        start_s: seconds that are spent once: kernels and models are compiled, exhibits made.
        row_bytes: stored for a row.
    """

    row_s: float = 0.0
    start_s: float = 0.0
    row_bytes: float = 0.0


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


@dataclass(frozen=True)
class Trial:
    """The first rows of an evaluation, computed for the time that they take.

    Attributes:
        benchmark, data, request, surrogate: as for an evaluation.
        classifiers: that lack these rows; as in an evaluation they share what is read and distorted.
        items: images to try, in the order of evaluation.
        conditions: indices of those wanted of each.
        store: that is thrown away.
    """

    benchmark: Benchmark
    data: DataSet
    request: Request
    surrogate: Classifier | Ensemble | None
    classifiers: Sequence[Classifier]
    items: Sequence[Item]
    conditions: Sequence[int]
    store: Store

    def cost(self) -> Cost:
        """The cost of a row, from the batches after the first, if there are any; of an attack at most."""
        benchmark, share = self._affordable()
        trials: list[tuple[int, float]] = []
        for items, conditions in self._batches(benchmark):
            worker = self._worker(benchmark, items, conditions)
            begin_s = time.perf_counter()
            worker.evaluate()
            trials.append((len(items) * len(conditions) * len(self.classifiers), time.perf_counter() - begin_s))
            spent_s = sum(seconds for _, seconds in trials)
            if spent_s >= BUDGET_S * len(self.classifiers) and (len(trials) > 1 or benchmark.attack):
                break
        stored = sum(int(stamp[0]) for run in self.store.runs() for stamp in run.stamps().values())
        row_bytes = stored / sum(rows for rows, _ in trials)
        (first_rows, first_s), later = trials[0], trials[1:]
        rows, seconds = (sum(column) for column in zip(*(trials if benchmark.attack else later or trials), strict=True))
        row_s = seconds / rows
        if benchmark.attack:
            return Cost(row_s / share * MARGIN, 0.0, row_bytes)
        return Cost(row_s, max(0.0, first_s - row_s * first_rows), row_bytes)

    def _affordable(self) -> tuple[Benchmark, float]:
        """The benchmark, or one with a share of its attack's steps, and that share."""
        plan = self.benchmark.attack
        if plan is None or steps_of(plan) <= MANY_STEPS:
            return self.benchmark, 1.0
        share = MANY_STEPS / 4 / steps_of(plan)
        short = shorten(self.benchmark, plan, share)
        assert short.attack is not None, "it has the rounds of the whole"
        return short, steps_of(short.attack) / steps_of(plan)

    def _batches(self, benchmark: Benchmark) -> Iterator[tuple[list[Item], list[int]]]:
        """Images and conditions of one batch after the other, larger and larger, no image twice."""
        conditions, at = list(self.conditions), 0
        if benchmark.frames > 1:
            yield from self._sequences(conditions)
            return
        classifier = self.classifiers[0]
        canvas = benchmark.canvas or classifier.spec.view.canvas
        chosen = self.request.batch_size or automatic_batch_size(classifier, classifier.feed(canvas.crop_px).input_px)
        size = first = ATTACKED if benchmark.attack else max(1, math.ceil(chosen / len(conditions)))
        while at < len(self.items):
            yield list(self.items[at : at + size]), conditions
            at += size
            size = first if benchmark.attack else min(2 * size, 8 * first)

    def _sequences(self, conditions: list[int]) -> Iterator[tuple[list[Item], list[int]]]:
        """More and more sequences, those of a batch of one image: several at a time cost less, as in an evaluation.

        Their conditions are from all over the list, as some are dearer than others.
        """
        stride = next(k for k in (5, 3, 2, 1) if math.gcd(k, len(conditions)) == 1 or k == 1)
        order = [conditions[(k * stride) % len(conditions)] for k in range(len(conditions))]
        first, *others = self.items
        yield [first], order[:1]
        if not others and len(order) > 1:
            yield [first], order[1:]
        at, size = 1, 1
        for item in others:
            yield [item], [order[(at + k) % len(order)] for k in range(size)]
            at, size = at + size, min(2 * size, len(order))

    def _worker(self, benchmark: Benchmark, items: Sequence[Item], conditions: Sequence[int]) -> Worker:
        request = replace(self.request, limit=None, conditions=None, save_images=False, share=None)
        data = replace(self.data, items=tuple(items))
        tasks = [
            begin(classifier, benchmark, data, request, self.store, surrogate=self.surrogate)
            for classifier in self.classifiers
        ]
        worker = Worker(benchmark, data, tasks, request, self.store, Silence(), self.surrogate)
        worker.asked = list(conditions)
        return worker


@dataclass(frozen=True)
class Forecast:
    """The forecast of one benchmark of a command.

    Attributes:
        benchmark, data: which.
        models: names of those that would be evaluated.
        units: pieces of work, each stored as one file a model.
        images: different photographs that would be read.
        rows: images x conditions x models that would be evaluated.
        stored: those that are stored already.
        bytes_read, bytes_written: about.
        seconds: from loaded models to stored rows, on this machine as busy as it is now.
        at_most: whether ``seconds`` is an upper bound; with a goal that may end it earlier all counts are, too.
        problems: what was asked for and could not be evaluated.
        remarks: what else a person should know.
        refused: whether a model, or all of it, could not be evaluated.
        calls, bytes_sent: requests to chat models, each tried once, and about how many bytes they are.
        layout: how many samples were found where, and in which form, with one of them as an example.
    """

    benchmark: str
    data: str
    models: tuple[str, ...] = ()
    units: int = 0
    images: int = 0
    rows: int = 0
    stored: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    seconds: float = 0.0
    at_most: bool = False
    problems: tuple[Fact, ...] = ()
    remarks: tuple[Fact, ...] = ()
    refused: bool = False
    calls: int = 0
    bytes_sent: int = 0
    layout: str = ""


def forecast_evaluation(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
) -> Forecast:
    """The forecast of `evaluate` with these arguments; a few rows are computed in a folder that is thrown away.

    Raises:
        StoreError: what is stored cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="hardiness-plan-") as folder:
        return _forecast(benchmark, classifiers, data, store, request, Path(folder))


def _forecast(
    benchmark: Benchmark,
    classifiers: Sequence[Classifier],
    data: DataSet,
    store: Store,
    request: Request,
    folder: Path,
) -> Forecast:
    problems = [*data.notes]
    try:
        surrogate = surrogate_of(benchmark, classifiers, data, Silence())
    except (ModelError, DataError) as error:
        why = {"why": error_of(error), "is_there": True}
        problem = Fact(RunRemark.NO_SURROGATE, why, benchmark.name)
        return Forecast(benchmark.name, data.name, problems=(*problems, problem), refused=True)
    tasks: list[Task] = []
    for classifier in classifiers:
        try:
            begun = begin(classifier, benchmark, data, request, Store.create(folder / "begun"), surrogate=surrogate)
            tasks.append(begun.look_up(store))
        except ModelError as error:
            problems.append(error_of(error, classifier.spec.name))
    by_id = {item.id: item for item in limited(data.items, request.limit, request.seed)}
    conditions, indices = condition_indices(benchmark, data)
    selected: Mapping[str, Sequence[int]] = conditions_by_sample(
        by_id, indices, request.seed, len(conditions), request.conditions
    )
    count, images, rows = _missing_counts(tasks, selected)
    chat = [task for task in tasks if isinstance(task.classifier, ClosedQuestionModel)]
    calls, bytes_sent = _bill(benchmark, data, chat, selected, request.seed, store)
    unfinished = [
        model
        for model in (task.classifier for task in tasks)
        if not isinstance(model, ClosedQuestionModel) and rows[model.spec.name]
    ]
    items = [by_id[sample] for sample in images]
    costs: list[tuple[Cost, list[str]]] = []
    kinds = {model.spec.name: (rows[model.spec.name], whole_picture_model(model) is not None) for model in unfinished}
    for place, kind in enumerate(sorted(set(kinds.values()))):
        alike = [model for model in unfinished if kinds[model.spec.name] == kind]
        trial = Trial(
            benchmark, data, request, surrogate, alike, items, indices, Store.create(folder / f"trial{place}")
        )
        costs.append((trial.cost(), [model.spec.name for model in alike]))
    if request.precision_target is not None and unfinished:
        selected = largest_selection(Store(str(folder / "trial0")), data, request, selected)
        count, images, rows = _missing_counts(tasks, selected)
        items = [by_id[sample] for sample in images]
    priced = [(cost, sum(rows[name] for name in names)) for cost, names in costs]
    return Forecast(
        benchmark=benchmark.name,
        data=data.name,
        models=tuple(task.classifier.spec.name for task in tasks),
        units=count,
        images=len(images),
        rows=rows.total(),
        stored=sum(map(len, selected.values())) * len(tasks) - rows.total(),
        bytes_read=_bytes(items),
        bytes_written=round(sum(cost.row_bytes * n for cost, n in priced)),
        seconds=sum(cost.row_s * n + cost.start_s for cost, n in priced),
        at_most=bool(request.precision_target or request.until_decided or (benchmark.attack and unfinished)),
        problems=tuple(problems),
        remarks=(*data.remarks, *fewer_images(benchmark, data, store.runs())),
        refused=len(tasks) < len(classifiers),
        calls=calls,
        bytes_sent=bytes_sent,
        layout=layout_of(data),
    )


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
                    begun = begin(classifier, benchmark, data, request, Store.create(folder))
                    counts[benchmark.name] += _lacking_answers(begun.look_up(store), benchmark, data, request, store)
    if counts.total() > MOST_UNBOUNDED:
        where = ", ".join(f"{count:,} on {name}" for name, count in counts.most_common(3))
        raise ArgumentError(
            f"{counts.total():,} questions would be asked ({where}), and more than {MOST_UNBOUNDED:,} need a bound: "
            f"--calls {counts.total()} allows as many, --limit N takes fewer pictures, --plan shows what would be asked"
        )


def _lacking_answers(task: Task, benchmark: Benchmark, data: DataSet, request: Request, store: Store) -> int:
    """Requests that a chat model has still to answer; answers that are kept are looked for only where it matters."""
    model = task.classifier
    assert isinstance(model, ClosedQuestionModel), "these alone are asked"
    items = {item.id: item for item in limited(data.items, request.limit, request.seed)}
    conditions, indices = condition_indices(benchmark, data)
    selected = conditions_by_sample(items, indices, request.seed, len(conditions), request.conditions)
    work = [
        row for unit in units(StoredWork([task]), selected, task.stored.plan.unit_items) for row in unit.parts[0].work
    ]
    if len(work) * model.repeats <= MOST_UNBOUNDED or not model.keeps_some(store.files):
        return int(len(work) * model.repeats)
    count = 0
    for sample, index in work:
        with suppress(SampleError):
            for expansion in benchmark.expand(items[sample], [conditions[index]], _canvases(task), request.seed):
                if isinstance(expansion, Expansion):
                    count += model.lacking(np.asarray(expansion.images[0], np.uint8), sample, store.files)
    return count


def _bill(
    benchmark: Benchmark,
    data: DataSet,
    tasks: Sequence[Task],
    selected: Mapping[str, Sequence[int]],
    seed: int,
    store: Store,
) -> tuple[int, int]:
    """Requests that chat models have still to answer, and about their bytes: a few pictures stand for all.

    Where answers are kept every picture is looked up among them, since rows of a command that was killed may be lost
    whose answers are not.
    """
    items, conditions = {item.id: item for item in data.items}, benchmark.conditions()
    calls, sizes = 0, list[int]()
    for task in tasks:
        model = task.classifier
        assert isinstance(model, ClosedQuestionModel), "these alone are asked"
        files = store.files if model.keeps_some(store.files) else None
        for unit in units(StoredWork([task]), selected, task.stored.plan.unit_items):
            for sample, index in unit.parts[0].work:
                if files is None and len(sizes) >= SIZED:
                    calls += model.repeats
                    continue
                with suppress(SampleError):
                    for expansion in benchmark.expand(items[sample], [conditions[index]], _canvases(task), seed):
                        if isinstance(expansion, Expansion):
                            image = np.asarray(expansion.images[0], np.uint8)
                            request_sizes = model.sizes(image, sample, files)
                            sizes, calls = sizes + request_sizes, calls + len(request_sizes)
    return calls, round(calls * sum(sizes) / len(sizes)) if sizes else 0


def _canvases(task: Task) -> list[Canvas]:
    """The canvas on which a chat model's question shows its pictures."""
    return [task.canvas] if isinstance(task.canvas, Canvas) else []


def layout_of(data: DataSet) -> str:
    """How many samples of a data set were found where, and in which form, with one of them as an example."""
    if not data.items:
        return f"{data.name}: nothing at {data.location}"
    name = data.items[0].file.name
    form = "rows of Parquet" if ".parquet!" in name else "members of tars" if "!" in name else "files in folders"
    inside = name.removeprefix(f"{data.location}/").removeprefix(f"{data.location}!")
    return f"{data.name}: {len(data):,} found at {data.location}, read as {form}, such as {inside}"


def _missing_counts(
    tasks: Sequence[Task], selected: Mapping[str, Sequence[int]]
) -> tuple[int, dict[str, None], Counter[str]]:
    """The missing work: number of units, images, and rows by model."""
    count, images, rows = 0, dict[str, None](), Counter[str]()
    for unit in _missing(tasks, selected):
        count += 1
        for part in unit.parts:
            rows[part.task.classifier.spec.name] += len(part.work)
            images.update(dict.fromkeys(sample for sample, _ in part.work))
    return count, images, rows


def _missing(tasks: Sequence[Task], selected: Mapping[str, Sequence[int]]) -> Iterator[Unit]:
    """Every unit with missing rows; models whose runs have units of one size share them, as in an evaluation."""
    sizes = dict.fromkeys(task.stored.plan.unit_items for task in tasks)
    for size in sizes:
        yield from units(StoredWork([task for task in tasks if task.stored.plan.unit_items == size]), selected, size)


def _bytes(items: Sequence[Item]) -> int:
    """About how many bytes the files of these items have: by the sizes of some, from all over."""
    if not items:
        return 0
    examples = items[:: max(1, len(items) // SIZED)]
    return round(sum(len(item.file.read()) for item in examples) / len(examples) * len(items))
