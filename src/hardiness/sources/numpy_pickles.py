"""Pickles of numpy's arrays, read without running any code in them."""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import DataError
from hardiness.sources.files import shown
from hardiness.sources.pickles import load_pickle

_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, ImportError),
    *(ArithmeticError, MemoryError, RecursionError),
)
"""Errors in reading a damaged pickle, among them requests for more memory than there is."""

_PLAIN_STATE = (None, None, None, -1, -1, 0)
"""The rest of a dtype's state, after version and byte order, where it is a plain number."""


class _Type:
    """A plain number's type, as a pickle describes it."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not re.fullmatch(r"[fiu][1248]|b1", code):
            raise pickle.UnpicklingError(f"its numbers are of type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *rest = state
        if order not in ("<", ">", "=", "|") or tuple(rest) != _PLAIN_STATE:
            raise pickle.UnpicklingError("its numbers are of no plain type")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array, as a pickle describes it."""

    numbers: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        if isinstance(content, str):  # of Python 2
            content = content.encode("latin1")
        if not isinstance(kind, _Type) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array of it has no numbers")
        if math.prod(shape) * kind.dtype.itemsize != len(content) or any(side < 0 for side in shape):
            raise pickle.UnpicklingError(f"an array of it has {len(content)} bytes for the shape {shape}")
        self.numbers = np.frombuffer(content, kind.dtype).reshape(shape, order="F" if fortran else "C").copy()


def _reconstruct(kind: object, *_: object) -> _Array:
    if kind is not _Array:
        raise pickle.UnpicklingError("it holds something else than arrays")
    return _Array()


_ALLOWED: dict[tuple[str, str], Any] = {
    # numpy.core became numpy._core in numpy 2; files from before name the old place.
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


def load_arrays(stream: BinaryIO, what: str) -> Any:
    """The value of a pickle that holds numpy's arrays and plain values and nothing else.

    Args:
        stream: the pickle, which can be rewound.
        what: its name, for the message.

    Raises:
        DataError: it is damaged, or names anything but numpy's arrays: a pickle can run code, so nothing else is let
            in.
    """
    try:
        return _plain(load_pickle(stream, _ALLOWED, encoding="latin1"))
    except _DAMAGE as error:
        reason = shown(str(error))
        raise DataError(f"{what} must be a pickle of numpy arrays and nothing else, but {reason}; refused") from None


def _plain(value: Any) -> Any:
    """The value with its arrays as numpy's; they may stand in a dictionary, or in a list in one."""
    if isinstance(value, _Array):
        return value.numbers
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def read_arrays(file: Path) -> dict[str, list[NDArray[np.float32]]]:
    """A pickled dictionary of lists of arrays.

    Raises:
        DataError: as `load_arrays`, or it holds something else.
    """
    with file.open("rb") as stream:
        entries = load_arrays(stream, str(file))
    if isinstance(entries, dict) and all(isinstance(value, list) for value in entries.values()):
        if all(isinstance(array, np.ndarray) for value in entries.values() for array in value):
            return entries
        raise DataError(f"{file} must be a pickle of numpy arrays and nothing else, but holds more; refused")
    raise DataError(f"{file} must hold a dictionary of lists of arrays, held {type(entries).__name__}")
