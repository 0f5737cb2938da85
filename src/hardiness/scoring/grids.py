"""Scores as the cells of a grid."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core import Condition, GridCell, Score


class Lookup:
    """The scores of one result, found by metric and condition."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._found = {(score.metric, score.condition): score for score in scores}

    def __contains__(self, key: object) -> bool:
        return key in self._found

    def cell(self, metric: str, *, shaded: bool = True, **condition: str | float) -> GridCell | None:
        """The cell of a score; ``None`` where there is none."""
        score = self._found.get((metric, Condition(**condition)))
        return GridCell(score.value, score.unit, shaded) if score else None
