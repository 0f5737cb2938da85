"""The results of a folder, as a sequence and as a table for pandas and its kin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any, overload

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.level_parameters import cell_of_condition, parameters_of_result
from hardiness.core.answers import mark_notes
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Result, Score
from hardiness.report.format import PlainConsole
from hardiness.report.marks import marks_in_export
from hardiness.report.sections import Places, sections
from hardiness.report.slices import NO_SLICE, slice_rows
from hardiness.report.tables import Form, ends_of, table_of
from hardiness.report.terminal import score_tables, score_views
from hardiness.report.words import line, text, why_undefined, with_texts
from hardiness.results.results import group_of
from hardiness.results.run_names import differences_of
from hardiness.sources.files import shown


class StoredResults(Sequence["TabledResult"]):
    """Results in the order of the tables; it prints as these, and `table` gives every score as a row.

    Attributes:
        problems: a line for each thing that could not be evaluated or read.
        level: of the intervals that `table` gives; what is printed has intervals of 95 %.
        everything: whether all scores of whole benchmarks are printed, and not the headlines alone.
    """

    level, everything = 0.95, False

    def __init__(self, results: Iterable[Result], problems: Iterable[Fact] = ()) -> None:
        self._results = tuple(map(TabledResult.of, results))
        self.problems = tuple(dict.fromkeys(map(line, problems)))

    @overload
    def __getitem__(self, index: int) -> TabledResult: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TabledResult]: ...

    def __getitem__(self, index: int | slice) -> TabledResult | Sequence[TabledResult]:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from score_tables(self._results, self.everything)
        yield from (Text(f"! {problem}") for problem in self.problems)

    def __str__(self) -> str:
        console = PlainConsole(width=160)
        with console.capture() as captured:
            console.print(self)
        return captured.get()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The tables as HTML, for a notebook."""
        problems = "".join(f"<p>{escape(problem)}</p>" for problem in self.problems)
        return "".join(view.html() for view in score_views(self._results, self.everything)) + problems

    def table(self, form: Form = "pyarrow", *, places: Places | None = None) -> Any:
        """A table, one row a score: what it is of, value, interval, n, and a column for each condition key.

        ``headline`` is true of the scores that stand for their benchmark, as ``hardiness show`` prints them without
        ``--all``; ``condition`` says in words what a score is of, e.g. ``fog, severity 3``, and is empty where that is
        the whole benchmark. ``marks`` says what is amiss with the result, as the page does: ``partial``,
        ``demo-sized``, ``cannot tell`` … ``options`` says what tells a row from others of the same model and table,
        e.g. ``crop_px=288`` or ``seed 1``, and is empty where there is no other. Values are fractions of 1 or in the
        unit beside them; ``low`` and ``high`` bound the 95 % interval; ``n`` is images; ``doubt`` is "withdrawn",
        "not checked" or "upper bound" where the report on an attack does not stand by the value, and empty elsewhere.

        Where a score is of a corruption at a severity or level, ``parameters`` says with which, e.g. ``quality 18``.

        Where pictures come in clusters, ``clusters`` says how many a score rests on, and its interval is over these.

        Where scores by slice were asked for, each is a row too, and five columns say which: ``slice`` is the column of
        the pictures, and ``slice_row`` is ``value`` for one value of it, which ``slice_value`` names, ``worst`` and
        ``gap`` for the worst slice and its distance to the best, and ``mix`` for the average in other proportions. The
        ends of a ``value`` hold for all values of the column at once. ``slice_difference`` is the value less that of
        all other pictures, and ``slice_p`` the p-value of "as the rest", adjusted by Holm.

        Args:
            form: ``"pyarrow"`` for a ``pyarrow.Table``, ``"pandas"`` for a ``pandas.DataFrame``.
            places: of the models by each score, as `places_of` gives them: two columns more, ``place`` and
                ``place_worst``, from 1.

        Raises:
            ArgumentError: there is no such form, or pandas is not installed.
        """
        differences, headlines = _differences_by_id(self._results), _headlines(self._results)
        has_slices = any(result.slices for result in self._results)
        has_clusters = any(result.clusters for result in self._results)
        has_levels = any("parameters" in result.measured for result in self._results)
        rows = []
        for result in self._results:
            card = card_of(result.run)
            parameters = {cell: each.text for cell, each in parameters_of_result(result).items()}
            for score in result.scores:
                row = _row(result, score, self.level)
                row["options"] = differences[id(result)]
                row["headline"] = (result.key, score.metric, score.condition) in headlines
                row["condition"] = shown(card.named(score.condition))
                row |= {"parameters": parameters.get(cell_of_condition(score.condition), "")} if has_levels else {}
                if places is not None:
                    place = places.get((result.run.key, score.metric, score.condition))
                    row |= {"place": place and place.best, "place_worst": place and place.worst}
                row |= {"clusters": score.clusters or None} if has_clusters else {}
                row |= NO_SLICE if has_slices else {}
                rows.append((row, score.condition))
            for sliced in result.slices:
                about = {"options": differences[id(result)], "headline": False}
                about["condition"] = shown(card.named(sliced.condition))
                about |= {"parameters": ""} if has_levels else {}
                about |= {} if places is None else {"place": None, "place_worst": None}
                for score, cells in slice_rows(sliced):
                    of_clusters = {"clusters": score.clusters or None} if has_clusters else {}
                    rows.append(({**_row(result, score, self.level), **about, **of_clusters, **cells}, score.condition))
        return table_of(rows, form, integers=("place", "place_worst", "clusters"))


