"""Everything that can go wrong, as one tree."""

from __future__ import annotations

import difflib
import os
import re
import sys
import traceback
from collections.abc import Iterable, Sequence

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys or that turn the direction of text, but for line breaks and tabs."""

DEBUG = "HARDINESS_DEBUG"
"""Environment variable, set by ``--debug``: tracebacks of errors are shown beside their lines."""


class HardinessError(Exception):
    """Root of the tree: one clear sentence for a person, and the exit status that goes with it."""

    exit_status = 1


class ArgumentError(HardinessError, ValueError):
    """An argument is wrong; nothing was evaluated because of it."""

    exit_status = 2


class UnknownNameError(ArgumentError):
    """A name is in no registry; the message offers close matches, then all names, or what else may be meant."""

    def __init__(self, kind: str, name: str, known: Iterable[str], meant: str = "") -> None:
        names = sorted(known)
        super().__init__(f"unknown {kind} {name!r}{f'; did you mean {meant}?' if meant else suggestion(name, names)}")
        self.kind, self.name, self.known = kind, name, tuple(names)


class DataError(HardinessError):
    """A data set is absent, empty or laid out differently than it must be."""

    exit_status = 2


class ModelError(HardinessError):
    """A model cannot be loaded or cannot be evaluated on what was asked."""


class RefusedModelError(ModelError):
    """A model's answers cannot be used, whatever the picture: rows that there are of it say nothing."""


class DeviceError(HardinessError):
    """A GPU computes nothing more in this process, whatever the model: the command ends, and what is finished stays."""


class SampleError(HardinessError):
    """One sample cannot be evaluated; it is counted as failed, listed, and the rest goes on."""


class AttackError(HardinessError):
    """An attack broke its own rules: it left its budget or the range of pixels. A bug of the attack, never a result."""


class StoreError(HardinessError):
    """Results cannot be written to, or read from, the output folder."""


def suggestion(name: str, names: Sequence[str], most: int = 40) -> str:
    """The end of a message about an unknown name: close matches, if any, then the names that there are."""
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ";"
    listed = ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")
    return f"{hint} known: {listed}" if names else f"{hint} none is registered"


def refuse_unknown(place: str, what: str, table: Iterable[str], names: Sequence[str]) -> None:
    """Refuse a name in a person's table that nothing reads.

    Args:
        place: the file and the part of it, for the message.
        what: the kind of name, e.g. ``"field"``.
        table: names that stand there.
        names: those that are read.

    Raises:
        ArgumentError: a name is none of these; the message says which are close.
    """
    for name in table:
        if name not in names:
            raise ArgumentError(f"{place}: unknown {what} {name!r}{suggestion(name, names)}")


def described(error: BaseException) -> str:
    """An error of somebody else's code in one line: its type and the first line of its message."""
    message = first_line(str(error))
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def first_line(text: str) -> str:
    """The first line of foreign text that is not empty, without a terminal's colours, other controls as `\\x07`."""
    line = next((line.strip() for line in _COLOURS.sub("", text).splitlines() if line.strip()), "")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def printable(text: str) -> str:
    """The text with its controls written out as ``\\x1b``: names of folders and endpoints order no terminal about."""
    return CONTROLS.sub(lambda control: control[0].encode("unicode_escape").decode(), text)


def line_of(error: BaseException) -> str:
    """The line about an error that costs a part of the work and not all; its traceback is shown where asked for."""
    show_traceback(error)
    return str(error) if isinstance(error, HardinessError) else described(error)


def show_traceback(error: BaseException) -> None:
    """Print where an error came from, and what it came from, to standard error, if `DEBUG` is set."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error, file=sys.stderr)
