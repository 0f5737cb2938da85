"""Whether models differ, and how far the protocol itself moves their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Unpack, overload

from rich.text import Text

from hardiness import data as datasets
from hardiness import models
from hardiness.api.evaluation import Options, options_of
from hardiness.api.grouping import grouping_of
from hardiness.api.ladder import Ladders, climb
from hardiness.api.progress import listener
from hardiness.benchmarks.options import parse
from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.columns import Grouping
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.fact import lines_of
from hardiness.core.progress import Listener
from hardiness.core.request import Placement, Request
from hardiness.core.result import TextTable
from hardiness.data.columns import GivenColumns
from hardiness.data.items import limited
from hardiness.data.root import absolute_arguments
from hardiness.engine.evaluation import evaluate as run_benchmark
from hardiness.engine.protocol_noise import Variation, variations
from hardiness.models.classifier import Classifier
from hardiness.report.compared import comparison_json, comparison_sentences, comparison_view, reason_of
from hardiness.report.compared_slices import slice_sentence, slice_views
from hardiness.report.digest import Digest, digest_of
from hardiness.report.exports import csv
from hardiness.report.exports.exporter import tables_in
from hardiness.report.format import as_text, terminal_table
from hardiness.report.marks import has_random_weights
from hardiness.report.right_answers import comparison_of_right_answers
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.results.comparison import BenchmarkComparison, compare_runs, not_comparable
from hardiness.results.equivalence import EquivalenceMargin
from hardiness.results.flips import PairFlips
from hardiness.results.folder import Folder
from hardiness.results.measured import RunByImage, measures_of
from hardiness.results.noise import FOLDER, Noise, SettingEffect, moved_by
from hardiness.results.slice_comparison import SlicedDifference
from hardiness.sources.files import shown
from hardiness.statistics.flips import Flips
from hardiness.store.store import Store


@dataclass(frozen=True, repr=False)
class Comparisons:
    """The comparison on each benchmark; iterates over them, and prints as tables.

    Attributes:
        benchmarks: the comparisons.
        not_comparable: names of benchmarks that were run too, and whose cards give nothing to compare by.
        random_weights: keys of runs of networks that nobody trained, which nothing ranks.
        own_classes: keys of runs on a person's own classes.
        problems: a line for each run that could not be read.
    """

    benchmarks: tuple[BenchmarkComparison, ...]
    not_comparable: tuple[str, ...] = ()
    random_weights: frozenset[str] = frozenset()
    own_classes: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[BenchmarkComparison]:
        return iter(self.benchmarks)

    def __len__(self) -> int:
        return len(self.benchmarks)

    def __repr__(self) -> str:
        tables = (part for view in self.views() for part in terminal_table(view))
        return as_text([*map(Text, self.sentences()), *tables])

    def _repr_html_(self) -> str:
        """The sentences and tables that a notebook shows."""
        sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences())
        return sentences + "".join(view.html() for view in self.views())

    def views(self) -> list[TextTable]:
        """A table for each benchmark, each followed by those of its slices."""
        return [
            view
            for each in map(self._shown, self.benchmarks)
            for view in (comparison_view(each), *slice_views(each.heading, each.slices, each.doubts))
        ]

    def _shown(self, each: BenchmarkComparison) -> BenchmarkComparison:
        """A comparison as tables of text have it: of right answers on a person's own classes."""
        is_own = each.keys and self.own_classes.issuperset(each.keys.values())
        return comparison_of_right_answers(each) if is_own else each

    def sentences(self) -> list[str]:
        """Whether scores and answers differ, a sentence for every two models on each benchmark."""
        several = len(self.benchmarks) > 1
        return [
            *(
                f"{each.benchmark}: {sentence}" if several else sentence
                for each in self.benchmarks
                for sentence in comparison_sentences(each)
            ),
            *self.remarks(),
        ]

    def remarks(self) -> list[str]:
        """A line for each benchmark that was run too and is not compared."""
        return [f"{name} is not compared: its card gives nothing to compare by" for name in self.not_comparable]

    def digest(self) -> Digest:
        """The comparison in a few sentences: on each benchmark what its first score tells apart, and what not."""
        return digest_of(self.benchmarks, self.random_weights, self.own_classes)

    def as_dict(self) -> list[dict[str, Any]]:
        """The JSON form: cells, parts, images and ranks too."""
        return [comparison_json(each) for each in self.benchmarks]

    def text_in(self, form: str) -> str:
        """The comparison in a form of exports: tables of text, and as ``csv`` a row a difference, one number a cell.

        Columns are those of `table`; a row that is of a part of the pictures has their ``slice`` and ``slice_value``.

        Raises:
            ArgumentError: the form has no tables; the message names those that have.
            UnknownNameError: there is no such form.
        """
        if form != "csv":
            return tables_in(form, self.views())
        import pyarrow as pa

        parts = [self.table(), *([self.slices.table()] if len(self.slices) else [])]
        return csv.of_table(pa.concat_tables(parts, promote_options="permissive")).decode()

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a score and pair of models: the first one's value less the second one's, with its interval.

        ``headline`` is true of the score that the sentences speak of; ``condition`` says what a score is of, and each
        key of it is a column too. Values and differences are fractions of 1 or in the score's own unit; ``low`` and
        ``high`` bound the interval that is adjusted for all differences of the benchmark, as ``p`` is; ``told_apart``
        is whether it leaves out 0 by more than the protocol's own noise; ``detectable`` is the smallest difference that
        ``n`` images tell; ``doubt`` is empty, or why the value of an attack is not believed.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        return table_of((row for each in self.benchmarks for row in _difference_rows(each)), form)

    @property
    def flips(self) -> ModelFlips:
        """The flips of every two models on each benchmark, where their rows have answers."""
        return ModelFlips(tuple((each, pair) for each in self.benchmarks for pair in each.flips))

    @property
    def slices(self) -> ModelSlices:
        """The differences of every two models by slices of the pictures, where these were asked for."""
        return ModelSlices(tuple((each, pair) for each in self.benchmarks for pair in each.slices))


