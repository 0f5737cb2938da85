"""What is stored of a shard: no half sequences, every failure once, in one order."""

from __future__ import annotations

import numpy as np

from hardiness.core.table import Failure, Records
from hardiness.engine.batch import join_records


def rows(*given: tuple[str, int, int]) -> Records:
    samples, conditions, frames = zip(*given, strict=True)
    return Records(
        {
            "sample": np.array(samples, np.str_),
            "condition": np.array(conditions, np.int16),
            "frame": np.array(frames, np.int16),
        }
    )


def test_rows_without_failures_are_kept_as_they_come() -> None:
    first, second = rows(("a", 0, 0), ("a", 0, 1)), rows(("a", 1, 0))
    found = join_records([first, second])
    assert found["frame"].tolist() == [0, 1, 0]
    assert found.failures == ()


def test_a_sequence_with_a_failed_frame_is_failed_as_a_whole_and_once() -> None:
    torn = Records({}, (Failure("a", "NaN", (1,)), Failure("a", "NaN", (1,))))
    found = join_records([rows(("a", 0, 0), ("a", 1, 0)), torn, rows(("a", 1, 2), ("b", 1, 0))])
    assert list(zip(found["sample"].tolist(), found["condition"].tolist(), strict=True)) == [("a", 0), ("b", 1)]
    assert found.failures == (Failure("a", "NaN", (1,)),)


def test_failures_alone_leave_no_rows_and_stand_in_one_order() -> None:
    parts = [Records({}, (Failure("b", "x", (0,)),)), Records({}, (Failure("a", "y", (2, 3)),))]
    assert (
        join_records(parts).failures
        == join_records(parts[::-1]).failures
        == (Failure("a", "y", (2, 3)), Failure("b", "x", (0,)))
    )
    assert len(join_records(parts)) == 0
    half = Records({}, (Failure("a", "z", (3, 4)),))
    assert join_records([*parts, half]).failures[1] == Failure("a", "z", (4,))


def test_one_reason_under_several_conditions_is_one_failure() -> None:
    parts = [Records({}, (Failure("a", "torn", (condition,)),)) for condition in (4, 0, 2)]
    assert join_records(parts).failures == (Failure("a", "torn", (0, 2, 4)),)
