"""What a pickle asks for before anything of it is read: one of a few bytes can ask for all memory."""

from __future__ import annotations

import pickle
import pickletools
from typing import BinaryIO

TORCHS_ADVICE = " This file can still be loaded"
"""Where torch's refusal of a pickle goes on to say how to read it unsafely."""


def refuse_bomb(stream: BinaryIO) -> None:
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
