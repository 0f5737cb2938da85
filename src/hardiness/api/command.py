"""One command: models on benchmarks, into one folder."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hardiness import data as datasets
from hardiness import models
from hardiness.api.progress import TrackedListener
from hardiness.benchmarks.corruptions import CorruptionSet
from hardiness.benchmarks.options import benchmark_name, parse, registry
from hardiness.benchmarks.suites import Suite, suite
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet
from hardiness.core.errors import (
    ArgumentError,
    DataError,
    HardinessError,
    ModelError,
    StoreError,
    UnknownNameError,
    line_of,
)
from hardiness.core.forms import json_form
from hardiness.core.model import ModelSpec
from hardiness.core.options import baseline_option, option, wait_option
from hardiness.core.progress import Listener, Silence
from hardiness.core.request import Placement, Request
from hardiness.core.result import Result, TextTable
from hardiness.data.root import OWN, absolute_arguments
from hardiness.engine.compiling import compiling_ahead
from hardiness.engine.deadline import Deadline
from hardiness.engine.evaluation import (
    EvaluationOutcome,
    evaluate_shared,
    evaluate_until_decided,
    evaluate_within,
    prepared,
)
from hardiness.engine.evaluation import evaluate as run_benchmark
from hardiness.engine.forecast import MOST_UNBOUNDED, Forecast, forecast_evaluation, require_bounded_calls
from hardiness.engine.predictions import pictures_of, read_predictions
from hardiness.engine.ray import Cluster, Errand, Evaluation, on_ray
from hardiness.engine.rehearsal import rehearse
from hardiness.engine.rounds import require_reachable
from hardiness.models.classifier import Classifier
from hardiness.models.frameworks import require_torch
from hardiness.models.options import with_option
from hardiness.report.loggers.tracking import TrackingSession
from hardiness.report.terminal import headline_lines
from hardiness.results.policy import Policy, policy_of
from hardiness.results.policy_watch import require_policy_fits, require_policy_matches
from hardiness.results.results import rebuild_results, results_of
from hardiness.store.lock import WAIT_S
from hardiness.store.store import Store


@dataclass(frozen=True)
class ModelSelection:
    """The models that names stand for.

    Attributes:
        names: those that stand for a model, as they were typed.
        specs: of these.
        problems: a line for each of the others.
        absent: lines about those whose weights cannot be had, where that was known without their library.
    """

    names: tuple[str, ...]
    specs: tuple[ModelSpec, ...]
    problems: tuple[str, ...]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadOutcome:
    """The models that could be loaded, and a line for each that could not.

    Attributes:
        classifiers: those that could.
        absent: lines about weights that cannot be had.
        problems: lines about everything else.
    """

    classifiers: list[Classifier] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def resolve_models(names: Sequence[str], weights: str | None = None) -> ModelSelection:
    """The models of these names; one whose file or options are wrong becomes a line.

    Args:
        names: as typed.
        weights: checkpoint for the one model.

    Raises:
        UnknownNameError: a name is misspelt: that is put right before hours of work.
        ArgumentError, ModelError, DataError: no model is left, or ``weights`` stands beside several.
    """
    found, problems, absent, first = {}, [], [], None
    for name in names:
        if weights is None and (reason := _weights_absent(name)):
            absent.append(reason)
            continue
        try:
            found[name] = models.resolve(name)
        except UnknownNameError:
            raise
        except HardinessError as error:
            first = first or error
            problems.append(_about(name, error))
    if first and not found:
        raise first
    if weights is not None:
        if len(names) != 1:
            raise ArgumentError(
                f"--weights goes with one model, had {len(names)}; write -m MODEL:weights=FILE for each"
            )
        found = {
            name: replace(spec, weights=weights, asked=with_option(spec.asked, "weights", weights))
            for name, spec in found.items()
        }
    return ModelSelection(tuple(found), tuple(found.values()), tuple(problems), tuple(absent))


def _weights_absent(name: str) -> str:
    """Why a model's published weights cannot be had, in one line; empty where they may be."""
    try:
        models.need_weights(name)
    except DataError as error:
        return _about(name, error)
    except HardinessError:
        return ""  # `resolve` says what is wrong with the name
    return ""


