"""Machine code of kernels on disk: from which folders it is taken, in which it is kept, and whether it is sound."""

from __future__ import annotations

import io
import logging
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numba
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator
from numba.core.registry import cpu_target
from platformdirs import user_cache_dir

_DIGEST_BYTES = 32

_folders_told: set[str] = set()


def folders_of(file: str) -> tuple[Path, ...]:
    """The folders that may hold machine code of a source file, the first to be asked first.

    ``$NUMBA_CACHE_DIR``, then the folder beside the source, then the user's cache: what was compiled beside the source
    serves every user, and whoever may not write there keeps what lacks in a cache of their own.
    """
    below = _CacheLocator.get_suitable_cache_subpath(file)
    named = [Path(config.CACHE_DIR, below)] if config.CACHE_DIR else []
    of_user = Path(user_cache_dir("numba", False), below)
    beside = Path(file).absolute().parent / "__pycache__"
    return (*named, beside, *([of_user] if of_user.is_absolute() else []))  # without a home it begins with "~"


def is_writable(folder: Path) -> bool:
    """Whether files can be written to a folder, which is made where it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=str(folder)).close()
    except OSError:
        return False
    return True


def folder_for_new(file: str) -> Path | None:
    """The folder that keeps what is compiled now; ``None`` where none can be written to."""
    return next(filter(is_writable, folders_of(file)), None)


def holds_kernels(folder: Path) -> bool:
    """Whether a folder has machine code that this Python, this numba and this processor can use, and may be read."""
    processor = cpu_target.target_context.codegen().magic_tuple()
    for index in folder.glob(f"*.py{sys.version_info[0]}{sys.version_info[1]}*.checked.nbi"):
        with suppress(OSError, EOFError, ImportError, AttributeError, ValueError, pickle.UnpicklingError):
            stream = io.BytesIO(index.read_bytes())
            if pickle.load(stream) == numba.__version__:
                _, overloads = pickle.load(stream)
                if any(key[1] == processor for key in overloads):
                    return True
    return False


@cache
def _stamp(file: str) -> str:
    """A hash of a source file: copies of an installation, as in a container's image, change its times."""
    return sha256(Path(file).read_bytes()).hexdigest()


class _SourceFile(_CacheLocator):  # type: ignore[misc]  # numba has no types
    """The file that a kernel stands in, as numba asks for it."""

    def __init__(self, kernel: Callable[..., object], file: str) -> None:
        self._py_file, self._line = file, kernel.__code__.co_firstlineno

    @classmethod
    def from_function(cls, kernel: Callable[..., object], file: str) -> _SourceFile | None:
        return cls(kernel, file) if os.path.exists(file) else None

    def get_cache_path(self) -> str:
        return str(folders_of(self._py_file)[0])

    def get_source_stamp(self) -> str:
        return _stamp(self._py_file)

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Kernel(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_SourceFile]  # noqa: RUF012  # as numba's own has it


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Numba's cache of a kernel, in several folders: taken from the first that has it, kept in the first that can.

    Damaged files are set aside. Where no folder can be written to nothing fails, and what lacks is compiled in each
    process.

    Raises:
        RuntimeError: the kernel stands in no file.
    """

    _impl_class = _Kernel

    def __init__(self, kernel: Callable[..., object]) -> None:
        super().__init__(kernel)
        name, stamp = f"{self._impl.filename_base}.checked", self._impl.locator.get_source_stamp()
        self._files = [_CheckedFiles(str(folder), name, stamp) for folder in folders_of(self._impl.locator._py_file)]

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        key = self._index_key(sig, target_context.codegen())
        for files in self._files:
            code = files.load(key)
            if code is not None:
                return self._impl.rebuild(target_context, code)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the machine code for the next process, unless the disk is full or may not be written to."""
        if not self._impl.check_cachable(data):
            return
        files = next((each for each in self._files if is_writable(Path(each.folder))), None)
        if files is not None:
            with suppress(OSError):
                files.save(self._index_key(sig, data.codegen), self._impl.reduce(data))


class _CheckedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Numba's files of one kernel, each followed by the SHA-256 of its content, which is checked before use.

    What follows a pickle is read by nobody, so the files stay as numba reads them. Its own reader would raise an
    ``EOFError`` for the empty files that a power loss leaves, and run machine code in which a bit has changed.
    """

    @property
    def folder(self) -> str:
        """The folder that they lie in."""
        return str(self._cache_path)

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
        except (PermissionError, NotADirectoryError):  # another user's
            return False
        except OSError:
            content = b""
        if sha256(content[:-_DIGEST_BYTES]).digest() == content[-_DIGEST_BYTES:]:
            return True
        end = "is set aside as *.damaged"
        try:
            os.replace(path, f"{path}.damaged")
        except OSError:
            end = "is passed over"
        if self.folder not in _folders_told:
            _folders_told.add(self.folder)
            logging.getLogger("hardiness").warning(
                f"{path} is damaged (a kept compiled kernel); it and any other such file beside it {end}, and the "
                "kernel is compiled anew"
            )
        return False
