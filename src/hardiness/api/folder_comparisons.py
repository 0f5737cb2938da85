"""The models of one or more output folders on the same images, as far as a page has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.core import ArgumentError, Result
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison, compare
from hardiness.scoring.statistics.kept_comparisons import kept_comparisons
from hardiness.store import Store

DETAILED_MOST = 6
"""Models up to which a page says more of each pair than its scores: 15 pairs. Their number grows with its square."""


def comparisons_of(
    stores: Sequence[Store], found: Sequence[Result], baseline: str | None = None
) -> list[BenchmarkComparison]:
    """The models of one or more folders on the same images; none where there are fewer than two.

    Of more than `DETAILED_MOST` models nothing is said but their scores, which one folder keeps.

    Args:
        stores: the folders.
        found: what they hold.
        baseline: a model whose stored runs the ratios of ``found`` divide by, instead of the published baseline.
    """
    models = {result.name for result in found if not result.measured.get("published")}
    detailed = len(models) <= DETAILED_MOST
    kept = kept_comparisons(stores[0], found, baseline) if len(stores) == 1 else []
    if kept and not detailed:
        return kept
    try:
        compared = compare(stores, details=detailed, baseline_model=baseline, kept=kept)
    except ArgumentError:
        return []
    return compared if len(stores) == 1 else [_under_own_names(each) for each in compared]


def _under_own_names(found: BenchmarkComparison) -> BenchmarkComparison:
    """The scores of a comparison of several folders, without their names before those of models.

    Where two folders hold a model of one name, no score is left: which of them is meant cannot be told.
    """
    own = {name: name.partition("/")[2] for score in found.scores for name in score.values}
    if len(set(own.values())) < len(own):
        return replace(found, scores=(), details=(), effective=())
    scores = [
        replace(
            score,
            values={own[name]: value for name, value in score.values.items()},
            pairs={(own[first], own[second]): pair for (first, second), pair in score.pairs.items()},
            ranks={own[name]: rank for name, rank in score.ranks.items()},
        )
        for score in found.scores
    ]
    return replace(found, scores=tuple(scores), details=(), effective=())
