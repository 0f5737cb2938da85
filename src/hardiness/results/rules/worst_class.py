"""The classes that have the lowest recall."""

from __future__ import annotations

from hardiness.core.result import Result, Score

WORST_CLASS = "worst_class"

MOST_CLASSES = 3
"""Classes of one recall that are named."""


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
