"""Compiling array kernels that call each other: without the GIL, kept on disk between runs.

Importing this imports numba, so modules of such kernels are themselves imported when first used; a kernel that stands
alone is better off with `hardiness.imaging.compiled`, which puts numba off until its first call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(kernel: Kernel) -> Kernel:
    """The kernel as machine code that runs without the GIL; compiled on first call, then kept beside the source.

    Where neither the package's folder nor the user's cache folder can be written to, each process compiles anew.
    """
    try:
        return njit(nogil=True, cache=True)(kernel)  # type: ignore[no-any-return]
    except RuntimeError:  # numba found no folder for its cache
        return njit(nogil=True)(kernel)  # type: ignore[no-any-return]
