"""The mean error of the set that a corruption set is compared with, beside its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.benchmarks.presentation import benchmark_type
from hardiness.core.result import Result
from hardiness.results.comparisons import ScoredResult, speaks_of


@speaks_of("set_beside", "corruption")
def set_beside(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    """The result with the other set's mean error behind its own, where that model was run on all of that set too.

    Of the same photographs where these were generated; of stored sets, whatever photographs they hold.
    """
    result = each.result
    other_set = benchmark_type(result.run).sibling
    mean = next((score for score in result.scores if score.metric == "mean_error" and not score.condition), None)
    if not other_set or mean is None:
        return result
    for other in scored:
        same_data = other.result.data in (result.data, other_set) or result.data == result.benchmark
        whole = bool(other.result.scores) and not any(s.metric.endswith("_partial") for s in other.result.scores)
        if other.result.benchmark == other_set and other.is_same_model(each) and same_data and whole:
            metric = f"{other_set.replace('-', '_')}_mean_error"
            beside = replace(other.result.score("mean_error"), metric=metric)
            after = [*result.scores].index(mean) + 1
            return replace(result, scores=[*result.scores[:after], beside, *result.scores[after:]])
    return result