def load_models(
    specs: Sequence[ModelSpec], placement: Placement, listener: Listener, store: Store | None = None
) -> LoadOutcome:
    """The classifiers of these specs, each with its weights; what zero-shot models embed is kept in the store.

    Raises:
        ArgumentError: what the only one is told to do cannot be done; of several it becomes a line.
    """
    loaded = LoadOutcome()
    for spec in specs:
        try:
            told = partial(listener.download, spec.name)
            files = store.files if store else None
            loaded.classifiers.append(models.load(spec, **asdict(placement), progress=told, files=files))
        except DataError as error:
            loaded.absent.append(_about(spec.name, error))
        except ArgumentError as error:
            if len(specs) == 1:
                raise
            loaded.problems.append(_about(spec.name, error))
        except ModelError as error:
            loaded.problems.append(_about(spec.name, error))
    return loaded


def _about(name: str, error: HardinessError) -> str:
    """The line about an error, which begins with the model's name."""
    line = line_of(error)
    return line if line.startswith(name) else f"{name}: {line}"


def refuse_unknown_surrogate(benchmark: Benchmark) -> None:
    """Raise where the models that are to be attacked in place of others are not there, before anything is evaluated.

    Raises:
        ArgumentError, ModelError, DataError: as `hardiness.models.resolve`.
    """
    plan = benchmark.attack
    for name in plan.surrogate.split("+") if plan and plan.surrogate else ():
        models.resolve(name)


def surrogate_absent(benchmark: Benchmark, classifiers: Sequence[Classifier], listener: Listener) -> str | None:
    """Why a benchmark's surrogate cannot be had, in one line; ``None`` where it can, or where none is needed."""
    plan = benchmark.attack
    if plan is None or plan.surrogate is None:
        return None
    spec = models.resolve(plan.surrogate)
    if any(classifier.spec.name == spec.name for classifier in classifiers):
        return None
    try:
        models.load(spec, device="cpu", progress=partial(listener.download, spec.name))
    except DataError as error:
        return f"{benchmark.name}: its surrogate cannot be had: {error}"
    except ModelError:
        return None  # the evaluation says what is wrong with it
    return None


@dataclass(frozen=True)
class BenchmarkChoice:
    """One benchmark of a command, how much of it, and whether it is skipped where its data are absent."""

    benchmark: Benchmark
    request: Request
    optional: bool = False


@dataclass(frozen=True)
class Workload:
    """The models and benchmarks that a command evaluates.

    Attributes:
        suite: that was named; one without rows else.
        models: by name.
        rows: with the data set of each.
        skipped: a line for each row of the suite whose data are absent.
    """

    suite: Suite
    models: ModelSelection
    rows: Sequence[tuple[BenchmarkChoice, DataSet]]
    skipped: list[str]


def _each_once(rows: Iterable[BenchmarkChoice]) -> list[BenchmarkChoice]:
    """The rows, each run once: benchmarks share parts."""
    found: list[BenchmarkChoice] = []
    for row in rows:
        if not any((row.benchmark, row.request) == (each.benchmark, each.request) for each in found):
            found.append(row)
    return found


def _limited(request: Request, limit: int | None) -> Request:
    """The request with the smaller of its own limit and a suite row's."""
    limits = [value for value in (request.limit, limit) if value is not None]
    return replace(request, limit=min(limits, default=None))


def _with_data(rows: Sequence[BenchmarkChoice], root: DataRoot) -> tuple[list[BenchmarkChoice], list[str]]:
    """The rows without the optional ones whose data are absent, and a line for each of those."""
    kept, skipped = [], []
    for row in rows:
        if row.optional and (lacks := row.benchmark.lacks(root)):
            skipped.append(f"{row.benchmark.name}: {lacks}")
        else:
            kept.append(row)
    return kept, skipped


