"""Compiling array kernels that call each other: without the GIL, kept on disk between runs.

Importing this imports numba, so modules of such kernels are themselves imported when first used; a kernel that stands
alone is better off with `hardiness.imaging.compiled`, which puts numba off until its first call.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

Kernel = TypeVar("Kernel", bound=Callable[..., object])

_DIGEST_BYTES = 32

_folders_told: set[str] = set()


def compiled(kernel: Kernel, **options: Any) -> Kernel:
    """The kernel as machine code that runs without the GIL; compiled on first call, then kept beside the source.

    Where neither the package's folder nor the user's cache folder can be written to, each process compiles anew.

    Args:
        kernel: a function in numba's nopython subset.
        options: further ones of numba's ``njit``.
    """
    dispatcher = njit(nogil=True, **options)(kernel)
    with suppress(RuntimeError):  # numba found no folder for its cache
        dispatcher._cache = _CheckedCache(kernel)
    return dispatcher  # type: ignore[no-any-return]


class _CheckedCache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Numba's cache of a kernel; damaged files of it are set aside, and where none can be written nothing fails."""

    def __init__(self, kernel: Callable[..., object]) -> None:
        super().__init__(kernel)
        self._cache_file = _CheckedFiles(
            self._cache_path, f"{self._impl.filename_base}.checked", self._impl.locator.get_source_stamp()
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the machine code for the next process, unless the disk is full or may not be written to."""
        with suppress(OSError):
            super().save_overload(sig, data)


class _CheckedFiles(IndexDataCacheFile):  # type: ignore[misc]  # numba has no types
    """Numba's files of one kernel, each followed by the SHA-256 of its content, which is checked before use.

    What follows a pickle is read by nobody, so the files stay as numba reads them. Its own reader would raise an
    ``EOFError`` for the empty files that a power loss leaves, and run machine code in which a bit has changed.
    """

    def _load_index(self) -> Any:
        if not self._is_sound(self._index_path):
            return {}
        try:
            return super()._load_index()
        except (ImportError, AttributeError):  # kept by a version of ours in which a type stood in another module
            return {}

    def _load_data(self, name: str) -> Any:
        if not self._is_sound(self._data_path(name)):
            raise OSError("damaged")  # which numba takes for a file that is gone
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[IO[bytes]]:
        content = io.BytesIO()
        yield content
        with super()._open_for_write(filepath) as stream:
            stream.write(content.getvalue() + sha256(content.getvalue()).digest())

    def _is_sound(self, path: str) -> bool:
        """Whether the file is as it was written, or is not there; set aside where it is neither."""
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError:
            return True
        except OSError:
            content = b""
        if sha256(content[:-_DIGEST_BYTES]).digest() == content[-_DIGEST_BYTES:]:
            return True
        with suppress(OSError):
            os.replace(path, f"{path}.damaged")
        if self._cache_path not in _folders_told:
            _folders_told.add(self._cache_path)
            logging.getLogger("hardiness").warning(
                f"{path} is damaged (a kept compiled kernel); it and any other such file beside it is set aside as "
                "*.damaged, and the kernel is compiled anew"
            )
        return False