@dataclass(frozen=True, repr=False)
class TabledResult(Result):
    """A result whose scores are a table too."""

    @classmethod
    def of(cls, result: Result) -> TabledResult:
        """A result with a table: itself where it has one already."""
        if isinstance(result, TabledResult):
            return result
        return cls(**{field.name: getattr(result, field.name) for field in fields(Result)})

    def _told(self, fact: Fact) -> str:
        """A fact in words; of a check with its name."""
        is_check = fact.outcome is not None or fact.trust is not None
        return f"{fact.code}: {text(fact)}" if is_check else text(fact)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, one entry of ``results.json``, with the texts of facts."""
        return with_texts(super().as_dict())  # type: ignore[no-any-return]

    def table(self, form: Form = "pyarrow") -> Any:
        """A table, one row a score; columns and arguments as of `StoredResults.table`."""
        return StoredResults([self]).table(form)


def _headlines(results: Sequence[Result]) -> set[tuple[str, str, Condition]]:
    """Key, metric and condition of the scores that stand for their benchmark."""
    return {
        (result.key, column.metric, column.condition)
        for section in sections(results, figures=False)
        for column in section.section.columns
        if column.headline
        for result in section.results
    }


def _differences_by_id(results: Sequence[Result]) -> dict[int, str]:
    """The words that tell each result from others of its model in its table, by the result's id; else empty."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(group_of(result), []).append(result)
    return {
        id(result): text for group in groups.values() for result, text in zip(group, differences_of(group), strict=True)
    }


def _row(result: Result, score: Score, level: float) -> dict[str, Any]:
    interval = score.spread.interval(level) if score.spread else None
    return {
        "model": shown(result.model),
        "precision": result.run.precision,
        "benchmark": result.benchmark,
        "data": shown(result.data),
        "complete": result.counts.complete,
        "marks": ", ".join([*marks_in_export(result, score), *mark_notes([result.name])]),
        "metric": score.metric,
        "value": score.value,
        **ends_of(interval),
        "unit": score.unit,
        "n": score.n,
        "higher_is_better": score.higher_is_better,
        "reason": shown(why_undefined(score)) or None,
        "doubt": score.doubt,
        "run": result.key,
    }