@dataclass(frozen=True, slots=True)
class Command:
    """One ``hardiness run``.

    Attributes:
        models: model names, with their options.
        benchmarks: benchmark names, with their options.
        suite: name or file of a suite, instead of or besides ``benchmarks``.
        data: values of ``--data``.
        labels: csv with the labels of a flat folder.
        weights: checkpoint on disk for the one model.
        baseline: model whose stored runs ratios divide by, instead of the published baseline, on the page and in
            ``results.json``.
        out: output folder, or the address of one in an object store.
        request: how much, with which seed and batch size.
        placement: device, precision and runtime.
        cluster: where Ray actors evaluate; ``None`` for this process.
        wait_s: how long to wait for a folder whose lock somebody else holds.
        predictions: csv or Parquet file with the answers of the one model, which was run elsewhere.
        began_s: when it began, on the clock of `time.monotonic`, for a time budget; ``None`` for when it is run.
        log: trackers of experiments that hear how it goes.
    """

    models: tuple[str, ...] = option(
        "Model; may be given several times.", (), name="-m --model", metavar="MODEL[:option=value,…]"
    )
    benchmarks: tuple[str, ...] = option(
        "Benchmark; as -m. Your own: py:FILE.py:NAME, also as corruptions= and attack=.",
        (),
        name="-b --benchmark",
        metavar="BENCHMARK[:option=value,…]",
    )
    out: str | Path = option("Output folder, or an object store.", "runs/latest", metavar="FOLDER|s3://…")
    suite: str | None = option(
        f"{', '.join(Suite.names())}, or your own FILE.toml: a list of benchmarks.", None, metavar="NAME|FILE.toml"
    )
    data: tuple[str, ...] = option(
        "Folder that holds the data sets, or one data set, or the photographs of installed packages.",
        (),
        metavar="ROOT|NAME=PATH|embedded",
    )
    labels: str | None = option("csv (path, class index or name) for a flat folder of images.", None, metavar="FILE")
    weights: str | None = option("Checkpoint for the one model given.", None, metavar="FILE")
    baseline: str | None = baseline_option()
    predictions: str | None = option(
        "csv or Parquet of the answers of a model that was run elsewhere.", None, metavar="FILE"
    )
    request: Request = field(default_factory=Request)
    placement: Placement = field(default_factory=Placement)
    log: tuple[str, ...] = option(
        "Also tell a tracker how it goes; 'hardiness list loggers' lists more.", (), metavar="mlflow|tensorboard|wandb"
    )
    wait_s: float = wait_option(WAIT_S)
    cluster: Cluster | None = None
    began_s: float | None = None

    def workload(self) -> Workload:
        """What the command asks for; nothing is loaded or written.

        Raises:
            ArgumentError: a name or option is wrong.
            DataError: a benchmark's data are absent, or the weights of all models that were named. Of a suite, what
                has no data is skipped.
        """
        command = self._on_own_data()
        chosen = suite(command.suite) if command.suite is not None else Suite("", ())
        names = tuple(command.models or chosen.models)
        if not names:
            raise ArgumentError("no model: name one with -m, e.g. -m efficientnet_lite0; see 'hardiness list models'")
        data = command.data or chosen.data
        request = replace(command.request, data_arguments=absolute_arguments(data, command.labels))
        rows = [BenchmarkChoice(parse(text), request) for text in command.benchmarks]
        rows += [
            BenchmarkChoice(parse(row.benchmark), _limited(request, row.limit), optional=True) for row in chosen.rows
        ]
        if not rows:
            told = f"; --data {data[0]} is no such folder" if data else ""
            raise ArgumentError(
                "nothing to run: name a benchmark (-b imagenet-val) or a suite (--suite demo), or give --data FOLDER "
                f"with a folder of pictures for each of your own classes, two or more{told}"
            )
        resolved = resolve_models(names, command.weights)
        if command.models and resolved.absent and not resolved.specs:
            raise DataError(resolved.absent[0])
        for row in rows:
            if not row.optional:
                refuse_unknown_surrogate(row.benchmark)
        for spec in resolved.specs:
            models.place(**asdict(command.placement), onnx=spec.name.startswith("onnx:"))
        root = datasets.locate(data, command.labels)
        kept, skipped = _with_data(rows, root)
        kept = _each_once(replace(row, benchmark=part) for row in kept for part in row.benchmark.parts(root))
        return Workload(chosen, resolved, [(row, row.benchmark.dataset(root)) for row in kept], skipped)

    def _on_own_data(self) -> Command:
        """The command; with a folder of one's own classes and nothing else it is the suite of those.

        Raises:
            ArgumentError: the folder may be that, or of ImageNet's classes.
        """
        asked = [benchmark_name(text) for text in self.benchmarks]
        kinds = map(registry.find, asked)
        of_own = self.suite == OWN or any(kind is not None and kind.is_own for kind in kinds)
        is_open = self.suite is None and not asked
        own = datasets.as_own(self.data, self.labels, certain=of_own) if of_own or is_open else ()
        if not own:
            return self
        return replace(self, data=own, labels=None, suite=OWN if is_open else self.suite)

    def _store_predictions(self) -> CommandOutcome:
        """The rows of a file of answers become a run; nothing is loaded, and a file that is refused changes nothing.

        Raises:
            ArgumentError: not one model and one benchmark are named, or the file does not go with the pictures.
        """
        if len(self.models) != 1 or len(self.benchmarks) != 1 or self.suite:
            raise ArgumentError(
                f"--predictions goes with one -m, the name of what answered, and one -b; had {len(self.models)} and "
                f"{len(self.benchmarks)}"
            )
        command, benchmark, tree = self, parse(self.benchmarks[0]), ""
        if benchmark.is_own:  # its tree is no data set: the classes are those of the photographs' folders
            places = self.data if benchmark.name != OWN else ()  # which has no tree, and is the name of the photographs
            trees = [text for text in places if text.startswith(f"{benchmark.name}=")]
            tree = trees[0].partition("=")[2] if trees else ""
            command = replace(self, data=tuple(text for text in self.data if text not in trees))._on_own_data()
        request = replace(command.request, data_arguments=absolute_arguments(command.data, command.labels))
        assert command.predictions is not None
        predictions = read_predictions(command.predictions)
        root = datasets.locate(command.data, command.labels)
        made = replace(benchmark, source="generated") if isinstance(benchmark, CorruptionSet) else None
        photographs = made.dataset(root) if made and root.has("imagenet") else None
        data = benchmark.dataset(root)
        pictures = pictures_of(benchmark, data, photographs, request.seed, tree)
        found = predictions.placed(command.models[0], benchmark, pictures, request)
        store = Store.create(command.out, command.wait_s)
        evaluated = found.store(benchmark, store, request)
        everything = _rebuilt(store, command.baseline)
        return CommandOutcome(
            results=[result for result in everything if result.is_of(evaluated.keys)],
            everything=everything,
            skipped=(),
            problems=evaluated.problems,
            remarks=[*store.remarks, *(f"{found.model.spec.name}: {line}" for line in evaluated.remarks)],
        )

    def _evaluate(self, listener: Listener, tracking: TrackingSession) -> CommandOutcome:
        if self.predictions is not None:
            return self._store_predictions()
        require_torch()
        began_s = time.monotonic() if self.began_s is None else self.began_s
        asked = self.workload()
        self._check_ends(asked)
        policy = self.policy(asked)
        resolved, skipped = asked.models, asked.skipped
        store = Store.create(self.out, self.wait_s)
        if self.baseline and self.baseline not in [spec.name for spec in resolved.specs]:
            results_of(store, self.baseline)  # it must be stored already: refused now, and not after hours
        here = [(row.benchmark, data) for row, data in asked.rows if not self.cluster]
        with compiling_ahead(here):
            loaded = load_models(resolved.specs if here else (), self.placement, listener, store)
            classifiers, problems = loaded.classifiers, [*resolved.problems, *loaded.problems]
            models.limit_calls(classifiers, self.request.calls)
            elsewhere = [spec for spec in resolved.specs if self.cluster and "chat:" in spec.asked]
            chat = load_models(elsewhere, self.placement, listener).classifiers if elsewhere else classifiers
            require_bounded_calls([(row.benchmark, data, row.request) for row, data in asked.rows], chat, store)
            # The models that a suite names itself are skipped without their weights; those that were asked for are not.
            (problems if self.models else skipped).extend([*resolved.absent, *loaded.absent])
            seconds = self.request.time_budget_s
            budget = Deadline.from_now(seconds, time.monotonic() - began_s) if seconds else None
            wanted = []
            for row, data in asked.rows if classifiers or self.cluster else ():
                if row.optional and (reason := surrogate_absent(row.benchmark, classifiers, listener)):
                    skipped.append(reason)
                else:
                    wanted.append((row, data))
            found: Sequence[Result] = ()
            evaluated: list[EvaluationOutcome] = []
            context = CommandContext(classifiers, store, budget, policy, listener)
            for parts in self._outcomes(asked.models.names, wanted, context):
                evaluated += parts
                found = _rebuilt(store, self.baseline)
                fresh = [result for result in found if any(result.is_of(each.keys) for each in parts)]
                tracking.scores(fresh)
                if len(evaluated) < len(wanted):  # the last benchmark's numbers stand in the overview that follows
                    for line in headline_lines(fresh):
                        listener.note(line)
        keys = {key for each in evaluated for key in each.keys}
        if self.baseline or not found:  # the last word on a baseline: it must have been run by now
            found = rebuild_results(store, self.baseline)
        return CommandOutcome(
            results=[result for result in found if result.is_of(keys)],
            everything=found,
            remarks=[
                *store.remarks,
                *(remark for classifier in classifiers for remark in remarks_on(classifier)),
                *dict.fromkeys(remark for each in evaluated for remark in each.remarks),  # benchmarks share data
                *tracking.problems,
            ],
            skipped=skipped,
            problems=[*problems, *(problem for each in evaluated for problem in each.problems)],
            unreached=[line for each in evaluated for line in each.unreached],
            note=asked.suite.note,
            also=asked.suite.also,
        )

    def _outcomes(
        self, names: tuple[str, ...], wanted: Sequence[tuple[BenchmarkChoice, DataSet]], beside: CommandContext
    ) -> Iterator[list[EvaluationOutcome]]:
        """What came of each benchmark in turn, or of all at once where they share a time."""
        models, store, listener = beside.classifiers, beside.store, beside.listener
        if beside.budget:
            begun = [prepared(row.benchmark, models, data, store, row.request, listener) for row, data in wanted]
            yield evaluate_within(beside.budget, begun)
            return
        if beside.policy:
            begun = [prepared(row.benchmark, models, data, store, row.request, listener) for row, data in wanted]
            yield from ([each] for each in evaluate_until_decided(beside.policy, begun, store))
            return
        if self.cluster:
            evaluations = tuple(Evaluation(row.benchmark, data, row.request) for row, data in wanted)
            errand = Errand(names, asdict(self.placement), evaluations, self.out)
            yield [on_ray(errand, self.cluster, listener)] if evaluations else []
            return
        share = self.request.share
        if share and self.request.precision_target is None:
            asked = [(row.benchmark, data, row.request) for row, data in wanted]
            yield evaluate_shared(asked, share, models, store, listener)
            return
        for row, data in wanted:
            yield [run_benchmark(row.benchmark, models, data, store, row.request, listener)]

    def _check_ends(self, asked: Workload) -> None:
        """Raise where what is asked for cannot be evaluated in the way that is asked for."""
        request = self.request
        if self.cluster and (self.weights or request.share):
            raise ArgumentError("--engine ray goes with neither --weights (write -m MODEL:weights=FILE) nor --worker")
        if self.cluster and request.calls is not None:
            raise ArgumentError("--calls counts the requests of one process; leave it or --engine ray out")
        if self.cluster and (request.precision_target or request.time_budget_s or request.until_decided):
            raise ArgumentError(
                "--engine ray goes with neither --precision-target, --time-budget nor --until-decided; leave one out"
            )
        if request.precision_target is not None:
            for row, data in asked.rows:
                require_reachable(row.benchmark, data, request.precision_target, row.request.limit)

    def policy(self, asked: Workload) -> Policy | None:
        """The policy that ends its evaluations; ``None`` where none does."""
        return policy_for(
            self.request, [(row.benchmark, data) for row, data in asked.rows], asked.models.specs, self.out
        )


