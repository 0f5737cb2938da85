"""The outcomes of a shard's batches as the records that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hardiness.core import Failure, Records


def settled(outcomes: Iterable[Records]) -> Records:
    """All rows, and each failure once, in an order that no timing changes.

    A sequence of which one frame has failed is failed as a whole: what is left of it has no score. What failed under
    several conditions for one reason is one failure.
    """
    joined = Records.concatenate(outcomes)
    failures = tuple(_once(joined.failures))
    failed = {(failure.sample, condition) for failure in failures for condition in failure.conditions}
    if not failed or not len(joined):
        return Records(joined.columns, failures)
    rows = zip(joined["sample"].tolist(), joined["condition"].tolist(), strict=True)
    kept = joined.where(np.array([row not in failed for row in rows], np.bool_))
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
