"""Sayings of other stored runs about the result of one of them: one file each, found by being here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from hardiness.benchmarks.accuracy_warnings import CLEAN
from hardiness.benchmarks.own_code import scoring_code
from hardiness.benchmarks.presentation import benchmark_type
from hardiness.core.errors import StoreError
from hardiness.core.registry import Registry, instance_of
from hardiness.core.result import Result
from hardiness.core.run import Run
from hardiness.results.runs import ScoredRun


@dataclass(frozen=True)
class ScoredResult:
    """A run, from which its image table can be had, and its result."""

    run: ScoredRun
    result: Result

    def is_same_model(self, other: ScoredResult) -> bool:
        """Whether both are of one model, computed with the same precision."""
        first, second = self.result.run, other.result.run
        return (first.model, first.precision) == (second.model, second.precision)


def clean_benchmark(run: Run) -> str:
    """The benchmark of the clean photographs that a run's accuracy is held against; its own where it is of these."""
    return benchmark_type(run).clean_twin or CLEAN


def clean_result(each: ScoredResult, scored: Sequence[ScoredResult]) -> ScoredResult | None:
    """The result of the same model on those clean photographs; ``None`` where it was not run on them, or is that."""
    name = clean_benchmark(each.result.run)
    if name == each.result.benchmark:
        return None
    return next((o for o in scored if o.result.benchmark == name and o.is_same_model(each) and o.result.scores), None)


Compare = TypeVar("Compare", bound=Callable[..., Result])


@dataclass(frozen=True)
class RunComparison:
    """A comparison of runs of some cards with other runs.

    Attributes:
        cards: whose results it speaks of; it is not asked about others.
        beside: the benchmark that it sets beside them, about whose own results it is not asked; or empty.
        compare: from one scored run and all of them to its result, with what the others say added, which may be
            nothing. What takes long goes through `ScoredRun.memo`, keyed by the digests of the other runs.
    """

    cards: tuple[str, ...]
    beside: str
    compare: Callable[[ScoredResult, Sequence[ScoredResult]], Result]


registry: Registry[RunComparison] = Registry(
    "comparison", "hardiness.results.comparisons", "hardiness.comparisons", instance_of(RunComparison)
)
"""By name; those that speak of a result's card are asked about it, in the order of the names."""


def speaks_of(name: str, *cards: str, beside: str = "") -> Callable[[Compare], Compare]:
    """Decorator that registers a comparison under a name, as `RunComparison` says."""

    def decorate(function: Compare) -> Compare:
        registry.register(name, RunComparison(cards, beside, function), f"{function.__module__}:{name}")
        return function

    return decorate


def compared(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    """The result of a scored run, with what all comparisons that speak of its card add.

    One of somebody else's that fails is left out, here and from then on.
    """
    result = each.result
    for name in registry.names():
        comparison = registry.get(name)
        if result.run.benchmark.card in comparison.cards and result.benchmark != comparison.beside:
            try:
                with each.run.memo.of_code(scoring_code(comparison.compare)):
                    made = comparison.compare(replace(each, result=result), scored)
                if not isinstance(made, Result):
                    raise TypeError(f"compare must give a Result, gave {type(made).__name__}")
            except Exception as error:
                if isinstance(error, StoreError) or not registry.give_up(name, error):
                    raise
            else:
                result = made
    return result