@dataclass(frozen=True)
class CommandOutcome:
    """The outcome of a command.

    Attributes:
        results: every result of this command's models and benchmarks.
        everything: every result in the output folder, those among them.
        skipped: models and benchmarks of a suite whose weights or data are absent, each with the reason.
        problems: what was asked for and could not be evaluated, one line each.
        remarks: what a person should know of how models were run, e.g. a runtime that was not exact enough.
        unreached: a line for each benchmark whose precision target cannot be reached.
        note: what to say beside the results of a suite.
        also: commands that belong to the suite and evaluate nothing, e.g. those that make pictures.
    """

    results: Sequence[Result]
    everything: Sequence[Result]
    skipped: Sequence[str]
    problems: Sequence[str]
    remarks: Sequence[str] = ()
    unreached: Sequence[str] = ()
    note: str = ""
    also: Sequence[str] = ()

    @property
    def exit_status(self) -> int:
        """0 where everything asked for was evaluated, 2 where a precision target cannot be reached, else 1."""
        if self.unreached:
            return 2
        return 1 if self.problems or any(result.counts.failed for result in self.results) else 0


def run(command: Command, listener: Listener | None = None) -> CommandOutcome:
    """Evaluate the command's models on its benchmarks; what is stored in its folder already is not computed again.

    Raises:
        ArgumentError: a name or option is wrong; nothing was evaluated.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: records cannot be written.
    """
    about = {
        "models": " ".join(command.models),
        "benchmarks": " ".join(command.benchmarks),
        "suite": command.suite or "",
    }
    with closing(TrackingSession(command.log, str(command.out), about)) as tracking:
        tracking.check()
        listener = listener or Silence()
        return command._evaluate(TrackedListener(listener, tracking) if command.log else listener, tracking)


