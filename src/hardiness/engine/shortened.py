"""A benchmark whose attack takes a part of its steps: what it costs says what the whole costs at most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hardiness.core import (
    AttackPlan,
    Benchmark,
    Canvas,
    Columns,
    Condition,
    DataRoot,
    DataSet,
    Expansion,
    Item,
    Round,
    Unreadable,
)


def steps_of(plan: AttackPlan) -> int:
    """Steps that a plan takes at most on one image, over all rounds and restarts."""
    return sum(each.steps * each.restarts for each in plan.rounds)


class Shortened(Benchmark):
    """The same benchmark, each of its attack's rounds cut to a share of its steps; nothing it gives is a result.

    Args:
        whole: the benchmark.
        share: of the steps of each round, in (0, 1]; at least one step is left.
    """

    def __init__(self, whole: Benchmark, share: float) -> None:
        self.whole_benchmark, self.share = whole, share
        self.name, self.card, self.protocol = whole.name, whole.card, whole.protocol  # type: ignore[misc]
        self.canvas, self.shard_items = whole.canvas, whole.shard_items  # type: ignore[misc]

    @property
    def attack(self) -> AttackPlan | None:
        """The plan with fewer steps."""
        plan = self.whole_benchmark.attack
        return plan and replace(plan, rounds=tuple(map(self._cut, plan.rounds)))

    def _cut(self, each: Round) -> Round:
        steps = max(1, math.ceil(each.steps * self.share))
        return replace(each, marks={steps: each.marks[each.steps]})

    def dataset(self, data: DataRoot) -> DataSet:
        """As the whole one's."""
        return self.whole_benchmark.dataset(data)

    def conditions(self) -> tuple[Condition, ...]:
        """As the whole one's."""
        return self.whole_benchmark.conditions()

    def requested(self) -> tuple[Condition, ...]:
        """As the whole one's."""
        return self.whole_benchmark.requested()

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | Unreadable]:
        """As the whole one's."""
        return self.whole_benchmark.expand(item, conditions, canvases, seed)

    def decide(self, logits: Any, labels: Any) -> Columns:
        """As the whole one's."""
        return self.whole_benchmark.decide(logits, labels)

    def identity(self) -> dict[str, Any]:
        """As the whole one's."""
        return self.whole_benchmark.identity()
