"""Scores under attack: accuracy and success at each epsilon and number of steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Records, Score
from hardiness.scoring.intervals import wilson
from hardiness.scoring.scorers import Context, registry


@registry.add("attack")
def attack(records: Records, context: Context) -> list[Score]:
    """Clean accuracy, then accuracy, attack success and, under a surrogate, its success by condition.

    Accuracy is the share of all images that what is judged is right on: under ``orhan2019`` the adversarial picture of
    a success and the clean one of a failure. Attack success is the share of all images at the target, or misclassified
    where there is none.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_whitebox.py`` and ``evaluate_blackbox.py``.
    """
    conditions = list(context.run.conditions)
    right = records["prediction"] == records["label"]
    fooled = attack_success(records)
    scores: list[Score] = []
    for index, condition in enumerate(conditions):
        rows = records["condition"] == index
        if not rows.any():
            continue
        if not condition:
            scores.append(_share("clean_accuracy", right[rows], condition))
            continue
        scores.append(_share("accuracy", right[rows], condition))
        scores.append(_share("attack_success", fooled[rows], condition, higher_is_better=False))
        if "surrogate_success" in records:
            reached = records["surrogate_success"][rows] > 0
            scores.append(_share("surrogate_success", reached, condition, higher_is_better=False))
    return scores


def attack_success(records: Records) -> NDArray[np.bool_]:
    """Whether each row is at its target, or, where it has none, misclassified."""
    target = records["target"]
    there, wrong = records["prediction"] == target, records["prediction"] != records["label"]
    return np.asarray(np.where(target >= 0, there, wrong), np.bool_)


def _share(metric: str, hits: NDArray[np.bool_], condition: Condition, higher_is_better: bool = True) -> Score:
    n, count = len(hits), int(np.count_nonzero(hits))
    return Score(metric, count / n, "fraction", n, wilson(count, n), higher_is_better, condition)