def _rebuilt(store: Store, baseline: str | None) -> list[Result]:
    """The results so far, written; ratios are to the published baseline until the model that was named has been run."""
    try:
        return rebuild_results(store, baseline)
    except ArgumentError:
        return rebuild_results(store)


def remarks_on(classifier: Classifier) -> list[str]:
    """What loading and the first forward pass have shown; nothing where nothing was computed."""
    agreement, name = classifier.agreement, classifier.spec.name
    remarks = [f"{name}: {note}" for note in classifier.notes]
    if agreement and agreement.fallback:
        remarks.append(f"{name} ran in {classifier.runtime}: {agreement.fallback}")
    if agreement and classifier.precision != "fp32":
        remarks.append(
            f"{name} in {classifier.precision} against fp32 on its first {agreement.n} images: "
            f"{100 * agreement.top1:.0f} % of top-1 equal, logits within {agreement.max_error:.1e} of the largest"
        )
    return remarks


@dataclass(frozen=True)
class CommandContext:
    """What benchmarks of a command are evaluated with: models, store, what ends them early, and the listener."""

    classifiers: Sequence[Classifier]
    store: Store
    budget: Deadline | None
    policy: Policy | None
    listener: Listener


def policy_for(
    request: Request, asked: Sequence[tuple[Benchmark, DataSet]], specs: Sequence[ModelSpec], out: str | Path | None
) -> Policy | None:
    """The policy that ends evaluations; ``None`` where none does.

    Args:
        request: which may name it.
        asked: what is to be evaluated.
        specs: of the models.
        out: the output folder, which need not be there.

    Raises:
        ArgumentError: it is wrong, or does not go with what is evaluated.
    """
    if request.until_decided is None:
        return None
    policy, names = policy_of(request.until_decided), [spec.name for spec in specs]
    benchmarks = [benchmark.name for benchmark, _ in asked]
    require_policy_fits(policy, benchmarks, names, [] if out is None else [run.run for run in Store(out).runs()])
    if any("chat:" in spec.asked for spec in specs):
        return policy  # of words it has other scores than of logits
    every_class = any("class" in rule.where for rule in policy.rules)
    with TemporaryDirectory() as folder:
        store = Store.create(folder)
        found = {one.name: rehearse(one, data, store, every_class=every_class) for one, data in asked}
        require_policy_matches(policy, found, store)
    return policy


