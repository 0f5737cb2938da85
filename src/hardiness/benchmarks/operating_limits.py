"""The levels of a corruption at which a model was run, and the operating limit that they give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.distortions.levels import Parameter, Quantity, Strength
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.operating_limits import LevelAnswers, operating_limit

OPERATING_LIMIT = Metric(
    "operating_limit",
    unit="level",
    explanation="the strongest level of a corruption's quantity, as JPEG quality, up to which accuracy stays at or "
    "above a stated one, of the levels that were run; half of the clean accuracy where none is stated. Its interval "
    "inverts that of each level and takes accuracy to fall with the level. There is no limit where accuracy holds at "
    "all levels, or surely rises again.",
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
        """A level in a sentence, as ``quality 17``."""
        return str(Parameter(self.quantity.name, value, self.quantity.unit))

    def up_to(self, value: float) -> tuple[LevelAnswers, ...]:
        """The levels that are no stronger than a value."""
        most = self.quantity.strength(value)
        return tuple(level for level in self.levels if self.quantity.strength(level.value) <= most)


def is_of_level(run: Run) -> bool:
    """Whether a run is of one level of a corruption."""
    return bool(run.benchmark.options.get("cell"))


def strength_of(cell: Condition) -> Strength:
    """The severity or the level of a cell of a corruption."""
    level: Strength = cell["level"] if "level" in cell else cell["severity"]
    return level


def levels_by_corruption(
    tables: Iterable[ImageTable], by_cell: Mapping[Condition, tuple[Quantity, float]]
) -> Iterator[CorruptionLevels]:
    """The levels of each corruption, the mildest first, from their tables.

    Args:
        tables: one a level.
        by_cell: the quantity of each level, and its value there.
    """
    answers: dict[str, list[LevelAnswers]] = {}
    quantities: dict[str, Quantity] = {}
    for table in tables:
        for cell in table.present:
            if cell in by_cell:
                name, (quantity, value) = str(cell["corruption"]), by_cell[cell]
                quantities[name] = quantity
                answer = LevelAnswers(value, table.ids_under(cell), table.cell(RIGHT, cell) == 1)
                answers.setdefault(name, []).append(answer)
    for name, levels in answers.items():
        ordered = sorted(levels, key=lambda level: quantities[name].strength(level.value))
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
    metric = replace(OPERATING_LIMIT, unit=quantity.title, higher_is_better=quantity.stronger == "up")
    ends = quantity.mildest, quantity.strongest
    score = operating_limit(metric, levels.levels, above, ends, levels.text, clusters)
    return replace(score, condition=Condition(corruption=levels.corruption, above=above))


def doubts_on_falling(corruption_levels: Iterable[CorruptionLevels], scores: Sequence[Score]) -> Iterator[Fact]:
    """A fact for each corruption whose levels contradict, within chance, that accuracy falls with the level.

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
            yield Fact(
                RunRemark.LEVELS_CONTRADICT,
                {
                    "corruption": levels.corruption,
                    "weaker": (levels.text(first.value), first.accuracy),
                    "stronger": (levels.text(last.value), last.accuracy),
                },
            )
