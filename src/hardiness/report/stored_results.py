"""The results of a folder, as a sequence and as a table for pandas and its kin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, overload

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from hardiness.core.answers import mark_notes
from hardiness.core.result import Result, Score
from hardiness.report.format import PlainConsole
from hardiness.report.marks import marks_in_export
from hardiness.report.sections import Places
from hardiness.report.terminal import score_tables, score_views
from hardiness.results.results import group_of
from hardiness.results.run_names import differences_of
from hardiness.sources.files import shown

if TYPE_CHECKING:
    import pyarrow as pa


class StoredResults(Sequence[Result]):
    """Results in the order of the tables; it prints as these, and `table` gives every score as a row.

    Attributes:
        problems: a line for each thing that could not be evaluated.
    """

    def __init__(self, results: Iterable[Result], problems: Sequence[str] = ()) -> None:
        self._results = tuple(results)
        self.problems = tuple(problems)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | Sequence[Result]:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from score_tables(self._results)
        yield from (Text(f"! {problem}") for problem in self.problems)

    def __str__(self) -> str:
        console = PlainConsole(width=160)
        with console.capture() as captured:
            console.print(self)
        return captured.get()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        problems = "".join(f"<p>{escape(problem)}</p>" for problem in self.problems)
        return "".join(view.html() for view in score_views(self._results)) + problems

    def table(self, places: Places | None = None) -> pa.Table:
        """A pyarrow table, one row a score: what it is of, value, interval, n, and a column for each condition key.

        ``marks`` says what is amiss with the result, as the page does: ``partial``, ``demo-sized``, ``cannot tell`` …
        ``options`` says what tells a row from others of the same model and table, e.g. ``crop_px=288`` or ``seed 1``,
        and is empty where there is no other. Values are fractions of 1 or in the unit beside them; ``low`` and ``high``
        bound the 95 % interval; ``n`` is images; ``doubt`` is "withdrawn" or "not checked" where the report on an
        attack does not stand by the value, and empty elsewhere. ``.to_pandas()`` makes it a data frame.

        Args:
            places: of the models by each score, as `places_of` gives them: two columns more, ``place`` and
                ``place_worst``, from 1.
        """
        import pyarrow as pa

        apart = _told_apart(self._results)
        rows = [(result, score) for result in self._results for score in result.scores]
        keys = dict.fromkeys(key for _, score in rows for key in score.condition)
        columns: dict[str, Any] = {name: [] for name in _row(*rows[0])} if rows else {}
        for result, score in rows:
            for name, value in _row(result, score).items():
                columns[name].append(value)
        columns["options"] = [apart[id(result)] for result, _ in rows]
        if places is not None:
            ranks = [places.get((result.run.key, score.metric, score.condition)) for result, score in rows]
            columns["place"] = pa.array([rank and rank.best for rank in ranks], pa.int64())
            columns["place_worst"] = pa.array([rank and rank.worst for rank in ranks], pa.int64())
        for key in keys:
            columns[key] = _of_one_kind([score.condition.get(key) for _, score in rows])
        return pa.table(columns)


def _told_apart(results: Sequence[Result]) -> dict[int, str]:
    """What tells each result from others of its model in its table, by the result's id; else nothing."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(group_of(result), []).append(result)
    return {
        id(result): text for group in groups.values() for result, text in zip(group, differences_of(group), strict=True)
    }


def _row(result: Result, score: Score) -> dict[str, Any]:
    return {
        "model": shown(result.model),
        "precision": result.run.precision,
        "benchmark": result.benchmark,
        "data": shown(result.data),
        "complete": result.counts.complete,
        "marks": ", ".join([*marks_in_export(result, score), *mark_notes([result.name])]),
        "metric": score.metric,
        "value": score.value,
        "low": score.interval.low if score.interval else None,
        "high": score.interval.high if score.interval else None,
        "unit": score.unit,
        "n": score.n,
        "higher_is_better": score.higher_is_better,
        "reason": score.reason and shown(score.reason),
        "doubt": score.doubt,
        "run": result.key,
    }


def _of_one_kind(values: list[Any]) -> list[Any]:
    """The values as they are where all are numbers, else as text: a column has one type."""
    given = [value for value in values if value is not None]
    if all(isinstance(value, int) for value in given):
        return values
    if all(isinstance(value, int | float) for value in given):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else shown(str(value)) for value in values]