HEADS = ("benchmark", "units", "images", "rows to do", "stored", "to read", "to write", "time")
BILL = ("calls", "to send")
"""Further heads where chat models are asked."""


@dataclass(frozen=True)
class CommandPlan:
    """The forecast of a command.

    Attributes:
        forecasts: of each benchmark.
        models: that would be evaluated.
        skipped: what of a suite would be skipped, each with the reason.
        problems: what was asked for and could not be evaluated, one line each.
        remarks: what else a person should know of the data.
        stops: what may end it earlier, in a line; empty where nothing does.
        calls: requests to chat models at most, over all benchmarks; ``None`` for any number.
    """

    forecasts: tuple[Forecast, ...]
    models: tuple[str, ...]
    skipped: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    stops: str = ""
    calls: int | None = None

    @property
    def exit_status(self) -> int:
        """0 where everything asked for could be evaluated, else 1."""
        return 1 if self.problems else 0

    def view(self) -> TextTable:
        """A row for each benchmark, then the whole."""
        names = Counter(each.benchmark for each in self.forecasts)
        rows = [
            self._row(
                each if names[each.benchmark] == 1 else replace(each, benchmark=f"{each.benchmark} on {each.data}")
            )
            for each in self.forecasts
        ]
        if len(rows) > 1:
            rows.append(self._row(self.whole))
        bound = "those count in --calls"
        if self.calls is None:
            need = f"; more than {MOST_UNBOUNDED:,} need it" if self.whole.calls > MOST_UNBOUNDED else ""
            bound = f"--calls N bounds all of them together{need}"
        asked = (f"a call is tried up to five times where it fails; {bound}",)
        notes = (
            f"models: {', '.join(self.models)}",
            *dict.fromkeys(each.layout for each in self.forecasts if each.layout),
            *([self.stops] if self.stops else ()),
            *(asked if self._asks else ()),
            "nothing was evaluated or stored; times are from the first rows, computed and thrown away, and count "
            "from loaded models",
        )
        return TextTable("what would run", (*HEADS, *(BILL if self._asks else ())), tuple(rows), notes=notes)

    @property
    def _asks(self) -> bool:
        """Whether there are chat models to ask."""
        return any(each.calls for each in self.forecasts)

    def _row(self, each: Forecast) -> tuple[str, ...]:
        if not self._asks:
            return _row(each)
        calls = each.calls if self.calls is None else min(each.calls, self.calls)
        sent = round(each.bytes_sent * calls / each.calls) if each.calls else 0
        most = "at most " if self.stops or calls < each.calls else ""
        return (*_row(each), f"{most}{calls:,}", f"{most}{_bytes(sent)}")

    @property
    def whole(self) -> Forecast:
        """All benchmarks together."""
        found = self.forecasts
        return Forecast(
            benchmark="all",
            data="",
            models=self.models,
            units=sum(each.units for each in found),
            images=sum(each.images for each in found),
            rows=sum(each.rows for each in found),
            stored=sum(each.stored for each in found),
            bytes_read=sum(each.bytes_read for each in found),
            bytes_written=sum(each.bytes_written for each in found),
            seconds=sum(each.seconds for each in found),
            at_most=any(each.at_most for each in found),
            refused=any(each.refused for each in found),
            calls=sum(each.calls for each in found),
            bytes_sent=sum(each.bytes_sent for each in found),
        )

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "models": list(self.models),
            "benchmarks": json_form(self.forecasts),
            "skipped": list(self.skipped),
            "problems": list(self.problems),
            "remarks": list(self.remarks),
            **({} if self.calls is None else {"most_calls": self.calls}),
        }


