"""A command as its line says it: names of models and benchmarks, data, and where rows go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from hardiness import data as datasets
from hardiness import models
from hardiness.api.grouping import grouping_asked
from hardiness.api.grouping_options import GroupingOptions
from hardiness.api.loading import (
    LoadOutcome,
    ModelSelection,
    load_models,
    refuse_unknown_surrogate,
    resolve_models,
)
from hardiness.benchmarks.options import benchmark_name, parse, registry
from hardiness.benchmarks.own_pictures import refusal_of_own
from hardiness.benchmarks.score_file import ScoreFile
from hardiness.benchmarks.suites import Suite, SuiteRow, suite
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet
from hardiness.core.columns import NO_GROUPING, Columns, Grouping, refuse_no_line
from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.fact import Fact, lines_of
from hardiness.core.options import baseline_option, option, wait_option
from hardiness.core.progress import Listener
from hardiness.core.request import Placement, Request, StatedPolicy
from hardiness.data.answer_tables import Answers
from hardiness.data.columns import with_tables
from hardiness.data.root import OWN, absolute_arguments
from hardiness.engine.evaluation import Evaluation
from hardiness.engine.ray_cluster import Cluster
from hardiness.results.grouping import column_of, named_columns, slices_of, without_columns
from hardiness.results.policy import policy_of
from hardiness.store.lock import WAIT_S
from hardiness.store.store import Store


@dataclass(frozen=True)
class BenchmarkChoice:
    """One benchmark of a command.

    Attributes:
        benchmark: which; of one that is named several parts may stand here.
        request: how much of it.
        optional: whether it is skipped where its data are absent, or for models that it cannot attack.
        named: the names, as they were typed, that it is a part of.
    """

    benchmark: Benchmark
    request: Request
    optional: bool = False
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workload:
    """The models and benchmarks that a command evaluates.

    Attributes:
        suite: that was named; one without rows else.
        models: by name.
        rows: with the data set of each.
        skipped: rows of the suite whose data are absent, and why.
        grouping: what results are asked for.
    """

    suite: Suite
    models: ModelSelection
    rows: Sequence[tuple[BenchmarkChoice, DataSet]]
    skipped: list[Fact]
    grouping: Grouping = NO_GROUPING

    @property
    def evaluations(self) -> list[Evaluation]:
        """Its rows as the engine takes them."""
        return [Evaluation(row.benchmark, data, row.request, row.optional) for row, data in self.rows]


def _each_once(rows: Iterable[BenchmarkChoice]) -> list[BenchmarkChoice]:
    """The rows, each run once: benchmarks share parts."""
    unique: list[BenchmarkChoice] = []
    for row in rows:
        for place, other in enumerate(unique):
            if (row.benchmark, row.request) == (other.benchmark, other.request):
                unique[place] = replace(other, named=(*other.named, *row.named))
                break
        else:
            unique.append(row)
    return unique


def _limited(request: Request, row: SuiteRow) -> Request:
    """The request with the smaller of its own limit and a suite row's, and of its own number of conditions.

    What ends early draws conditions itself.
    """
    limits = [value for value in (request.limit, row.limit) if value is not None]
    conditions = [] if request.early_ends else [request.conditions, row.conditions]
    return replace(
        request,
        limit=min(limits, default=None),
        conditions=min((value for value in conditions if value is not None), default=None),
    )


def _is_tree_of(benchmark: Benchmark, text: str) -> bool:
    """Whether a value of ``--data`` names the corrupted files of a set of one's own, which are no data set."""
    return benchmark.name != OWN and text.startswith(f"{benchmark.name}=")


def _with_data(rows: Sequence[BenchmarkChoice], root: DataRoot) -> tuple[list[BenchmarkChoice], list[Fact]]:
    """The rows without the optional ones whose data are absent, and why these are skipped."""
    present, skipped = [], []
    for row in rows:
        if row.optional and (lacks := row.benchmark.lacks(root)):
            skipped.append(replace(lacks, about=row.benchmark.name))
        else:
            present.append(row)
    return present, skipped


