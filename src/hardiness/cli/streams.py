"""The standard streams of the program: results alone on standard output, and messages that may be lost."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from hardiness.core.errors import StoreError

OUTPUT, MESSAGES = 1, 2
"""Descriptors of standard output and standard error."""


class ReaderLeftError(Exception):
    """The reader of standard output has left, as ``head`` does; no `OSError`, for which click and rich end us."""


class ResultFile(io.FileIO):
    """A file that says once why it takes no more, and loses what is written later, as Python does when it ends."""

    takes_more = True

    def write(self, content: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # it never gives None
        """Write it; the bytes that are dealt with.

        Raises:
            ReaderLeftError: nobody reads it any more.
            StoreError: the disk is full.
        """
        try:
            return (super().write(content) or 0) if self.takes_more else len(content)
        except OSError as error:
            self.takes_more = False
            if isinstance(error, BrokenPipeError):
                raise ReaderLeftError from None
            line = f"standard output cannot be written: {error.strerror}; what is stored is kept"
            raise StoreError(line) from error


class LossyFile(io.FileIO):
    """A file whose writes are lost where there is no room for them; that its reader has gone is an error still."""

    def write(self, content: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # it never gives None
        """Write it, or lose it; the bytes that are dealt with."""
        try:
            return super().write(content) or 0
        except BrokenPipeError:
            raise
        except OSError:
            return len(content)


def prepare_streams() -> None:
    """Make the streams such that no message costs an evaluation and nothing but results stands among these.

    - A stream that was closed is the null device: else the next file that is opened would get its number.
    - What other code and other processes write to the descriptor of standard output goes to standard error, so that
      ``--json`` is JSON whatever a library in C prints.
    - A standard error that takes no more, as on a full disk, loses messages and ends nothing.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= MESSAGES:
        pass
    os.close(number)
    results = os.dup(OUTPUT)
    os.dup2(MESSAGES, OUTPUT)
    sys.stdout = _text(ResultFile(results, "w"), sys.stdout)
    sys.stderr = _text(LossyFile(MESSAGES, "w", closefd=False), sys.stderr)
    vars(sys).update(__stdout__=sys.stdout, __stderr__=sys.stderr)  # a terminal's width is asked of these


def _text(file: io.FileIO, stream: TextIO | None) -> io.TextIOWrapper:
    """A text stream on a file, of the encoding and the manners of another; of none where that was closed."""
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding if stream else "utf-8",
        errors=(stream.errors if stream else None) or "backslashreplace",
        line_buffering=file.isatty() or bool(getattr(stream, "line_buffering", False)),
        write_through=bool(getattr(stream, "write_through", False)),
    )