@dataclass(frozen=True, repr=False)
class ModelFlips:
    """The answers that change from one model to another; iterates over the pairs, and prints as sentences.

    Attributes:
        pairs: the flips of every two models, each with the comparison that it belongs to.
    """

    pairs: tuple[tuple[BenchmarkComparison, PairFlips], ...]

    def __iter__(self) -> Iterator[PairFlips]:
        return (pair for _, pair in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return "\n".join(f"{each.benchmark}: {pair.sentence(None)}" for each, pair in self.pairs)

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a part of the pictures: all of them, then each condition, kind of condition and class.

        ``part`` is ``overall``, ``condition``, ``kind`` or ``class``, and ``name`` which; of conditions each key is a
        column too. ``negative`` is the share of pictures that were right under ``first`` and are wrong under
        ``second``, ``positive`` the reverse, ``agreement`` the share with the same answer, each with the ends of its
        95 % interval. ``change`` is what the recall of a class gains, with its interval, adjusted for all classes, and
        ``change_detectable`` the smallest that so many pictures would show in four of five cases. All but the
        conditions leave clean pictures out, if there are others.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        return table_of((row for each, pair in self.pairs for row in _flip_rows(each, pair)), form)


@dataclass(frozen=True, repr=False)
class ModelSlices:
    """The differences of models by slices of the pictures; iterates over models, and prints as sentences.

    Attributes:
        pairs: every two models by each score and column, each with the comparison that it belongs to.
    """

    pairs: tuple[tuple[BenchmarkComparison, SlicedDifference], ...]

    def __iter__(self) -> Iterator[SlicedDifference]:
        return (pair for _, pair in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return "\n".join(f"{each.benchmark}: {slice_sentence(pair)}" for each, pair in self.pairs)

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a score, column, value and pair of models: the first one's value less the second one's.

        ``slice`` is the column of the pictures and ``slice_value`` the value. ``p`` and the ends are adjusted for all
        values and pairs of a score and column; ``heterogeneity_p`` is the p-value of "the difference is the same at all
        values", and empty where these have too few pictures.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        return table_of((row for each, pair in self.pairs for row in _slice_rows(each, pair)), form)


Row = tuple[dict[str, Any], Condition]


def _difference_rows(comparison: BenchmarkComparison) -> Iterator[Row]:
    for place, score in enumerate(comparison.scores):
        for (first, second), pair in score.pairs.items():
            yield (
                {
                    "benchmark": comparison.benchmark,
                    "data": shown(comparison.data),
                    "protocol": comparison.protocol,
                    "variant": ", ".join(comparison.variant),
                    "metric": score.metric,
                    "title": shown(score.title),
                    "headline": place == 0,
                    "condition": shown(str(score.condition)),
                    "first": shown(first),
                    "second": shown(second),
                    "first_value": score.values[first],
                    "second_value": score.values[second],
                    "difference": pair.value,
                    **ends_of(pair.interval),
                    "p": pair.p,
                    "told_apart": score.is_told_apart((first, second)),
                    "detectable": pair.detectable,
                    "n": pair.n,
                    "clusters": pair.clusters,
                    "higher_is_better": score.higher_is_better,
                    "method": pair.method,
                    "reason": reason_of(pair.lack),
                    "doubt": comparison.doubt_about_pair(score, first, second),
                },
                score.condition,
            )


def _slice_rows(comparison: BenchmarkComparison, pair: SlicedDifference) -> Iterator[Row]:
    for each in pair.slices:
        yield (
            {
                "benchmark": comparison.benchmark,
                "data": shown(comparison.data),
                "variant": ", ".join(comparison.variant),
                "metric": pair.metric,
                "title": shown(pair.title),
                "condition": shown(str(pair.condition)),
                "slice": shown(pair.column),
                "slice_value": shown(each.value),
                "first": shown(pair.first),
                "second": shown(pair.second),
                "first_value": each.first,
                "second_value": each.second,
                "difference": each.difference.value,
                **ends_of(each.difference.interval),
                "p": each.difference.p,
                "told_apart": each.difference.is_told_apart,
                "n": each.difference.n,
                "clusters": each.clusters,
                "heterogeneity_p": pair.heterogeneity,
                "higher_is_better": pair.higher_is_better,
                "reason": reason_of(each.difference.lack),
            },
            pair.condition,
        )


def _flip_rows(comparison: BenchmarkComparison, pair: PairFlips) -> Iterator[Row]:
    changes = dict(pair.changes)
    parts: list[tuple[str, str, Condition, Flips]] = [
        ("overall", "", Condition(), pair.overall),
        *(("condition", str(condition), condition, flips) for condition, flips in pair.conditions),
        *(("kind", name, Condition(), flips) for name, flips in pair.kinds),
        *(("class", name, Condition(), flips) for name, flips in pair.classes),
    ]
    for part, name, condition, flips in parts:
        change = changes.get(name) if part == "class" else None
        yield (
            {
                "benchmark": comparison.benchmark,
                "data": shown(comparison.data),
                "variant": ", ".join(comparison.variant),
                "first": shown(pair.first),
                "second": shown(pair.second),
                "part": part,
                "name": shown(name),
                "n": flips.n,
                "clusters": flips.agreement.clusters,
                "negative": flips.negative.value,
                **ends_of(flips.negative.interval, "negative"),
                "positive": flips.positive.value,
                **ends_of(flips.positive.interval, "positive"),
                "agreement": flips.agreement.value,
                **ends_of(flips.agreement.interval, "agreement"),
                "change": change.value if change else None,
                **ends_of(change.interval if change else None, "change"),
                "change_p": change.p if change else None,
                "change_detectable": change.detectable if change else None,
            },
            condition,
        )


@overload
def compare(
    out: str | Path | Sequence[str | Path],
    *models: str,
    reference: Sequence[str] = (),
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    within: str | float | None = None,
    ladder: None = None,
    data: str | Sequence[str] = (),
) -> Comparisons: ...


@overload
def compare(
    out: str | Path | Sequence[str | Path],
    *models: str,
    reference: Sequence[str] = (),
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    within: str | float | None = None,
    ladder: str | Sequence[str],
    data: str | Sequence[str] = (),
) -> Ladders: ...


def compare(
    out: str | Path | Sequence[str | Path],
    *models: str,
    reference: Sequence[str] = (),
    columns: GivenColumns | Sequence[GivenColumns] = (),
    cluster: str | None = None,
    slices: str | Sequence[str] = (),
    within: str | float | None = None,
    ladder: str | Sequence[str] | None = None,
    data: str | Sequence[str] = (),
) -> Comparisons | Ladders:
    """Whether models of one or more output folders differ: paired on the same images, with intervals.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations, or several; a run that several hold counts once.
        models: names of those to compare; all if none is given.
        reference: names of stored models that the line of effective robustness goes through, instead of the published
            ones.
        columns, cluster, slices: as of `evaluate`.
        within: a margin, as ``"0.5 %"`` or ``0.005``: every two models get a verdict of equivalence within it.
        ladder: names of models in the order of an export, as ``["torch", "onnx", "int8"]``: what each step changes is
            returned, instead of a comparison of all.
        data: with a ladder, photographs as ``--data`` takes them: the model of a rung is loaded and run again on
            pictures that other libraries have resized, where answers to clean pictures change. A rung that runs code
            of one's own is run again only where ``models`` has it as ``"NAME=MODEL"``.

    Raises:
        ArgumentError: there are fewer than two models of that name on one benchmark, or no picture has a column that
            is asked for; or the margin is none.
        DataError: a folder holds no records.
    """
    outs = list(out) if isinstance(out, Sequence) and not isinstance(out, str) else [out]
    grouping, margin = grouping_of(columns, cluster, slices), None if within is None else EquivalenceMargin.read(within)
    if ladder is None:
        if data:
            raise ArgumentError("data goes with a ladder, whose models are run again on these pictures; leave it out")
        return compare_grouped(outs, models, reference, grouping, margin)
    if reference or grouping.slices:
        raise ArgumentError("a ladder goes without reference and slices")
    return climb(outs, ladder, grouping, margin, [data] if isinstance(data, str) else list(data), models)


def compare_grouped(
    outs: Sequence[str | Path],
    models: Sequence[str],
    reference: Sequence[str],
    grouping: Grouping,
    within: EquivalenceMargin | None = None,
) -> Comparisons:
    """The comparison of models of output folders by clusters and slices; arguments and errors as of `compare`."""
    return compare_folder(Folder.open(*outs, grouping=grouping), models, reference, within)


def compare_folder(
    folder: Folder, models: Sequence[str] = (), reference: Sequence[str] = (), within: EquivalenceMargin | None = None
) -> Comparisons:
    """The comparison of models of folders that are open; arguments and errors as of `compare`."""
    comparisons = compare_runs(folder, models, within=within)
    doubts = {result.key: result.doubt for result in folder.results if result.doubt}
    doubted = [
        replace(each, doubts={name: doubts[key] for name, key in each.keys.items() if key in doubts})
        for each in comparisons
    ]
    compared = tuple(each.with_effective_robustness(folder, reference) for each in doubted)
    random = frozenset(result.key for result in folder.results if has_random_weights(result))
    own = frozenset(result.key for result in folder.results if result.run.has_own_labels)
    return Comparisons(compared, tuple(not_comparable(folder, models)), random, own, folder.problems)


@dataclass(frozen=True, repr=False)
class NoiseReport(Noise):
    """The noise of one model's scores on one benchmark; prints as a table."""

    def __repr__(self) -> str:
        return as_text(terminal_table(self.view()))

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return self.view().html()

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a score and setting: the score as it is, and what the setting moves it by.

        ``usual`` is the score as it is, and ``value`` what is added by the setting. ``low`` and ``high`` bound the
        95 % interval of ``value``, of all settings of a score together; ``otherwise`` is how many of ``n`` images are
        answered otherwise. ``condition`` says what a score is of, and each key of it is a column too.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        about = {"model": shown(self.model), "benchmark": self.benchmark, "data": shown(self.data)}
        rows = (
            (
                {
                    **about,
                    "metric": effect.moved.metric,
                    "title": shown(effect.title),
                    "condition": shown(str(effect.moved.condition)),
                    "factor": effect.factor,
                    "setting": effect.setting,
                    "usual": effect.usual,
                    "value": effect.moved.value,
                    **ends_of(effect.moved.interval),
                    "n": effect.moved.n,
                    "otherwise": effect.otherwise,
                    "reason": reason_of(effect.moved.lack),
                },
                effect.moved.condition,
            )
            for effect in self.moved
        )
        return table_of(rows, form)


def noise(
    model: str, benchmark: str, data: str | Sequence[str], out: str | Path, **options: Unpack[Options]
) -> NoiseReport:
    """The noise of a protocol: what resize backend, precision, runtime, batch size and seed move scores by, each alone.

    The usual run is evaluated in ``out`` as `evaluate` would; the varied ones below ``out/noise``, so that the same
    call continues. The record is kept there too: `compare` calls a difference nothing that is no larger than what a
    setting moves the score by at least (the end of its interval that is nearer to 0).

    Args:
        model: its name.
        benchmark: ``"NAME"`` or ``"NAME:option=value"``.
        data: as ``--data`` on the command line; one or several.
        out: folder, or the address of one in an object store.
        options: as of `evaluate`.

    Raises:
        ArgumentError, DataError, ModelError, StoreError: as the message says.
    """
    _refuse_options(options)
    arguments, placement = [data] if isinstance(data, str) else list(data), options_of(Placement, options)
    request = replace(options_of(Request, options), data_arguments=absolute_arguments(arguments))
    chosen = parse(benchmark)
    dataset = chosen.dataset(datasets.locate(arguments))
    study = NoiseStudy(chosen, dataset, request, listener(options.get("progress")))
    classifier, store = _loaded(model, placement, {}), Store.create(out)
    usual, batch_size = study.evaluated(classifier, store)
    moved: list[SettingEffect] = []
    left_out: dict[str, str] = {}
    varying = variations(chosen, classifier, batch_size)
    for each in varying:
        try:
            varied = _loaded(model, placement, each.placement) if each.placement else classifier
            place = Store.create(f"{store.address}/{FOLDER}/{each.name}")
            other, _ = study.varied(each, varied).evaluated(varied, place)
            moved += moved_by(each.factor, each.setting, usual, other, len(varying))
        except (ModelError, ArgumentError) as error:
            left_out[f"{each.factor}, {each.setting}"] = str(error)
    report = NoiseReport(usual.key, classifier.spec.name, chosen.name, dataset.name, tuple(moved), left_out)
    report.keep(store)
    return report


def _refuse_options(options: Options) -> None:
    """Raise where an option would end the evaluation under each setting somewhere else, or is of goals.

    Raises:
        ArgumentError: naming it.
    """
    if options.get("policy") is not None:
        raise ArgumentError("policy does not go with noise, which holds no score against a goal; leave it out")
    for name in ("precision_target", "until_decided", "time_budget_s", "calls"):
        if options.get(name) is not None:
            option = name.removesuffix("_s").replace("_", "-")
            raise ArgumentError(
                f"{option} does not go with noise, which evaluates the same pictures under each setting; use limit"
            )


@dataclass(frozen=True)
class NoiseStudy:
    """A study of noise: benchmark, data and request, and the listener."""

    benchmark: Benchmark
    data: DataSet
    request: Request
    listener: Listener

    def varied(self, each: Variation, classifier: Classifier) -> NoiseStudy:
        """The study with one thing varied, on the very images that the usual request chooses."""
        items = sorted(limited(self.data.items, self.request.limit, self.request.seed), key=lambda item: item.id)
        canvas = self.benchmark.canvas or classifier.spec.view.canvas
        data = each.dataset(replace(self.data, items=tuple(items)), canvas)
        return replace(self, data=data, request=each.request(replace(self.request, limit=None)))

    def evaluated(self, classifier: Classifier, store: Store) -> tuple[RunByImage, int]:
        """The run by image, and its images per forward pass.

        Raises:
            ModelError: the model cannot be evaluated.
            ArgumentError: no image was evaluated under every condition, or the benchmark has no score to compare by.
        """
        outcome = run_benchmark(self.benchmark, [classifier], self.data, store, self.request, self.listener)
        runs = [run for run in Folder.open(store).alone if run.stored.key in outcome.keys]
        if not runs:
            raise ModelError(lines_of(outcome.problems)[0])
        measured = measures_of(runs[0])
        if measured is None:
            raise ArgumentError(
                f"{self.benchmark.name}: no image was evaluated under every condition, or it has no score to compare by"
            )
        return measured, runs[0].stored.plan.batch_size


def _loaded(model: str, placement: Placement, other: Mapping[str, Any]) -> Classifier:
    return models.load(models.resolve(model), **{**asdict(placement), **other})
