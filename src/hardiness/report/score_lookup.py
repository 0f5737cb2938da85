"""The scores of one result, looked up by metric and condition."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.report.charts import GridCell


class ScoreLookup:
    """The scores of one result, by metric and condition: ``lookup.value("accuracy", epsilon=0.01)``."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._scores = {(score.metric, score.condition): score for score in scores}

    def __contains__(self, key: object) -> bool:
        return key in self._scores

    def score(self, metric: str, **condition: str | float) -> Score | None:
        """The score; ``None`` where there is none."""
        return self._scores.get((metric, Condition(**condition)))

    def value(self, metric: str, **condition: str | float) -> float | None:
        """The score's value; ``None`` where there is none."""
        score = self.score(metric, **condition)
        return score.value if score else None

    def cell(self, metric: str, *, shaded: bool = True, **condition: str | float) -> GridCell | None:
        """The score as a cell of a grid; ``None`` where there is none."""
        score = self.score(metric, **condition)
        return GridCell(score.value, score.unit, shaded) if score else None
