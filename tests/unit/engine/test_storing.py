"""Files are written beside the models, several at a time, and nothing that goes wrong is lost."""

from __future__ import annotations

import threading
import time

import pytest

from hardiness.core.errors import StoreError
from hardiness.engine.worker import AHEAD, StorageQueue

THREADS = 4


def refused() -> None:
    raise StoreError("the disk is full")


def test_a_slow_store_holds_nobody_up_and_takes_several_files_at_a_time() -> None:
    storing, together = StorageQueue(THREADS), threading.Barrier(THREADS + 1, timeout=20)
    for _ in range(THREADS):
        storing.put(together.wait)
    together.wait()  # all are under way, and this thread with them
    assert not together.broken, "each came within its time"
    storing.finish()
    storing.close()


def test_what_fails_is_raised_at_the_next_file_or_at_the_end() -> None:
    storing = StorageQueue(THREADS)
    storing.put(refused)
    with pytest.raises(StoreError, match="the disk is full"):
        storing.finish()
    storing.put(refused)
    while not storing._waiting[0].done():
        time.sleep(0.001)
    with pytest.raises(StoreError, match="the disk is full"):
        storing.put(refused)
    storing.close()


def test_no_more_than_so_many_files_wait() -> None:
    storing, open_, put = StorageQueue(THREADS), threading.Event(), []

    def hand_over() -> None:
        for number in range(AHEAD + 1):
            storing.put(open_.wait)
            put.append(number)

    thread = threading.Thread(target=hand_over)
    thread.start()
    end = time.monotonic() + 20
    while len(put) < AHEAD and time.monotonic() < end:
        time.sleep(0.001)
    thread.join(0.05)
    assert len(put) == AHEAD
    open_.set()
    thread.join(20)
    assert len(put) == AHEAD + 1
    storing.close()


def test_what_was_handed_over_is_written_whatever_happens_next() -> None:
    storing, open_, written = StorageQueue(THREADS), threading.Event(), []

    def write() -> None:
        open_.wait()
        written.append(1)

    for _ in range(2 * THREADS):
        storing.put(write)
    threading.Timer(0.05, open_.set).start()
    storing.close()
    assert len(written) == 2 * THREADS
