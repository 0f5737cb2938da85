"""What a scorer is, and where scorers are found by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hardiness.core import Records, Registry, Score


@dataclass(frozen=True, slots=True)
class Context:
    """What a scorer may know besides the records.

    Attributes:
        run: the run's identity: benchmark, options, model, data.
        expected: rows that the whole benchmark would have, so that a part is never scored as the whole.
        baseline: what ratios divide by, in the form of the scorer; ``None`` where there is none.
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    expected: int = 0
    baseline: Mapping[str, Any] | None = None


Scorer = Callable[[Records, Context], list[Score]]
"""Pure: the same records and context give the same scores, headlines first."""

registry: Registry[Scorer] = Registry("scorer", "hardiness.metrics", "hardiness.scorers")
