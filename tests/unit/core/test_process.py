"""Cores that may be used, and work in order on threads."""

from __future__ import annotations

import os
import threading
import time

import pytest

from hardiness.core.process import ordered, usable_cores


def test_affinity_counts_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert usable_cores() == 3


def test_without_affinity_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert usable_cores() == 2
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1


def test_outcomes_come_in_the_order_of_the_jobs() -> None:
    def work(job: int) -> int:
        time.sleep(0.002 * (job % 3))
        return job * job

    assert list(ordered(work, range(40), workers=4, ahead=7)) == [(job, job * job) for job in range(40)]


def test_no_more_than_ahead_jobs_are_begun_before_one_is_taken() -> None:
    begun = []
    stream = ordered(begun.append, range(100), workers=2, ahead=5)
    next(stream)
    time.sleep(0.05)
    assert len(begun) <= 5
    stream.close()
    assert len(begun) <= 6


def test_an_exception_stands_at_its_jobs_place() -> None:
    def work(job: int) -> int:
        if job == 2:
            raise ValueError("job 2")
        return job

    stream = ordered(work, range(5), workers=2, ahead=4)
    assert [next(stream), next(stream)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="job 2"):
        next(stream)


def test_closing_ends_its_threads() -> None:
    stream = ordered(lambda job: job, iter(range(10)), workers=3, ahead=3)
    next(stream)
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]
