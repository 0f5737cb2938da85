"""Scores of ImageNet-W: what a watermark costs, and how far the answers move to "carton"."""

from __future__ import annotations

import numpy as np

from hardiness.core import Condition, Interval, Records, Score
from hardiness.scoring.cells import cell_means
from hardiness.scoring.classification import accuracy
from hardiness.scoring.intervals import centred
from hardiness.scoring.scorers import Context, registry

CARTON = 478
CLEAN, MARKED = Condition(), Condition(corruption="watermark")


@registry.add("watermark")
def watermark(records: Records, context: Context) -> list[Score]:
    """Gaps in accuracy and in the probability of "carton" (marked less clean), over all photographs and over cartons.

    Closer to 0 is better. Both sides are of the same photographs, so the intervals are of paired differences.

    Source: Li et al. (2023), arXiv:2212.04825.
    """
    conditions = list(context.run.conditions)
    right = records["prediction"] == records["label"]
    clean, marked = (records["condition"] == conditions.index(each) for each in (CLEAN, MARKED))
    cartons = records["label"] == CARTON
    everything = np.ones(len(records), bool)
    return [
        _gap("in_w_gap", records, right, everything, conditions),
        _gap("carton_gap", records, right, cartons, conditions),
        _gap("carton_probability_gap", records, records["carton"], everything, conditions),
        _gap("carton_probability_gap_on_cartons", records, records["carton"], cartons, conditions),
        accuracy("clean_accuracy", right[clean]),
        accuracy("watermark_accuracy", right[marked]),
    ]


def _gap(
    metric: str,
    records: Records,
    values: np.ndarray[tuple[int], np.dtype[np.generic]],
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]],
    conditions: list[Condition],
) -> Score:
    """The mean of a quantity with the watermark less without, over photographs that have both."""
    images = records["image"]
    has = [np.unique(images[chosen & (records["condition"] == conditions.index(each))]) for each in (CLEAN, MARKED)]
    both = np.intersect1d(has[0], has[1])
    kept = chosen & np.isin(images, both)
    numbers = values[kept].astype(np.float64)
    if not both.size or np.isnan(numbers).any():
        lacking = "no photograph of it was evaluated both ways" if not both.size else "the classes have no carton"
        return Score(metric, None, "fraction", 0, reason=lacking)
    rows = Records({"image": np.searchsorted(both, images[kept]), "condition": records["condition"][kept]})
    means = cell_means(rows, numbers, conditions, "watermark")
    differences = means.of(MARKED)[:, 0] - means.of(CLEAN)[:, 0]
    interval: Interval = centred(differences[1:], float(differences[0]))
    return Score(
        metric,
        float(differences[0]),
        "fraction",
        int(both.size),
        interval,
        higher_is_better="probability" not in metric,
    )
