"""Foreign code: its errors become one line, and it changes nothing of the process."""

from __future__ import annotations

import os
import random
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import numpy as np

from hardiness.core import errors
from hardiness.core.errors import DeviceError, HardinessError, ModelError
from hardiness.core.registry import line_in
from hardiness.models.frameworks import INSTALLATION, missing_framework

FOREIGN_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    ImportError,
    NameError,
    SyntaxError,
    OSError,
    MemoryError,
)
"""Errors that a library which we did not write may raise on what it cannot do."""

_OUT_OF_MEMORY = re.compile(
    "CUDA out of memory|CUDA error: out of memory|cudaErrorMemoryAllocation"
    "|CUBLAS_STATUS_(ALLOC_FAILED|NOT_INITIALIZED)|CUDNN_STATUS_(ALLOC_FAILED|INTERNAL_ERROR_.*ALLOC.*)|CUDNN_BACKEND.*ALLOC_FAILED|CUSOLVER_STATUS_ALLOC_FAILED"
    "|CUFFT_ALLOC_FAILED|Failed to allocate memory for requested buffer"
)
"""Messages of CUDA's libraries and ONNX Runtime where a GPU's memory is too small; cuBLAS cannot even begin then.

Source: the enumerations of their statuses, docs.nvidia.com/cuda (cublasStatus_t, cudnnStatus_t, cufftResult).
"""

_LOST = re.compile(
    "device-side assert|illegal memory access|unspecified launch failure|misaligned address|illegal instruction"
    "|invalid program counter|hardware stack error|uncorrectable ECC|launch timed out|context is destroyed"
    "|GPU has fallen off|device is lost"
)
"""Messages of CUDA where the process must end before a GPU can be used again.

Source: docs.nvidia.com/cuda, cudaError: "the process must be terminated and relaunched".
"""

_LONGEST = 300
"""Characters of a message that are shown."""

PROCESS_STATE = threading.RLock()
"""Lock that is held while warning filters and their like, which are the process's, differ from what they were."""

_PRINTING = threading.Lock()
_PRINTERS: list[TextIO] = []


def first_line(error: BaseException) -> str:
    """The first line of an error's message that is not empty, at most 300 characters, or its type's name."""
    try:
        message = errors.first_line(str(error))
    except Exception:  # noqa: BLE001  # a message that itself fails is foreign code too
        message = ""
    text = message or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a GPU's memory is too small for the batch, be it torch's or one of a library's."""
    if type(error).__name__ == "OutOfMemoryError" and type(error).__module__.startswith("torch"):
        return True
    return isinstance(error, FOREIGN_ERRORS) and bool(_OUT_OF_MEMORY.search(str(error)))


def refuse_lost_device(error: BaseException, name: str) -> None:
    """Raise an error of our own where a GPU can compute nothing more in this process.

    Args:
        error: of foreign code.
        name: of the model that it came up at.

    Raises:
        DeviceError: every later model would fail with the same words, and none of them would be to blame.
    """
    if isinstance(error, RuntimeError) and _LOST.search(str(error)):
        raise DeviceError(
            f"the GPU stopped while {name} was computed and can do nothing more in this process ({first_line(error)}); "
            "what is finished is kept: the same command goes on, with CUDA_LAUNCH_BLOCKING=1 it names the place"
        ) from error


@contextmanager
def foreign_errors(name: str, what: str, package: str = "") -> Iterator[None]:
    """Make one line of whatever foreign code raises within: ``NAME WHAT: TypeError: … (file.py:3 in forward)``.

    These pass: our own errors, a person's Ctrl-C, and a GPU whose memory is too small for the batch, which the
    engine halves.

    Args:
        name: of the model.
        what: is told of it.
        package: the place of the model in somebody else's package, which the line names, with advice.

    Raises:
        ModelError: in place of the foreign error, which stays its cause.
        DeviceError: as `refuse_lost_device`.
    """
    try:
        yield
    except (HardinessError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            raise
        refuse_lost_device(error, name)
        if missing := missing_framework(error):
            raise ModelError(f"{name} {what}: it needs {missing}, which is not installed; {INSTALLATION}") from error
        kind = type(error).__name__
        message = "" if first_line(error) == kind else f": {first_line(error)}"
        if package:
            fault = f"{kind}{message}{line_in(package, error)}; mend or uninstall it"
            raise ModelError(f"{name} of {package} {what}: {fault}") from error
        raise ModelError(f"{name} {what}: {kind}{message}{_place(error)}") from error


def _place(error: BaseException) -> str:
    """The place of an error in a person's own code: the innermost frame that is neither ours nor installed."""
    ours = str(Path(__file__).parents[1])
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((ours, sys.prefix, sys.base_prefix, "<"))
    ]
    return f" ({frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""


@contextmanager
def contained() -> Iterator[None]:
    """Run foreign code within, and put back what it may change of the process.

    These are default type and device of tensors, gradients on or off, warning filters, numpy's error settings, global
    random generators and the working folder. What it prints goes to standard error, as standard output may carry JSON.
    """
    import torch

    dtype, device, grad = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    numpy_state, python_state, numpy_errors, folder = np.random.get_state(), random.getstate(), np.geterr(), _folder()  # noqa: NPY002
    try:
        with PROCESS_STATE, warnings.catch_warnings(), torch.random.fork_rng(devices=[]), printing_aside():
            yield
    finally:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(grad)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        np.seterr(**numpy_errors)
        if folder is not None and _folder() != folder:
            os.chdir(folder)


def _folder() -> str | None:
    with suppress(OSError):
        return os.getcwd()
    return None


@contextmanager
def well_behaved() -> Iterator[None]:
    """Put back what one forward pass, in any thread, may change: the default type, warning filters and printing.

    Where another thread has changed them for a while, that thread puts them back.
    """
    import torch

    dtype, filters = torch.get_default_dtype(), _filters()
    try:
        with printing_aside():
            yield
    finally:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if filters is not None and filters != _filters() and PROCESS_STATE.acquire(blocking=False):
            try:
                warnings.filters[:] = filters  # type: ignore[index]  # a list, whatever the stubs say
            finally:
                PROCESS_STATE.release()


def _filters() -> list[object] | None:
    """The warning filters, or ``None`` where a thread has them in use."""
    if not PROCESS_STATE.acquire(blocking=False):
        return None
    try:
        return list(warnings.filters)
    finally:
        PROCESS_STATE.release()


@contextmanager
def printing_aside() -> Iterator[None]:
    """Send what is printed within to standard error; several threads may be within at a time."""
    with _PRINTING:
        _PRINTERS.append(sys.stdout)
        sys.stdout = sys.stderr
    try:
        yield
    finally:
        with _PRINTING:
            first = _PRINTERS[0]
            _PRINTERS.pop()
            if not _PRINTERS:
                sys.stdout = first
