"""Scores of out-of-distribution detection: AUROC, AUPR and FPR at 95 %, by set and by the near and the far mean."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Condition, Interval, Records, Score
from hardiness.scoring.intervals import wilson
from hardiness.scoring.scorers import Context, registry

Floats = NDArray[np.float64]

NEAR, FAR = ("ssb-hard", "ninco"), ("inaturalist", "textures", "openimage-o")
OUTSIDE = ("imagenet-o", *NEAR, *FAR)
"""Every set of photographs outside ImageNet's classes; near and far as OpenOOD v1.5 has them."""

METHODS = ("msp", "max_logit", "energy")
RECALL = 0.95
Z = 1.959963984540054


@registry.add("ood")
def ood(records: Records, context: Context) -> list[Score]:
    """AUROC by method over the near and the far sets; then AUROC, AUPR and FPR at 95 % of each set.

    Source: Zhang et al. (2023), arXiv:2306.09301; Bitterwolf et al. (2023), arXiv:2306.00826.
    """
    belongs = np.array([sample.partition(":")[0] if ":" in sample else "" for sample in records["sample"].tolist()])
    sets = [name for name in OUTSIDE if (belongs == name).any()]
    inside = ~np.isin(belongs, OUTSIDE)
    if not inside.any() or not sets:
        lacking = "photograph of ImageNet" if not inside.any() else "photograph of another set"
        return [Score("auroc", None, "fraction", 0, reason=f"no {lacking} was evaluated")]
    headlines, cells = [], []
    for method in METHODS:
        confidence = confidence_of(records, method)
        found = {name: of_set(confidence[inside], confidence[belongs == name], name, method) for name in sets}
        for group, members in (("near", NEAR), ("far", FAR)):
            if set(members) <= set(sets):
                headlines.append(_mean([found[name][0] for name in members], f"{group}_auroc_{method}"))
        cells += [score for name in sets for score in found[name]]
    return [*headlines, *cells]


def confidence_of(records: Records, method: str) -> Floats:
    """How sure the model is that a picture is of its classes, ``float64 (N,)``; higher is surer."""
    column = {"msp": "confidence", "energy": "logsumexp"}.get(method)
    values = records[column] if column else records["top5_logit"][:, 0]
    return np.asarray(values, np.float64)


def of_set(inside: Floats, outside: Floats, name: str, method: str) -> list[Score]:
    """AUROC, AUPR and FPR at 95 %, each convention under its name."""
    n = len(outside)
    at = {"outside": name, "method": method}
    value, deviation = auroc(inside, outside)
    interval = Interval(max(0.0, value - Z * deviation), min(1.0, value + Z * deviation))
    accepted, rejected = false_accepted(inside, outside), false_rejected(inside, outside)
    return [
        Score("auroc", value, "fraction", n, interval, condition=Condition(**at)),
        Score("aupr", aupr(inside, outside), "fraction", n, condition=Condition(**at, positive="inside")),
        Score("aupr", aupr(-outside, -inside), "fraction", n, condition=Condition(**at, positive="outside")),
        _share("fpr95", accepted, n, Condition(**at, positive="inside")),
        _share("fpr95", rejected, len(inside), Condition(**at, positive="outside")),
    ]


def auroc(inside: Floats, outside: Floats) -> tuple[float, float]:
    """The chance that a picture inside is surer than one outside, ties counting half, and its standard error.

    Raises:
        ArgumentError: a side is empty.

    Source: Mann & Whitney (1947); the standard error is that of DeLong et al. (1988).
    """
    if not len(inside) or not len(outside):
        raise ArgumentError(f"auroc needs pictures of both sides, had {len(inside)} and {len(outside)}")
    below = _placements(inside, outside)
    above = 1.0 - _placements(outside, inside)
    spread = sum(float(np.var(side, ddof=1)) / len(side) for side in (below, above) if len(side) > 1)
    return float(below.mean()), math.sqrt(spread)


def _placements(values: Floats, others: Floats) -> Floats:
    """The share of the others that each value is above, ties counting half."""
    ordered = np.sort(others)
    left, right = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((left + right) / (2.0 * len(others)))


def aupr(positive: Floats, negative: Floats) -> float:
    """Average precision: the mean precision over the positives, as the threshold falls; equal values fall together.

    Source: scikit-learn's average_precision_score.
    """
    values = np.concatenate([positive, negative])
    is_positive = np.arange(len(values)) < len(positive)
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    hits = np.cumsum(is_positive[order])[ends]
    recall_steps = np.diff(hits, prepend=0) / len(positive)
    return float((hits / (ends + 1) * recall_steps).sum())


def false_accepted(inside: Floats, outside: Floats) -> int:
    """How many pictures outside are accepted where 95 % of those inside are: inside is positive.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826: the threshold is the 5 % quantile; equal values are accepted.
    """
    return int(np.count_nonzero(outside >= np.quantile(inside, 1 - RECALL)))


def false_rejected(inside: Floats, outside: Floats) -> int:
    """How many pictures inside are rejected where at least 95 % of those outside are: outside is positive.

    Source: Zhang et al. (2023), arXiv:2306.09301.
    """
    needed = math.ceil(RECALL * len(outside))
    return int(np.count_nonzero(inside <= np.sort(outside)[needed - 1]))


def _share(metric: str, hits: int, n: int, condition: Condition) -> Score:
    """A share at a threshold, which its interval takes for given."""
    return Score(metric, hits / n, "fraction", n, wilson(hits, n), higher_is_better=False, condition=condition)


def _mean(scores: list[Score], metric: str) -> Score:
    """The plain mean of several sets; the sets share the photographs inside, so no interval is given."""
    values = [score.value for score in scores if score.value is not None]
    return Score(metric, sum(values) / len(values), "fraction", sum(score.n for score in scores))
