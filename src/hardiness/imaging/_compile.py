"""Compiling array kernels that call each other: without the GIL, kept on disk between runs.

Importing this imports numba, so modules of such kernels are themselves imported when first used; a kernel that stands
alone is better off with `hardiness.imaging.compiled`, which puts numba off until its first call.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

import numba
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from hardiness.imaging.compiled import TEMPORARY, kernel_folder

Kernel = TypeVar("Kernel", bound=Callable[..., object])

PATIENCE_S = 2.0
"""Seconds of compiling after which a line says what takes so long."""

COMPILING = "hardiness.compiling"
"""The logger of that line."""


def compiled(kernel: Kernel, **options: Any) -> Kernel:
    """The kernel as machine code that runs without the GIL; compiled on first call, then kept in `kernel_folder`.

    Args:
        kernel: a function in numba's nopython subset.
        options: further ones of numba's ``njit``.
    """
    dispatcher = numba.njit(nogil=True, **options)(kernel)
    _clock.kernels.add(kernel.__code__)
    with suppress(RuntimeError):  # it stands in no file
        dispatcher._cache = _KernelCache(kernel)
    return dispatcher  # type: ignore[no-any-return]


class _SourceFile(_CacheLocator):  # type: ignore[misc]  # numba has no types
    """The folder of what is compiled of a file, by the file's content and numba's version.

    So checkouts of one content share it, and those of several do not overwrite each other's; numba's own goes by the
    path of the file.
    """

    def __init__(self, kernel: Callable[..., object], file: str) -> None:
        self._line, self._hash = kernel.__code__.co_firstlineno, _hash_of(file)
        self._folder = kernel_folder() / f"{Path(file).stem}-{self._hash[:16]}-numba-{numba.__version__}"

    @classmethod
    def from_function(cls, kernel: Callable[..., object], file: str) -> _SourceFile | None:
        return cls(kernel, file) if os.path.exists(file) else None

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._hash

    def get_disambiguator(self) -> str:
        return str(self._line)


@cache
def _hash_of(file: str) -> str:
    return sha256(Path(file).read_bytes()).hexdigest()


class _Kernel(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_SourceFile]  # noqa: RUF012  # as numba's own has it


class _KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of a kernel; what cannot be read, as after a power loss, or not be written is compiled again.

    Raises:
        RuntimeError: the kernel stands in no file.
    """

    _impl_class = _Kernel

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code; ``None`` where there is none."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001  # whatever a pickle of anything raises
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the machine code, unless the disk is full or may not be written to."""
        with suppress(OSError):
            super().save_overload(sig, data)


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
            self._timer = threading.Timer(max(0.0, PATIENCE_S - self._seconds), self._tell)
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

    def _tell(self) -> None:
        self._has_told = True
        folder = kernel_folder()
        kept = (
            "each process does so anew, as no cache folder can be written to: set NUMBA_CACHE_DIR"
            if folder.name.startswith(TEMPORARY)
            else f"they are kept in {folder}, and the next start takes them from there"
        )
        logging.getLogger(COMPILING).warning(f"array kernels are compiled for this processor, seconds each; {kept}")


_clock = _CompilingClock()
event.register("numba:compile", _clock)
