"""Compiling array kernels that call each other: without the GIL, kept on disk between runs.

Importing this imports numba, so modules of such kernels are themselves imported when first used; a kernel that stands
alone is better off with `hardiness.imaging.compiled`, which puts numba off until its first call.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import CodeType
from typing import Any, TypeVar

from numba import njit
from numba.core import event

from hardiness.imaging._kept_kernels import KernelCache, folder_for_new

Kernel = TypeVar("Kernel", bound=Callable[..., object])

PATIENCE_S = 2.0
"""Seconds of compiling after which a line says what takes so long."""

COMPILING = "hardiness.compiling"
"""The logger of that line."""


def compiled(kernel: Kernel, **options: Any) -> Kernel:
    """The kernel as machine code that runs without the GIL; compiled on first call, then kept on disk.

    Where no folder can be written to, each process compiles what none has kept.

    Args:
        kernel: a function in numba's nopython subset.
        options: further ones of numba's ``njit``.
    """
    dispatcher = njit(nogil=True, **options)(kernel)
    _clock.kernels.add(kernel.__code__)
    with suppress(RuntimeError):  # it stands in no file
        dispatcher._cache = KernelCache(kernel)
    return dispatcher  # type: ignore[no-any-return]


class _CompilingClock(event.Listener):  # type: ignore[misc]  # numba has no types
    """Seconds that this process has spent compiling kernels of ours; says so in one line once they are many.

    Attributes:
        kernels: the code of ours: a program may compile functions of its own.
    """

    def __init__(self) -> None:
        self.kernels: set[CodeType] = set()
        self._lock = threading.Lock()
        self._seconds, self._began_s, self._depth = 0.0, 0.0, 0
        self._timer: threading.Timer | None = None
        self._has_told = False

    def on_start(self, event: Any) -> None:
        """A kernel is not on disk, and is compiled now."""
        if not self._is_ours(event):
            return
        with self._lock:
            self._depth += 1
            if self._depth > 1 or self._has_told:
                return
            self._began_s = time.monotonic()
            file = event.data["dispatcher"].py_func.__code__.co_filename
            self._timer = threading.Timer(max(0.0, PATIENCE_S - self._seconds), self._tell, [file])
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, event: Any) -> None:
        """It is compiled, or could not be."""
        if not self._is_ours(event):
            return
        with self._lock:
            self._depth -= 1
            if not self._depth and self._timer is not None:
                self._timer.cancel()
                self._timer = None
                self._seconds += time.monotonic() - self._began_s

    def _is_ours(self, event: Any) -> bool:
        return event.data["dispatcher"].py_func.__code__ in self.kernels

    def _tell(self, file: str) -> None:
        self._has_told = True
        folder = folder_for_new(file)
        kept = (
            f"they are kept in {folder}, and the next start takes them from there"
            if folder
            else "each process does so anew, as no folder can be written to: set NUMBA_CACHE_DIR"
        )
        logging.getLogger(COMPILING).warning(f"array kernels are compiled for this processor, seconds each; {kept}")


_clock = _CompilingClock()
event.register("numba:compile", _clock)
