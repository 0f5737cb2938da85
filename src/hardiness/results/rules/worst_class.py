"""The evidence of the lowest recall of all classes."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.result import Result, Score
from hardiness.results.rules.scores import hits_of
from hardiness.statistics.verdicts import Evidence

WORST_CLASS = "worst_class"

MOST_EXACT = 300
"""Classes up to which the lowest recall is judged exactly: the ends of its interval take a millisecond for each."""

MOST_CLASSES = 3
"""Classes of one recall that are named."""


def evidence_of_lowest(result: Result, worst: Score, *, clustered: bool) -> Evidence | None:
    """The evidence of the lowest recall, from those of all classes; ``None`` where its own interval is all there is.

    Args:
        result: whose.
        worst: its lowest recall.
        clustered: whether its pictures come in clusters.
    """
    recalls = [each for each in _recalls_beside(result, worst) if each.value is not None]  # a class may be empty
    if len(recalls) > MOST_EXACT:
        return None
    return Evidence.from_lowest_clustered(recalls) if clustered else _evidence_of_shares(recalls)


def _evidence_of_shares(recalls: Sequence[Score]) -> Evidence | None:
    """The evidence of the lowest of some recalls; ``None`` where one is no share of pictures."""
    counts = [
        (hits, each.n)
        for each in recalls
        if each.value is not None
        and each.interval is not None
        and (hits := hits_of(each.value, each.n, each.interval)) is not None
    ]
    if not counts or len(counts) < len(recalls):
        return None
    return Evidence.from_lowest(*map(list, zip(*counts, strict=True)))


def lowest_classes(result: Result, worst: Score) -> list[str]:
    """The classes whose recall is the lowest one, by name; a few of many."""
    names = [str(each.condition["class"]) for each in _recalls_beside(result, worst) if each.value == worst.value]
    return names if len(names) <= MOST_CLASSES else [*names[:MOST_CLASSES], f"{len(names) - MOST_CLASSES} more"]


def _recalls_beside(result: Result, worst: Score) -> list[Score]:
    """The recall of each class under the condition of the lowest one."""
    return [
        score
        for score in result.scores
        if score.metric == "recall"
        and "class" in score.condition
        and {key: value for key, value in score.condition.items() if key != "class"} == dict(worst.condition)
    ]
