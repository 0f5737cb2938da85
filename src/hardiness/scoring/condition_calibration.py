"""Calibration under each condition of a run: photographs as they are, with a watermark or a word, or attacked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hardiness.core import RIGHT, Condition, ImageTable, Score
from hardiness.scoring.shares import CALIBRATION, EXPLANATIONS, TITLES
from hardiness.scoring.shift_calibration import fewer_of_each, of_cell

CALIBRATION_TITLES = {metric: TITLES[metric] for metric in ("ece", "brier_top1", "nll")}
"""What the scores are called."""

CALIBRATION_EXPLANATIONS = {name: EXPLANATIONS[name] for name in ("ECE", "Brier score, NLL")}
"""What they mean."""


def condition_calibration(table: ImageTable, without: str = "") -> list[Score]:
    """ECE with bins of equal width and of equal mass, the answer's Brier score and NLL, condition by condition.

    Each is of the images that were evaluated under the condition; NLL is left out where rows do not hold it. Intervals
    are linear in what each image adds to each bin, as in `shift_calibration`.

    Args:
        table: with ``right`` and, unless rows lack it, ``confidence``.
        without: a key; conditions that have it are left out.
    """
    if "confidence" not in table:
        return []
    found = []
    for place, condition in enumerate(table.present):
        if without in condition:
            continue
        there, fewer = table[RIGHT][:, place] >= 0, fewer_of_each(table, [place])
        scale = np.count_nonzero(there) / len(table)
        for (metric, bins), mean in of_cell(table, place).items():
            own = replace(mean, shares=mean.shares[there] * scale)
            at = Condition(**condition, protocol=bins) if bins else condition
            found.append(own.score(metric, at, fewer))
    return found


def is_calibration(score: Score) -> bool:
    """Whether a score is of calibration: no headline, and a column where everything is asked for."""
    return score.metric in CALIBRATION
