"""What an evaluation would cost: units, images, bytes and seconds; nothing of it is stored."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

import numpy as np

from hardiness.core import (
    AttackPlan,
    Benchmark,
    DataError,
    DataSet,
    Expansion,
    Item,
    ModelError,
    Request,
    Round,
    SampleError,
    Silence,
)
from hardiness.data import limited
from hardiness.engine.batch import Ensemble, automatic_batch_size
from hardiness.engine.evaluation import surrogate_of
from hardiness.engine.plan import Task, Unit, begin, condition_indices, fewer_images, units
from hardiness.engine.rounds import most_wanted, require_reachable
from hardiness.engine.worker import Worker
from hardiness.models import Classifier, ClosedQuestionModel
from hardiness.store import Store

LEAST_ERROR = 0.05
"""Relative error of a price that was measured twice with the same outcome."""

UNKNOWN_ERROR = 0.25
"""Relative error of a price that was measured once."""


@dataclass(frozen=True, slots=True)
class Price:
    """What rows of one benchmark and one model cost; a row is one image under one condition.

    Attributes:
        row_s: seconds of a row, its share of reading and distorting included.
        error: standard error of ``row_s``, as a share of it.
        start_s: seconds that are spent once, whatever the number of rows.
        row_bytes: stored for a row.
        at_most: whether ``row_s`` is an upper bound: attacks leave out images that have fallen.
    """

    row_s: float
    error: float = UNKNOWN_ERROR
    start_s: float = 0.0
    row_bytes: float = 0.0
    at_most: bool = False

    @classmethod
    def of_trials(cls, trials: Sequence[tuple[int, float]]) -> Price:
        """The price of a row from trials, each its rows and seconds.

        Raises:
            ValueError: there is none.
        """
        if not trials:
            raise ValueError("a price needs at least one trial")
        rows, seconds = (sum(column) for column in zip(*trials, strict=True))
        rate = seconds / rows
        if len(trials) == 1:
            return cls(rate)
        spread = math.sqrt(sum(n * (s / n - rate) ** 2 for n, s in trials) / rows) / rate
        return cls(rate, max(spread / math.sqrt(len(trials) - 1), LEAST_ERROR))


@dataclass(frozen=True)
class Costs:
    """Prices by benchmark and model, and what models share.

    Attributes:
        prices: by benchmark and model.
        shared_s: by benchmark, seconds of reading and distorting a row (and of a surrogate's attack on it), which is
            done once for all models.
    """

    prices: Mapping[tuple[str, str], Price] = field(default_factory=dict)
    shared_s: Mapping[str, float] = field(default_factory=dict)

    def unit_s(self, benchmark: str, rows: Mapping[str, int]) -> float:
        """Seconds of one unit on the machine that the prices were measured on, without what is spent once.

        Args:
            benchmark: which.
            rows: that each model lacks, by its name; they are of the same images.

        Raises:
            KeyError: a model has no price.
        """
        alone = {model: self.prices[benchmark, model].row_s * n for model, n in rows.items()}
        if not alone:
            return 0.0
        once = self.shared_s.get(benchmark, 0.0) * (sum(rows.values()) - max(rows.values()))
        return max(sum(alone.values()) - once, max(alone.values()))

    def start_s(self, benchmark: str, models: Sequence[str]) -> float:
        """Seconds that are spent once for some models."""
        return sum(self.prices[benchmark, model].start_s for model in models)

    def error(self, benchmark: str, rows: Mapping[str, int]) -> float:
        """Standard error of the seconds of some rows, as a share of them; models err together."""
        alone = {model: self.prices[benchmark, model].row_s * n for model, n in rows.items()}
        total = sum(alone.values())
        return sum(self.prices[benchmark, model].error * s for model, s in alone.items()) / total if total else 0.0

    def bytes_written(self, benchmark: str, rows: Mapping[str, int]) -> float:
        """Bytes that rows take in the output folder."""
        return sum(self.prices[benchmark, model].row_bytes * n for model, n in rows.items())

    def at_most(self, benchmark: str, models: Sequence[str]) -> bool:
        """Whether seconds are an upper bound."""
        return any(self.prices[benchmark, model].at_most for model in models)


def steps_of(plan: AttackPlan) -> int:
    """Steps that a plan takes at most on one image, over all rounds and restarts."""
    return sum(each.steps * each.restarts for each in plan.rounds)


def shortened(whole: Benchmark, plan: AttackPlan, share: float) -> Benchmark:
    """The same benchmark, each round of its attack cut to a share of its steps; nothing it gives is a result.

    Args:
        whole: the benchmark.
        plan: of its attack.
        share: of the steps of each round, in (0, 1]; at least one step is left.
    """

    def cut(each: Round) -> Round:
        return replace(each, marks={max(1, math.ceil(each.steps * share)): each.marks[each.steps]})

    own = {"attack": replace(plan, rounds=tuple(map(cut, plan.rounds))), "selection": whole.selection}
    options = {option.name: getattr(whole, option.name) for option in fields(whole)}  # type: ignore[arg-type]
    short: Benchmark = type(type(whole).__name__, (type(whole),), own)(**options)
    return short


BUDGET_S = 5.0
"""Of one model on one benchmark; the trial that crosses it is finished."""

ATTACKED = 4
"""Images that an attack is tried on at a time: some fall at once, some never; one alone is dearer than in a batch."""


MANY_STEPS = 400
"""Of an attack on one image; where there are more, a share of them is tried and the rest taken for as dear."""

MARGIN = 1.3
"""By how much an attack's price is raised, so that images that stand longer than those tried do not pass the bound."""


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        benchmark, data, request, surrogate: as for an evaluation.
        items: images to try, in the order of evaluation.
        conditions: indices of those wanted of each.
        store: that is thrown away.
    """

    benchmark: Benchmark
    data: DataSet
    request: Request
    surrogate: Classifier | Ensemble | None
    items: Sequence[Item]
    conditions: Sequence[int]
    store: Store

    def price(self, classifier: Classifier) -> Price:
        """What one model's rows cost; see `Price`."""
        benchmark, share = self._affordable()
        trials: list[tuple[int, float]] = []
        spent = 0.0
        for items, conditions in self._growing(benchmark, classifier):
            worker = self._worker(benchmark, [classifier], items, conditions)
            seconds = _seconds(worker.evaluate)
            trials.append((len(items) * len(conditions), seconds))
            spent += seconds
            if spent >= BUDGET_S and (len(trials) > 1 or benchmark.attack):
                break
        row_bytes = self._stored_bytes() / sum(rows for rows, _ in trials)
        if benchmark.attack:
            found = Price.of_trials(trials)
            return replace(found, row_s=found.row_s / share * MARGIN, at_most=True, row_bytes=row_bytes)
        # The first trial compiles kernels and models and makes exhibits.
        first, *later = trials
        found = Price.of_trials(later or trials)
        start = max(0.0, first[1] - found.row_s * first[0]) if later else 0.0
        return replace(found, start_s=start, row_bytes=row_bytes)

    def shared_s(self, classifiers: Sequence[Classifier]) -> float:
        """Seconds of what is done once for all of these models, a row."""
        benchmark, share = self._affordable()
        trials: list[tuple[int, float]] = []
        for items, conditions in self._growing(benchmark, classifiers[0]):
            scratch = Store.create(f"{self.store.address}/shared-{len(trials)}")
            worker = self._worker(benchmark, classifiers, items, conditions, scratch)
            seconds = _seconds(partial(worker.expand_alone, worker.units()))
            trials.append((len(items) * len(conditions), seconds))
            if sum(seconds for _, seconds in trials) >= BUDGET_S / 2:
                break
        return Price.of_trials(trials).row_s / share

    def _affordable(self) -> tuple[Benchmark, float]:
        """The benchmark, or one with a share of its attack's steps, and that share."""
        plan = self.benchmark.attack
        if plan is None or steps_of(plan) <= MANY_STEPS:
            return self.benchmark, 1.0
        share = MANY_STEPS / 4 / steps_of(plan)
        short = shortened(self.benchmark, plan, share)
        assert short.attack is not None, "it has the rounds of the whole"
        return short, steps_of(short.attack) / steps_of(plan)

    def _growing(self, benchmark: Benchmark, classifier: Classifier) -> Iterator[tuple[list[Item], list[int]]]:
        """Images and conditions of one trial after the other, larger and larger, no image twice."""
        conditions, at = list(self.conditions), 0
        if benchmark.frames > 1:
            yield from self._sequences(conditions)
            return
        canvas = benchmark.canvas or classifier.spec.view.canvas
        chosen = self.request.batch_size or automatic_batch_size(classifier, classifier.feed(canvas.crop_px).input_px)
        size = first = ATTACKED if benchmark.attack else max(1, math.ceil(chosen / len(conditions)))
        while at < len(self.items):
            yield list(self.items[at : at + size]), conditions
            at += size
            size = first if benchmark.attack else min(2 * size, 8 * first)

    def _sequences(self, conditions: list[int]) -> Iterator[tuple[list[Item], list[int]]]:
        """More and more sequences, those of a trial of one image: several at a time cost less, as in an evaluation.

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

    def _worker(
        self,
        benchmark: Benchmark,
        classifiers: Sequence[Classifier],
        items: Sequence[Item],
        conditions: Sequence[int],
        store: Store | None = None,
    ) -> Worker:
        request = replace(self.request, limit=None, save_images=False, share=None)
        data, place = replace(self.data, items=tuple(items)), store or self.store
        tasks = [begin(each, benchmark, data, request, place, self.surrogate) for each in classifiers]
        worker = Worker(benchmark, data, tasks, request, place, Silence(), self.surrogate)
        worker.asked = list(conditions)
        return worker

    def _stored_bytes(self) -> int:
        return sum(int(stamp[0]) for run in self.store.runs() for stamp in run.stamps().values())

    def costs(self, classifiers: Sequence[Classifier]) -> Costs:
        """Prices of each model, and of what several share."""
        name = self.benchmark.name
        prices: dict[tuple[str, str], Price] = {}
        for place, classifier in enumerate(classifiers):
            own = replace(self, store=Store.create(f"{self.store.address}/{place}"))
            prices[name, classifier.spec.name] = own.price(classifier)
        shared = self.shared_s(classifiers) if len(classifiers) > 1 else 0.0
        return Costs(prices, {name: shared})


def _seconds(work: Callable[[], None]) -> float:
    begin_s = time.perf_counter()
    work()
    return time.perf_counter() - begin_s


SIZED = 64
"""Photographs whose sizes are taken for those of all."""


@dataclass(frozen=True)
class Forecast:
    """What one benchmark of a command would do.

    Attributes:
        benchmark, data: which.
        models: names of those that would be evaluated.
        units: pieces of work, each stored as one file a model.
        images: different photographs that would be read.
        rows: images x conditions x models that would be evaluated.
        stored: those that are stored already.
        bytes_read, bytes_written: about.
        seconds: from loaded models to stored rows, on this machine as busy as it is now.
        error_s: standard error of ``seconds``.
        at_most: whether ``seconds`` is an upper bound; with a goal that may end it earlier all counts are, too.
        problems: a line for each thing asked for that could not be evaluated.
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
    error_s: float = 0.0
    at_most: bool = False
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
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
    """What `evaluate` would do with these arguments; a few rows are computed in a folder that is thrown away.

    Raises:
        ArgumentError: the precision target does not go with the benchmark, or cannot be reached whatever the answers.
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
    problems = list(data.notes)
    if request.precision_target is not None:
        require_reachable(benchmark, data, request.precision_target, request.limit)
    try:
        surrogate = surrogate_of(benchmark, classifiers, Silence())
    except (ModelError, DataError) as error:
        told = f"{benchmark.name}: its surrogate cannot be used: {error}"
        return Forecast(benchmark.name, data.name, problems=(*problems, told), refused=True)
    tasks: list[Task] = []
    for classifier in classifiers:
        try:
            begun = begin(classifier, benchmark, data, request, Store.create(folder / "begun"), surrogate)
            tasks.append(begun.look_up(store))
        except ModelError as error:
            problems.append(str(error))
    by_id = {item.id: item for item in limited(data.items, request.limit, request.seed)}
    _, asked = condition_indices(benchmark, data)
    wanted: Mapping[str, Sequence[int]] = dict.fromkeys(by_id, asked)
    count, images, rows = _counted(tasks, wanted)
    chat = [task for task in tasks if isinstance(task.classifier, ClosedQuestionModel)]
    calls, bytes_sent = _bill(benchmark, data, chat, wanted, request.seed, store)
    lacking = [
        model
        for model in (task.classifier for task in tasks)
        if not isinstance(model, ClosedQuestionModel) and rows[model.spec.name]
    ]
    items = [by_id[sample] for sample in images]
    trial = Trial(benchmark, data, request, surrogate, items, asked, Store.create(folder / "trial"))
    costs = trial.costs(lacking) if lacking else Costs()
    if request.precision_target is not None and lacking:
        wanted = most_wanted(Store(f"{trial.store.address}/0"), data, request, wanted)
        count, images, rows = _counted(tasks, wanted)
        items = [by_id[sample] for sample in images]
    names = {classifier.spec.name for classifier in lacking}
    priced = Counter({model: n for model, n in rows.items() if model in names})
    seconds = costs.unit_s(benchmark.name, priced) + costs.start_s(benchmark.name, list(priced))
    return Forecast(
        benchmark=benchmark.name,
        data=data.name,
        models=tuple(task.classifier.spec.name for task in tasks),
        units=count,
        images=len(images),
        rows=rows.total(),
        stored=sum(map(len, wanted.values())) * len(tasks) - rows.total(),
        bytes_read=_bytes(items),
        bytes_written=round(costs.bytes_written(benchmark.name, priced)),
        seconds=seconds,
        error_s=seconds * costs.error(benchmark.name, priced),
        at_most=bool(request.precision_target or request.until_decided) or costs.at_most(benchmark.name, list(priced)),
        problems=tuple(problems),
        remarks=(*data.remarks, *fewer_images(benchmark, data, store.runs())),
        refused=len(tasks) < len(classifiers),
        calls=calls,
        bytes_sent=bytes_sent,
        layout=layout_of(data),
    )


def _bill(
    benchmark: Benchmark,
    data: DataSet,
    tasks: Sequence[Task],
    wanted: Mapping[str, Sequence[int]],
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
        for unit in units([task], wanted, task.stored.plan.unit_items):
            for sample, index in unit.parts[0].work:
                if files is None and len(sizes) >= SIZED:
                    calls += model.repeats
                    continue
                with suppress(SampleError):
                    for made in benchmark.expand(items[sample], [conditions[index]], [task.canvas], seed):
                        if isinstance(made, Expansion):
                            image = np.asarray(made.images[0], np.uint8)
                            found = model.sizes(image, sample, files)
                            sizes, calls = sizes + found, calls + len(found)
    return calls, round(calls * sum(sizes) / len(sizes)) if sizes else 0


def layout_of(data: DataSet) -> str:
    """How many samples of a data set were found where, and in which form, with one of them as an example."""
    if not data.items:
        return f"{data.name}: nothing at {data.location}"
    name = data.items[0].file.name
    form = "rows of Parquet" if ".parquet!" in name else "members of tars" if "!" in name else "files in folders"
    inside = name.removeprefix(f"{data.location}/").removeprefix(f"{data.location}!")
    return f"{data.name}: {len(data):,} found at {data.location}, read as {form}, such as {inside}"


def _counted(tasks: Sequence[Task], wanted: Mapping[str, Sequence[int]]) -> tuple[int, dict[str, None], Counter[str]]:
    """What is missing: units, images, and rows by model."""
    count, images, rows = 0, dict[str, None](), Counter[str]()
    for unit in _missing(tasks, wanted):
        count += 1
        for part in unit.parts:
            rows[part.task.classifier.spec.name] += len(part.work)
            images.update(dict.fromkeys(sample for sample, _ in part.work))
    return count, images, rows


def _missing(tasks: Sequence[Task], wanted: Mapping[str, Sequence[int]]) -> Iterator[Unit]:
    """Every unit with missing rows; models whose runs have units of one size share them, as in an evaluation."""
    sizes = dict.fromkeys(task.stored.plan.unit_items for task in tasks)
    for size in sizes:
        yield from units([task for task in tasks if task.stored.plan.unit_items == size], wanted, size)


def _bytes(items: Sequence[Item]) -> int:
    """About how many bytes the files of these items have: by the sizes of some, from all over."""
    if not items:
        return 0
    some = items[:: max(1, len(items) // SIZED)]
    return round(sum(len(item.file.read()) for item in some) / len(some) * len(items))
