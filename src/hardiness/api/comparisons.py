"""Comparisons of models as they are returned: they iterate, print as tables and sentences, and become data frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from rich.text import Text

from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import TextTable
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
from hardiness.results.slice_comparison import SlicedDifference
from hardiness.sources.files import shown
from hardiness.statistics.flips import Flips


@dataclass(frozen=True, repr=False)
class Comparisons:
    """The comparison on each benchmark; iterates over them, and prints as tables.

    Attributes:
        benchmarks: the comparisons.
        not_comparable: names of benchmarks that were run too, and whose cards give nothing to compare by.
        random_weights: keys of runs of networks that nobody trained, which nothing ranks.
        own_classes: keys of runs on a person's own classes.
        problems: a fact for each run that could not be read.
    """

    benchmarks: tuple[BenchmarkComparison, ...]
    not_comparable: tuple[str, ...] = ()
    random_weights: frozenset[str] = frozenset()
    own_classes: frozenset[str] = frozenset()
    problems: tuple[Fact, ...] = ()

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
