"""What looks at a run's records for reasons to distrust its scores, found by the name of the scorer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hardiness.core import Finding, Records, Registry, Score
from hardiness.scoring.scorers import Context

Inspector = Callable[[Records, Context, Sequence[Score]], list[Finding]]
"""Pure, like a scorer: the same records, context and scores give the same findings, raised ones and others."""

registry: Registry[Inspector] = Registry("inspector", "hardiness.scoring", "hardiness.inspectors")


def findings(scorer: str, records: Records, context: Context, scores: Sequence[Score]) -> list[Finding]:
    """The findings about a run; none where its scorer has no inspector."""
    return registry.get(scorer)(records, context, scores) if scorer in registry else []
