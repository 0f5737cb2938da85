"""Machine code for array loops, made when a kernel is first called and not when its module is imported."""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from platformdirs import user_cache_dir

from hardiness.core.errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")

FOLDER, TEMPORARY = "NUMBA_CACHE_DIR", "hardiness-kernels-"
"""The variable that names the folder of compiled kernels, and how a temporary one is called."""

_compiling = threading.RLock()


def compiled(kernel: Callable[P, R]) -> Callable[P, R]:
    """A kernel compiled by numba on its first call, without the GIL, and cached on disk between runs.

    Importing numba takes most of a second, and a listing of names needs none of it. The kernel may use numpy and
    plain loops but no other compiled kernel: numba sees the undecorated globals of its module. Floating point stays
    strict (no contraction, no reassociation), so that one result holds for every x86 processor.

    Args:
        kernel: a function in numba's nopython subset.
    """
    return _lazily(kernel, ())


def compiled_with(*helpers: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator as `compiled` of a kernel that calls plain functions of its file, which become part of its code.

    They must stand in the kernel's file: the cache on disk notices a change of that file alone.

    Args:
        helpers: the functions, each in numba's nopython subset, those that others call first.
    """
    return lambda kernel: _lazily(kernel, helpers)


def _lazily(kernel: Callable[P, R], helpers: tuple[Callable[..., Any], ...]) -> Callable[P, R]:
    machine: list[Callable[P, R]] = []

    @functools.wraps(kernel)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not machine:
            with _compiling:
                if not machine:
                    require_compiler()
                    numba = importlib.import_module("numba")
                    for helper in helpers:
                        numba.extending.register_jitable(helper)
                    compiler = importlib.import_module("hardiness.imaging._compile")
                    machine.append(compiler.compiled(kernel, error_model="numpy"))
        return machine[0](*args, **kwargs)

    return call


def require_compiler() -> None:
    """Raise where the environment keeps numba from compiling, which would fail each picture by itself.

    Raises:
        ArgumentError: naming the variable.
    """
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        raise ArgumentError("NUMBA_DISABLE_JIT must not be set: corruptions are compiled; unset it")
    threads = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not threads.strip().isdecimal() or int(threads) < 1:
        raise ArgumentError(f"NUMBA_NUM_THREADS must be a number of threads, 1 or more, was {threads!r}; unset it")


def kernel_folder() -> Path:
    """The folder of compiled kernels: ``$NUMBA_CACHE_DIR``, else the user's cache, else one that goes with the process.

    Processes that this one starts are told of it.
    """
    if named := os.environ.get(FOLDER):
        return Path(named)
    folder = Path(user_cache_dir("hardiness", False)) / "kernels"
    try:
        if not folder.is_absolute():  # without a home it begins with "~"
            raise OSError
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[FOLDER] = str(folder)
    return folder


def has_machine_code() -> bool:
    """Whether some kernels are compiled already."""
    return any(kernel_folder().glob("*/*.nbc"))
