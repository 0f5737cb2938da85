"""Pickles of numpy arrays, read without the power to run anything else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ModelError

# numpy.core became numpy._core in numpy 2; files from before name the old place.
_RECONSTRUCT = np.ndarray.__reduce__(np.empty(0))[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return _ALLOWED[module, name]


def read_arrays(file: Path) -> dict[str, list[NDArray[np.float32]]]:
    """A pickled dictionary of lists of arrays.

    Raises:
        ModelError: the file is damaged, holds something else, or names anything but numpy's arrays: a pickle can run
            code, so nothing else is let in.
    """
    try:
        with file.open("rb") as stream:
            found = _ArraysOnly(stream, encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise ModelError(f"{file} must be a pickle of numpy arrays and nothing else, but {error}; refused") from None
    if not isinstance(found, dict) or not all(isinstance(value, list) for value in found.values()):
        raise ModelError(f"{file} must hold a dictionary of lists of arrays, held {type(found).__name__}")
    return found
