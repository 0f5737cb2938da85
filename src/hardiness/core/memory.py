"""Freed memory: kept with the process, and handed back to the system now and then."""

from __future__ import annotations

import ctypes
import math
import sys
import time
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_INT = 2**31 - 1
_HEAP_BYTES = (1 << 30, 32 << 20)
"""Blocks up to this size come from the heap; the second is the most that glibc before 2.35 accepts."""

TRIM_S = 1.0
"""Seconds between two times that freed memory is handed back."""

_trimmed_s = -math.inf


@cache
def keep_freed_memory() -> None:
    """Keep freed memory with the process from now on, until `return_freed_memory`.

    A forward and backward pass takes and frees the same few hundred blocks of 10 to 100 MB each time. glibc would ask
    the system for most of them anew, which hands out pages that it clears first: half the time of a step, for a small
    network. Threads made later share one heap, because the heaps that they have else hold no large blocks.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return
    mallopt(_TRIM_THRESHOLD, _LARGEST_INT)
    mallopt(_ARENA_MAX, 1)
    any(mallopt(_MMAP_THRESHOLD, size) for size in _HEAP_BYTES)


def return_freed_memory() -> None:
    """Hand freed memory back to the system, unless that was done less than `TRIM_S` ago.

    Without it the peak of a long run lies a tenth above that of a short one, for no use: each thread keeps its own. But
    it locks all heaps and goes through them: on a GPU, where shards end several times a second, others would wait.
    """
    global _trimmed_s
    trim, now_s = _function("malloc_trim"), time.monotonic()
    if trim is not None and now_s - _trimmed_s >= TRIM_S:
        _trimmed_s = now_s
        trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
