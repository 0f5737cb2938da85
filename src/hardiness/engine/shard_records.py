"""The outcomes of a unit's batches as the records that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hardiness.core import Failure, Records


def joined(outcomes: Iterable[Records]) -> Records:
    """All rows, and each failure once, in an order that no timing changes.

    A sequence of which one frame has failed is failed as a whole: what is left of it has no score. What failed under
    several conditions for one reason is one failure.
    """
    rows_of_all = Records.concatenate(outcomes)
    failures = tuple(_once(rows_of_all.failures))
    failed = {(failure.sample, condition) for failure in failures for condition in failure.conditions}
    if not failed or not len(rows_of_all):
        return Records(rows_of_all.columns, failures)
    rows = zip(rows_of_all["sample"].tolist(), rows_of_all["condition"].tolist(), strict=True)
    kept = rows_of_all.where(np.array([row not in failed for row in rows], np.bool_))
    return Records(kept.columns, failures)


def _once(failures: Iterable[Failure]) -> Iterator[Failure]:
    """Each sample and condition once, however many of its frames have failed, under the first of its reasons.

    Failures of reading and of logits arrive interleaved by timing; sorted, the file is always the same.
    """
    each = sorted((f.sample, condition, f.reason) for f in failures for condition in f.conditions)
    reasons: dict[tuple[str, str], list[int]] = {}
    told: set[tuple[str, int]] = set()
    for sample, condition, reason in each:
        if (sample, condition) not in told:
            told.add((sample, condition))
            reasons.setdefault((sample, reason), []).append(condition)
    for (sample, reason), conditions in reasons.items():
        yield Failure(sample, reason, tuple(conditions))
