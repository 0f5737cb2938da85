"""Pickles that run nothing: the names that they may have are listed, and no other is let in."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Mapping
from typing import Any, BinaryIO

TORCHS_ADVICE = " This file can still be loaded"
"""Beginning of torch's advice, in its refusal of a pickle, on how to read it unsafely."""


def load_pickle(stream: BinaryIO, allowed: Mapping[tuple[str, str], Any], encoding: str = "ASCII") -> Any:
    """The value of a pickle that names nothing but what is allowed.

    Args:
        stream: the file, which can be rewound.
        allowed: by module and name, as the pickle gives them, the value that is taken in its place.
        encoding: of texts that Python 2 has written.

    Raises:
        pickle.UnpicklingError: it names something else, or would make a table of all memory.
        Exception: whatever reading a damaged pickle raises.
    """
    _refuse_bomb(stream)
    return _Unpickler(stream, allowed, encoding).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: BinaryIO, allowed: Mapping[tuple[str, str], Any], encoding: str) -> None:
        super().__init__(stream, encoding=encoding)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return self._allowed[module, name]


def _refuse_bomb(stream: BinaryIO) -> None:
    """Raise an error where a pickle numbers what it remembers otherwise than pickling does; the stream is rewound.

    Python's reader makes a table as long as the largest of these numbers. Pickling counts them up from 0, one for an
    operation at most, so a pickle of so many operations needs no larger one.

    Raises:
        pickle.UnpicklingError: it does.
        ValueError: it is damaged.
    """
    for number, (operation, argument, _) in enumerate(pickletools.genops(stream)):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and not 0 <= int(argument or 0) <= number:
            raise pickle.UnpicklingError(f"it remembers something as number {argument} after {number} operations")
    stream.seek(0)