def plan(command: Command) -> CommandPlan:
    """What `run` would do with this command: nothing is evaluated but a few rows that are thrown away, nothing stored.

    Raises:
        ArgumentError: a name or option is wrong, or Ray is to evaluate.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: what is stored cannot be read.
    """
    if command.cluster:
        raise ArgumentError("--plan is for this process; leave --engine ray out")
    require_torch()
    asked, store = command.workload(), Store(command.out)
    try:
        store.check_schema()
    except StoreError as error:
        raise ArgumentError(f"--out {command.out}: {error}") from error
    stops = ""
    if command.request.precision_target is not None:
        stops = "with a precision target it ends as soon as every headline is exact enough: at most so much"
    elif (policy := command.policy(asked)) is not None:
        rules = f"{len(policy.rules)} rules" if len(policy.rules) > 1 else "one rule"
        stops = (
            f"with the {rules} of {policy.source} each benchmark ends as soon as all that are on it are decided: at "
            "most so much, and all of it where a number lies on its limit"
        )
    loaded = load_models(asked.models.specs if asked.rows else (), command.placement, Silence())
    found = [
        forecast_evaluation(row.benchmark, loaded.classifiers, data, store, row.request)
        for row, data in (asked.rows if loaded.classifiers else ())
    ]
    absent, problems = (
        (*asked.models.absent, *loaded.absent),
        (*asked.models.problems, *loaded.problems, *(line for each in found for line in each.problems)),
    )
    return CommandPlan(
        forecasts=tuple(found),
        models=tuple(classifier.spec.name for classifier in loaded.classifiers),
        skipped=(*asked.skipped, *(() if command.models else absent)),
        problems=(*(absent if command.models else ()), *problems),
        remarks=tuple(dict.fromkeys(line for each in found for line in each.remarks)),
        stops=stops,
        calls=command.request.calls,
    )


def _row(each: Forecast) -> tuple[str, ...]:
    return (
        each.benchmark,
        f"{each.units:,}",
        f"{each.images:,}",
        f"{each.rows:,}",
        f"{each.stored:,}",
        _bytes(each.bytes_read),
        _bytes(each.bytes_written),
        _time(each),
    )


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _time(each: Forecast) -> str:
    """About how long; of an attack at most how long."""
    if not each.rows and each.refused:
        return "none: what can be evaluated is stored" if each.stored else "none: it cannot be evaluated"
    if not each.rows:
        return "none: all is stored"
    if each.calls and not each.seconds:
        return "as the endpoint answers"
    factor, unit = next((f, u) for f, u in ((3600, "h"), (60, "min"), (1, "s")) if each.seconds >= 2 * f or f == 1)
    told = f"{each.seconds / factor:.1f} {unit}"
    return f"{'at most' if each.at_most else 'about'} {told}"
