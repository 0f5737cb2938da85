"""What other stored runs say about the result of one of them: one file each, found by being here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hardiness.core import Registry, Result
from hardiness.results.runs import ScoredRun


@dataclass(frozen=True)
class Scored:
    """A run, from which its image table can be had, and its result."""

    run: ScoredRun
    result: Result

    def is_same_model(self, other: Scored) -> bool:
        """Whether both are of one model, computed with the same precision."""
        first, second = self.result.run, other.result.run
        return (first.model, first.precision) == (second.model, second.precision)


Comparison = Callable[[Scored, Sequence[Scored]], Result]
"""From one scored run and all of them to its result, with what the others say added; unchanged where they say nothing.

What takes long goes through `ScoredRun.remember`, keyed by the digests of the other runs."""

registry: Registry[Comparison] = Registry("comparison", "hardiness.results.comparisons", "hardiness.comparisons")
"""By name; each is asked about every result, in the order of the names."""
