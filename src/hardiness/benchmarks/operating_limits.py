"""The levels of a corruption that a model was run at, by quantity, and the operating limit that they give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hardiness.core.condition import Condition
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.distortions.levels import Quantity, Strength
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.operating_limits import LevelAnswers, operating_limit

OPERATING_LIMIT = Metric(
    "operating_limit",
    unit="level",
    explanation="the strongest level of a corruption's quantity, as JPEG quality, up to which accuracy stays at or "
    "above a stated one, of the levels that were run. Its interval inverts that of each level and takes accuracy to "
    "fall with the level; where accuracy surely rises again there is no limit.",
)

HALF = 0.5
"""The share of the clean accuracy that is the stated one where nobody states any."""


class CorruptionLevels(NamedTuple):
    """The answers of a model under one corruption, level by level.

    Attributes:
        corruption: its name.
        quantity: whose levels they are.
        levels: the mildest first, each value once.
    """

    corruption: str
    quantity: Quantity
    levels: tuple[LevelAnswers, ...]

    def text(self, value: float) -> str:
        """A level as people write it."""
        return self.quantity.text(value)

    def up_to(self, value: float) -> tuple[LevelAnswers, ...]:
        """The levels that are no stronger than a value."""
        most = self.quantity.strength(value)
        return tuple(level for level in self.levels if self.quantity.strength(level.value) <= most)


def is_of_one_cell(run: Run) -> bool:
    """Whether a run is of a single cell, by itself: of a level that no set has."""
    return "cell" in run.benchmark.options


def strength_of(cell: Condition) -> Strength:
    """The severity or the level of a cell of a corruption."""
    level: Strength = cell["level"] if "level" in cell else cell["severity"]
    return level


def level_text(cell: Condition) -> str:
    """The severity or the level of a cell as people write it."""
    return str(cell["level"]) if "level" in cell else f"severity {cell['severity']}"


def levels_by_corruption(
    tables: Iterable[ImageTable], by_cell: Mapping[Condition, tuple[Quantity, float]]
) -> Iterator[CorruptionLevels]:
    """The levels of each corruption that has a quantity, from the tables of a set's run and of single levels.

    Of a level that two tables have the first counts.

    Args:
        tables: of the set's run, then of single levels.
        by_cell: the quantity of each cell that has one, and its value there.
    """
    answers: dict[str, dict[float, LevelAnswers]] = {}
    quantities: dict[str, Quantity] = {}
    for table in tables:
        for place, cell in enumerate(table.present):
            if (of_cell := by_cell.get(cell)) is None:
                continue
            name, (quantity, value) = str(cell["corruption"]), of_cell
            quantities[name] = quantity
            there = table[RIGHT][:, place] >= 0
            level = LevelAnswers(value, table.ids[there], table[RIGHT][there, place] == 1)
            answers.setdefault(name, {}).setdefault(value, level)
    for name, by_value in answers.items():
        ordered = sorted(by_value.values(), key=lambda level: quantities[name].strength(level.value))
        yield CorruptionLevels(name, quantities[name], tuple(ordered))


def limit_scores(
    corruption_levels: Iterable[CorruptionLevels],
    clean: ImageTable,
    above: float | None = None,
    clusters: Clusters | None = None,
) -> list[Score]:
    """The operating limit of each corruption.

    Args:
        corruption_levels: as of `levels_by_corruption`.
        clean: a table with clean pictures, where no accuracy is stated.
        above: the accuracy that is stated, in (0, 1); ``None`` for half of the clean one.
        clusters: of the pictures; ``None`` where each stands alone.
    """
    if above is None:
        right = clean.cell(RIGHT, Condition())
        if not len(right) or not right.any():
            return []
        above = round(HALF * float(np.mean(right == 1)), 4)
    return [_score(levels, above, clusters) for levels in corruption_levels]


def _score(levels: CorruptionLevels, above: float, clusters: Clusters | None) -> Score:
    quantity = levels.quantity
    limit = operating_limit(levels.levels, above, (quantity.mildest, quantity.strongest), levels.text, clusters)
    score = OPERATING_LIMIT.score(
        limit.value,
        limit.n,
        limit.interval,
        Condition(corruption=levels.corruption, above=above),
        reason=limit.reason or None,
        interval_reason=limit.interval_reason,
    )
    return replace(
        score,
        unit=quantity.title,
        higher_is_better=quantity.stronger == "up",
        clusters=clusters.count(levels.levels[0].ids) if clusters is not None else score.clusters,
    )


def doubts_on_falling(corruption_levels: Iterable[CorruptionLevels], scores: Sequence[Score]) -> Iterator[str]:
    """A line for each corruption whose levels contradict, within chance, that accuracy falls with the level.

    Args:
        corruption_levels: as of `levels_by_corruption`.
        scores: the limits of these.
    """
    limits = {str(score.condition["corruption"]): score for score in scores}
    for levels in corruption_levels:
        score = limits.get(levels.corruption)
        if score is None or score.value is None:
            continue
        above = float(score.condition["above"])
        beyond = [level for level in levels.levels if level not in levels.up_to(score.value)]
        if again := [level for level in beyond if level.accuracy >= above]:
            first, last = beyond[0], again[-1]
            yield (
                f"{levels.corruption}: accuracy is {100 * first.accuracy:.1f} % at {levels.text(first.value)} and "
                f"{100 * last.accuracy:.1f} % at {levels.text(last.value)}, which is stronger; that may be chance, and "
                "operating_limit takes accuracy to fall with the level"
            )
