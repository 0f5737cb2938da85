"""The table of models of one section: a row each, with what was published beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.core import Result, Score
from hardiness.reference import Published, published, published_for
from hardiness.report import format as formatting
from hardiness.report.beside import difference
from hardiness.report.ranking import Standing
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.scoring.leaderboard import names_of


@dataclass(frozen=True, slots=True)
class TableCell:
    """One number: as text, its interval, its place on a scale from 0 to 1, its rank, what was published, its noise."""

    score: Score
    value: str
    interval: str
    rank: Standing | None
    published: str
    source: str
    difference: str
    noise: float = 0.0
    doubt: str = ""

    @property
    def noise_text(self) -> str:
        """How far the protocol itself moves it, in points; empty where that was not measured."""
        return f"±{100 * self.noise:.2f}" if self.noise else ""

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


def _cell(result: Result, score: Score, rank: Standing | None) -> TableCell:
    if score.value is None:
        return TableCell(score, "undefined", "", None, "", "", "")
    known = _published(result, score)
    values = sorted({formatting.number(each.value, each.unit) for each in known})
    return TableCell(
        score=score,
        value=formatting.number(score.value, score.unit),
        interval=formatting.interval(score.interval, score.unit) if score.interval else "",
        rank=rank,
        published=" / ".join(values),
        source="; ".join(dict.fromkeys(each.source for each in known)),
        difference=difference(result, score, known),
        noise=_noise(result, score),
        doubt=score.doubt,
    )


def _noise(result: Result, score: Score) -> float:
    """How far the protocol itself moves the score, where that was measured; else 0."""
    wanted = (score.metric, dict(score.condition))
    known = result.details.get("noise", ())
    return next((each["noise"] for each in known if (each["metric"], each["condition"]) == wanted), 0.0)


def _published(result: Result, score: Score) -> Sequence[Published]:
    """What was published of this number under the same protocol; nothing beside what was itself published."""
    if result.data.startswith("own-") or result.measured.get("published"):
        return ()
    recognised = (
        each
        for name in names_of(result)[1:]
        for each in published(name, result.benchmark, score.metric, score.condition)
    )
    return [*published_for(result.run.model, result.benchmark, score.metric, score.condition), *recognised]
