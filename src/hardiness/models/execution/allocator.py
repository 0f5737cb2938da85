"""What the C library does with freed memory; nothing where it is not glibc."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGEST_INT = 2**31 - 1
_HEAP_BYTES = (1 << 30, 32 << 20)
"""Blocks up to this size come from the heap; the second is the most that glibc before 2.35 accepts."""


@cache
def keep_freed_memory() -> None:
    """From now on freed memory stays with the process, until `return_freed_memory`.

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
    """Hand freed memory back to the system.

    Without it the peak of a long run lies a tenth above that of a short one, for no use: each thread keeps its own.
    """
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
