"""Scores of the out-of-distribution unit tests: the share of pictures without an object that pass for photographs."""

from __future__ import annotations

from hardiness.core import Condition, Records, Score
from hardiness.scoring.intervals import wilson
from hardiness.scoring.ood import METHODS, confidence_of, false_accepted
from hardiness.scoring.scorers import Context, registry


@registry.add("ood_unit_tests")
def ood_unit_tests(records: Records, context: Context) -> list[Score]:
    """The mean over the tests of FPR at 95 %, by method; then each test's. Pictures of photographs are positive.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826.
    """
    conditions = list(context.run.conditions)
    photographs = records["condition"] == conditions.index(Condition())
    if not photographs.any():
        return [Score("mean_fpr95_msp", None, "fraction", 0, higher_is_better=False, reason="no photograph was seen")]
    headlines, cells = [], []
    for method in METHODS:
        confidence = confidence_of(records, method)
        found = []
        for index, condition in enumerate(conditions):
            seen = records["condition"] == index
            if condition and seen.any():
                n = int(seen.sum())
                hits = false_accepted(confidence[photographs], confidence[seen])
                at = Condition(**condition, method=method)
                found.append(Score("fpr95", hits / n, "fraction", n, wilson(hits, n), False, at))
        if found:
            mean = sum(score.value or 0.0 for score in found) / len(found)
            images = max(score.n for score in found)
            headlines.append(Score(f"mean_fpr95_{method}", mean, "fraction", images, higher_is_better=False))
        cells += found
    return [*headlines, *cells]