def stated_policy(request: Request) -> StatedPolicy | None:
    """The name and digest of the policy that a request names; ``None`` where it names none.

    Raises:
        ArgumentError: it cannot be read or is wrong.
    """
    source = request.policy or request.until_decided
    if source is None:
        return None
    policy = policy_of(source)
    return StatedPolicy(Path(policy.source).name, policy.sha256)


def sets_with_tables(sets: Sequence[DataSet], grouping: Grouping) -> list[DataSet]:
    """Data sets with the tables of pictures that are given.

    Raises:
        ArgumentError: no picture has a line in a table, or tables disagree.
    """
    for table in grouping.columns:
        refuse_no_line(table, [np.array([item.id for item in data.items], object) for data in sets])
    return [with_tables(data, grouping.columns) for data in sets]


def require_columns(sets: Sequence[DataSet], grouping: Grouping) -> None:
    """Raise where the pictures of no data set have what is asked for, before anything is evaluated.

    Raises:
        ArgumentError: no data set has a column that is asked for, or one cannot part its pictures.
    """
    values = {name: column for data in sets for name, column in data.columns.values.items()}
    for name in named_columns(grouping, tuple(values)) if sets else ():
        column_of(Columns(np.zeros(0, object), values), name)
    for data in sets:
        own = without_columns(grouping, [name for name in values if name not in data.columns.values], tuple(values))
        slices_of(own, data.columns, data.columns.ids)


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
        cluster: of Ray, where units are evaluated; ``None`` for this process.
        wait_s: how long to wait for a folder whose lock somebody else holds.
        predictions: csv or Parquet file with the answers of the one model, which was run elsewhere.
        grouped: what is known of pictures beyond labels, and what results are grouped by.
        began_s: when it began, on the clock of `time.monotonic`, for a time budget; ``None`` for when it is run.
        log: trackers of experiments that hear how it goes.
    """

    models: tuple[str, ...] = option(
        "Model; may be given several times.", (), name="-m --model", metavar="MODEL[:option=value,…]"
    )
    benchmarks: tuple[str, ...] = option(
        "Benchmark; as -m. Your own: toml:FILE.toml, or py:FILE.py:NAME, also as corruptions= and attack=.",
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
        "csv or Parquet of the answers of a model that was run elsewhere, or of scores of pictures (-b file:NAME).",
        None,
        metavar="FILE",
    )
    request: Request = field(default_factory=Request)
    placement: Placement = field(default_factory=Placement)
    log: tuple[str, ...] = option(
        "Also tell a tracker how it goes; 'hardiness list loggers' lists more.", (), metavar="mlflow|tensorboard|wandb"
    )
    wait_s: float = wait_option(WAIT_S)
    grouped: GroupingOptions = field(default_factory=GroupingOptions)
    cluster: Cluster | None = None
    began_s: float | None = None

    @property
    def answers(self) -> Answers | None:
        """The answers of the one model, where it was run elsewhere."""
        return self.predictions

    @property
    def named_pictures(self) -> tuple[str, ...]:
        """The options that were given to say where pictures are."""
        return (*(["data"] if self.data else []), *(["labels"] if self.labels else []))

    @property
    def grouping(self) -> Grouping:
        """The clusters and slices that results are asked for; the tables of pictures are read.

        Raises:
            ArgumentError: as `grouping_of`.
        """
        return grouping_asked(self.grouped)

    @property
    def cluster_column(self) -> str:
        """The column by which pictures come in clusters; empty where none is named. Nothing is read for it."""
        return self.grouped.cluster or ""

    @property
    def bound_to_process(self) -> str:
        """Why other machines cannot evaluate it, and the advice, in one line; empty where they can."""
        return "weights does not go with Ray: write -m MODEL:weights=FILE" if self.weights else ""

    @property
    def is_kept(self) -> bool:
        """Whether its rows stay in a folder that others can reach."""
        return True

    @property
    def about(self) -> Mapping[str, str]:
        """The names of models and benchmarks, as trackers of experiments are told."""
        return {
            "models": " ".join(self.models),
            "benchmarks": " ".join(self.benchmarks),
            "suite": self.suite or "",
        }

    def select_models(self, names: Sequence[str]) -> ModelSelection:
        """The models of these names; none is loaded.

        Raises:
            ArgumentError, ModelError, DataError: as `resolve_models`.
        """
        return resolve_models(names, self.weights)

    def load(self, selection: ModelSelection, listener: Listener, store: Store | None) -> LoadOutcome:
        """The classifiers of a selection.

        Raises:
            ArgumentError: as `load_models`.
        """
        return load_models(selection.specs, self.placement, listener, store)

    def data_root(self) -> DataRoot:
        """The data sets that it names.

        Raises:
            ArgumentError, DataError: they are none, as the message says.
        """
        return datasets.locate(self.data, self.labels)

    def workload(self) -> Workload:
        """The models, benchmarks and data that the command names; nothing is loaded or written.

        Raises:
            ArgumentError: a name or option is wrong.
            DataError: a benchmark's data are absent, or the weights of all models that were named. Of a suite, what
                has no data is skipped.
        """
        command = self.on_own_data()
        chosen = suite(command.suite) if command.suite is not None else Suite("", ())
        names = tuple(command.models or chosen.models)
        if not names:
            raise ArgumentError("no model: name one with -m, e.g. -m efficientnet_lite0; see 'hardiness list models'")
        command = replace(command, data=command.data or chosen.data)
        request = replace(
            command.request,
            data_arguments=absolute_arguments(command.data, command.labels),
            stated=stated_policy(command.request),
        )
        rows = [BenchmarkChoice(parse(text), request, named=(text,)) for text in command.benchmarks]
        rows += [BenchmarkChoice(parse(row.benchmark), _limited(request, row), optional=True) for row in chosen.rows]
        for row in rows:
            if isinstance(row.benchmark, ScoreFile):
                raise ArgumentError(
                    f"{row.benchmark.name} is of scores that are there already: give them with --predictions FILE, "
                    "and -m the name of what was scored"
                )
        if not rows:
            folder = f"; --data {command.data[0]} is no such folder" if command.data else ""
            raise ArgumentError(
                "nothing to run: name a benchmark (-b imagenet-val) or a suite (--suite demo), or give --data FOLDER "
                f"with a folder of pictures for each of your own classes, two or more{folder}"
            )
        for row in rows:
            if trees := [text for text in command.data if row.benchmark.is_own and _is_tree_of(row.benchmark, text)]:
                raise ArgumentError(
                    f"--data {trees[0]} goes with --predictions FILE, whose answers are to the pictures of that tree: "
                    f"a model is shown what {row.benchmark.name} makes of the photographs; leave it out"
                )
        selection = command.select_models(names)
        if command.models and selection.absent and not selection.specs:
            raise DataError(lines_of(selection.absent)[0])
        for row in rows:
            if not row.optional:
                refuse_unknown_surrogate(row.benchmark)
        for spec in selection.specs:
            models.place(**asdict(command.placement), onnx=spec.name.startswith("onnx:"))
        root, grouping = command.data_root(), command.grouping
        for row in rows:
            if not row.optional and (reason := refusal_of_own(row.benchmark, root)):
                raise DataError(reason)
        present, skipped = _with_data(rows, root)
        parts = _each_once(replace(row, benchmark=part) for row in present for part in row.benchmark.parts(root))
        sets = sets_with_tables([row.benchmark.dataset(root) for row in parts], grouping)
        require_columns(sets, grouping)
        return Workload(chosen, selection, list(zip(parts, sets, strict=True)), skipped, grouping)

    def on_own_data(self) -> Command:
        """The command; with a folder of one's own classes and nothing else it is the suite of those.

        Raises:
            ArgumentError: the folder may be that, or of ImageNet's classes.
        """
        names = [benchmark_name(text) for text in self.benchmarks]
        kinds = map(registry.find, names)
        of_own = self.suite == OWN or any(kind is not None and kind.is_own for kind in kinds)
        is_open = self.suite is None and not names
        own = datasets.as_own(self.data, self.labels, certain=of_own) if of_own or is_open else ()
        if not own:
            return self
        return replace(self, data=own, labels=None, suite=OWN if is_open else self.suite)
