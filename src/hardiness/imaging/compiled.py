"""Machine code for array loops, made when a kernel is first called and not when its module is imported."""

from __future__ import annotations

import functools
import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

from hardiness.core.errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")

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


class KernelPlaces(NamedTuple):
    """The folders of compiled kernels.

    Attributes:
        kept: the first that holds some which this Python, numba and processor can use; ``None`` where none does.
        new: the one that keeps what is compiled now; ``None`` where none can be written to, and each process compiles
            what none has kept.
    """

    kept: Path | None
    new: Path | None


def kernel_places() -> KernelPlaces:
    """The folders that hold compiled kernels, and that further ones go to.

    Each is asked for in ``$NUMBA_CACHE_DIR``, beside the source, and in the user's cache.
    """
    kept_kernels = importlib.import_module("hardiness.imaging._kept_kernels")
    folders = kept_kernels.folders_of(__file__)
    return KernelPlaces(next(filter(kept_kernels.holds_kernels, folders), None), kept_kernels.folder_for_new(__file__))


def has_machine_code() -> bool:
    """Whether kernels of this package are kept on disk already, or none can be kept beside it; loads nothing."""
    folder = Path(__file__).with_name("__pycache__")
    if os.environ.get("NUMBA_CACHE_DIR") or not os.access(folder.parent, os.W_OK):
        return True
    return any(folder.glob("*.nbc"))
