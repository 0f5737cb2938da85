"""The rows of a section's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.benchmarks.accuracy_warnings import is_part
from hardiness.benchmarks.presentation import is_of_published_data
from hardiness.core.result import PARTIAL, Result, Score
from hardiness.reference.published_numbers import PublishedNumber, published, published_for
from hardiness.report import format as formatting
from hardiness.report.beside import difference
from hardiness.report.marks import caveat
from hardiness.report.notes import names_of
from hardiness.report.places import PlaceRange
from hardiness.report.sections import BenchmarkSection, score_of


@dataclass(frozen=True, slots=True)
class TableCell:
    """One number: as text, its interval, its place on a scale from 0 to 1, its rank, what was published, its noise."""

    score: Score
    value: str
    interval: str
    rank: PlaceRange | None
    published: str
    source: str
    difference: str
    noise: float = 0.0
    noise_n: int = 0
    doubt: str = ""

    @property
    def noise_text(self) -> str:
        """The least by which the protocol itself moves the number, in points; empty where no movement is known."""
        return f"at least ±{100 * self.noise:.2f} (n = {self.noise_n:,})" if self.noise else ""

    @property
    def scaled(self) -> bool:
        """Whether it can be drawn on the scale from 0 to 1."""
        interval = self.score.interval
        return self.score.unit == "fraction" and interval is not None and 0 <= interval.low <= interval.high <= 1


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model's numbers, ``None`` where it has none."""

    result: Result
    cells: tuple[TableCell | None, ...]

    @property
    def is_partial(self) -> bool:
        """Whether it is of fewer images or conditions than were published."""
        return is_part(self.result)

    @property
    def published(self) -> bool:
        """Whether any number of it was published."""
        return any(cell is not None and cell.published for cell in self.cells)


def rows_of(shown: BenchmarkSection) -> list[ModelRow]:
    """The rows of a section's table, in the order of its results."""
    columns = shown.section.columns
    places = [shown.places(column) if len(shown.results) > 1 else {} for column in columns]
    return [
        ModelRow(
            result,
            tuple(
                _cell(result, score, place.get(result.name)) if (score := score_of(result, column)) else None
                for column, place in zip(columns, places, strict=True)
            ),
        )
        for result in shown.results
    ]


def _cell(result: Result, score: Score, rank: PlaceRange | None) -> TableCell:
    if score.value is None:
        return TableCell(score, "undefined", "", None, "", "", "")
    peers = _published(result, score)
    noise, noise_n = _noise(result, score)
    values = sorted({formatting.number(each.value, each.unit) for each in peers})
    return TableCell(
        score=score,
        value=formatting.number(score.value, score.unit),
        interval=formatting.interval(score.interval, score.unit) if score.interval else "",
        rank=rank,
        published=" / ".join(values),
        source="; ".join(dict.fromkeys(each.source for each in peers)),
        difference=difference(result, score, peers),
        noise=noise,
        noise_n=noise_n,
        doubt=caveat(result, score),
    )


def _noise(result: Result, score: Score) -> tuple[float, int]:
    """How far the protocol itself moves the score at least, and on how many images; 0 and 0 where nothing is known."""
    key = (score.metric.removesuffix(PARTIAL), dict(score.condition))
    movements = result.details.get("noise", ())
    movement = next((n for n in movements if (n["metric"].removesuffix(PARTIAL), n["condition"]) == key), None)
    return (movement["noise"], movement["n"]) if movement else (0.0, 0)


def _published(result: Result, score: Score) -> Sequence[PublishedNumber]:
    """The published numbers of this score under the same protocol; none beside what was itself published."""
    is_of_own_classes = bool(result.run.data.is_own or result.run.data.classes) and not is_of_published_data(result.run)
    if is_of_own_classes or result.measured.get("published"):
        return ()
    recognised = (
        each
        for name in names_of(result)[1:]
        for each in published(name, result.benchmark, score.metric, score.condition)
    )
    return [*published_for(result.run.model, result.benchmark, score.metric, score.condition), *recognised]
