"""A shifted data set beside the clean validation set, on the same classes."""

from __future__ import annotations

import math

import numpy as np

from hardiness.core import Interval, Records, Score
from hardiness.scoring.classification import accuracy
from hardiness.scoring.intervals import wilson


def beside_clean(shifted: Records, shifted_top1: Score, clean: Records, clean_column: str) -> list[Score]:
    """Clean top-1 on the classes of a shifted data set, and how far the shifted top-1 lies below it.

    Args:
        shifted: the shifted data set's records; only its labels are used.
        shifted_top1: its headline score.
        clean: records of ``imagenet-val`` of the same model.
        clean_column: the clean prediction to compare with, e.g. the one within the same 200 classes.

    Returns:
        ``clean_top1`` and ``top1_drop`` (clean minus shifted), or nothing where the classes do not meet.

    Source: Recht et al. (2019), arXiv:1902.10811, and Hendrycks et al. (2020), arXiv:2006.16241, for the comparison;
        Newcombe (1998), method 10, for the interval of a difference of independent proportions.
    """
    same = np.isin(clean["label"], np.unique(shifted["label"]))
    if not same.any() or shifted_top1.value is None:
        return []
    clean_top1 = accuracy("clean_top1", (clean[clean_column] == clean["label"])[same])
    assert clean_top1.value is not None
    return [
        clean_top1,
        Score(
            metric="top1_drop",
            value=clean_top1.value - shifted_top1.value,
            unit="fraction",
            n=shifted_top1.n,
            interval=difference_interval(clean_top1, shifted_top1),
            higher_is_better=False,
        ),
    ]


def difference_interval(a: Score, b: Score) -> Interval:
    """The 95 % interval of ``a`` minus ``b``, two proportions measured on independent samples.

    Source: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """
    assert a.value is not None
    assert b.value is not None
    first, second = wilson(round(a.value * a.n), a.n), wilson(round(b.value * b.n), b.n)
    below = math.hypot(a.value - first.low, second.high - b.value)
    above = math.hypot(first.high - a.value, b.value - second.low)
    return Interval(a.value - b.value - below, a.value - b.value + above)
