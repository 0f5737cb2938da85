"""A shifted data set beside the clean validation set, on the same classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hardiness.benchmarks.accuracy_warnings import CLEAN
from hardiness.benchmarks.shares import CLEAN_TOP1, TOP1_DROP, accuracy
from hardiness.core.result import Result, Score
from hardiness.core.table import ImageTable
from hardiness.results.clustered import clustered_score, without_interval
from hardiness.results.comparisons import ScoredResult, clean_result, speaks_of
from hardiness.results.runs import without_clusters
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.spreads.combined import Sum


@speaks_of("drop_from_clean", "classification", "subset_classification", beside=CLEAN)
def drop_from_clean(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    """The result with clean top-1 on the same classes beside it, where that model was run on ``imagenet-val`` too."""
    result = each.result
    if not result.scores:
        return result
    clean = clean_result(each, scored)
    if clean is None:
        return result

    def compute() -> list[Score]:
        within = f"answer_{result.benchmark}"
        return beside_clean(each.run.table, result.score("top1"), clean.run.table, within, clean.run.clusters)

    is_clustered = each.run.clusters is not None or clean.run.clusters is not None
    beside = (
        compute() if is_clustered else each.run.memo.record(list[Score], "drop_from_clean", clean.run.digest, compute)
    )
    if lack := without_clusters(each.run, clean.run):
        beside = [without_interval(score, lack) if score.metric == TOP1_DROP.name else score for score in beside]
    clean.run.release()
    return replace(result, scores=sorted([*result.scores, *beside], key=lambda s: not set(s.condition) <= {"protocol"}))


def beside_clean(
    shifted: ImageTable, shifted_top1: Score, clean: ImageTable, within: str, clusters: Clusters | None = None
) -> list[Score]:
    """Clean top-1 on the classes of a shifted data set, and how far the shifted top-1 lies below it.

    Args:
        shifted: the shifted data set's table; only its labels are used.
        shifted_top1: its headline score.
        clean: table of ``imagenet-val`` of the same model.
        within: the clean answer to compare with, where the table has it: that within the same 200 classes; else the
            one among all classes.
        clusters: of the clean table's pictures; ``None`` where each stands alone.

    Returns:
        ``clean_top1`` and ``top1_drop`` (clean minus shifted), or nothing where the classes do not meet.

    Source: Recht et al. (2019), arXiv:1902.10811, and Hendrycks et al. (2020), arXiv:2006.16241, for the comparison;
        Newcombe (1998), method 10, for the interval of a difference of independent proportions.
    """
    same = np.isin(clean.label, np.unique(shifted.label))
    if not same.any() or shifted_top1.value is None:
        return []
    answer = clean[within] if within in clean else clean["answer"][:, 0]
    clean_top1 = accuracy(CLEAN_TOP1, (answer == clean.label)[same], ids=clean.ids[same])
    clean_top1 = clustered_score(clean_top1, clusters) if clusters else replace(clean_top1, basis=None)
    assert clean_top1.value is not None
    difference = clean_top1.value - shifted_top1.value
    if clean_top1.spread is None or shifted_top1.spread is None:
        drop = TOP1_DROP.score(difference, shifted_top1.n, lack=clean_top1.lack or shifted_top1.lack)
    else:
        spread = Sum(difference, (clean_top1.spread,), (shifted_top1.spread,))
        drop = TOP1_DROP.score(difference, shifted_top1.n, spread)
    return [clean_top1, replace(drop, clusters=shifted_top1.clusters)]
