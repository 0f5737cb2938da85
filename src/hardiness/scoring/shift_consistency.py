"""Scores of shift consistency: how often two crops of a photograph get the same answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hardiness.core import Condition, Records, Score
from hardiness.scoring.cells import CellMeans, cell_means
from hardiness.scoring.scorers import Context, registry


@registry.add("shift_consistency")
def shift_consistency(records: Records, context: Context) -> list[Score]:
    """Consistency over all passes and of each, and top-1 of all crops; intervals are over photographs.

    Source: Zhang (2019), arXiv:1904.11486.
    """
    conditions = list(context.run.conditions)
    answers = np.full((int(records["image"].max()) + 1, len(conditions)), -1, np.int64)
    answers[records["image"], records["condition"]] = records["prediction"]
    shifts = list(dict.fromkeys(condition["shift"] for condition in conditions))
    images, passes, same = [], [], []
    for index, shift in enumerate(shifts):
        first, second = answers[:, [k for k, condition in enumerate(conditions) if condition["shift"] == shift]].T
        both = np.flatnonzero((first >= 0) & (second >= 0))
        images.append(both)
        passes.append(np.full(both.size, index))
        same.append(first[both] == second[both])
    if not sum(each.size for each in images):
        return [Score("consistency", None, "fraction", 0, reason="no photograph has both crops of a pass")]
    pairs = Records({"image": np.concatenate(images), "condition": np.concatenate(passes)})
    means = cell_means(pairs, np.concatenate(same), [Condition(shift=shift) for shift in shifts], "shift_consistency")
    right = cell_means(records, records["prediction"] == records["label"], conditions, "shift_consistency")
    return [
        _score(means, "consistency", means.cells),
        _score(right, "top1", right.cells),
        *(_score(means, "consistency", (cell,), cell) for cell in means.cells),
    ]


def _score(means: CellMeans, metric: str, cells: tuple[Condition, ...], condition: Condition | None = None) -> Score:
    found = means.score(metric, means.of(*cells).mean(axis=1), "fraction", condition)
    n = max(int(means.n[means.cells.index(cell)]) for cell in cells)
    return replace(found, n=n, higher_is_better=True)
