"""What a scorer is, and where scorers are found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hardiness.core import Records, Registry, Run, Score


@dataclass(frozen=True, slots=True)
class Context:
    """What a scorer may know besides the records.

    Attributes:
        run: what the records are of.
        expected: rows that the whole benchmark would have, so that a part is never scored as the whole.
        baseline: what ratios divide by, in the form of the scorer; ``None`` where there is none.
    """

    run: Run = field(default_factory=Run)
    expected: int = 0
    baseline: Mapping[str, Any] | None = None


Scorer = Callable[[Records, Context], list[Score]]
"""Pure: the same records and context give the same scores, headlines first."""

registry: Registry[Scorer] = Registry("scorer", "hardiness.scoring", "hardiness.scorers")

AsBaseline = Callable[[Records, Context], Mapping[str, Any]]
"""The records of a run in the form of `Context.baseline`, so that a stored run can stand in for the published one."""

baselines: Registry[AsBaseline] = Registry("baseline", "hardiness.scoring", "hardiness.baselines")
"""By the name of the scorer that divides by them; scorers that divide by nothing have none."""

Reduction = Callable[[Records, Context], Records]
"""What a scorer needs of the rows of some images, in fewer rows: applied to each part of a run as it is read."""

reductions: Registry[Reduction] = Registry("reduction", "hardiness.scoring", "hardiness.reductions")
"""By the name of the scorer; for runs that have too many rows to be held at once."""
