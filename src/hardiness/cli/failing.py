"""What a command says when it fails: one line and an exit status; with ``--debug`` the traceback too."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click

from hardiness.core import HardinessError, errors
from hardiness.core.errors import described

DEBUG = "--debug"

READER_LEFT = 141
"""Where who reads our output goes first, as ``head`` does: what a shell says of any command that this happens to."""


def without_debug(arguments: Sequence[str]) -> list[str]:
    """The arguments without ``--debug``, which may stand anywhere, as people add it to the line that failed.

    It sets an environment variable, so that processes that are started later show tracebacks too.
    """
    if DEBUG in arguments:
        os.environ[errors.DEBUG] = "1"
    return [argument for argument in arguments if argument != DEBUG]


def show_any_name(stream: TextIO) -> None:
    """From now on names that the stream's encoding lacks, or that are no UTF-8, are written as ``\\udcff``."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def tell_warnings() -> None:
    """From now on what the package logs as a warning, e.g. whom it waits for, is a line like any other."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("hardiness: %(message)s"))
    log = logging.getLogger("hardiness")
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.WARNING)  # whatever a library makes of the root's level


def tell(error: BaseException) -> int:
    """Print what went wrong to standard error; the exit status."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError):
        return READER_LEFT  # rich has closed the output by then
    errors.show_traceback(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()  # the help that was asked for
        return error.exit_code
    if isinstance(error, OSError) and (refused := _output_refused(error)):
        return refused
    if isinstance(error, click.ClickException):
        line, status = _usage(error), error.exit_code
    elif isinstance(error, HardinessError):
        line, status = str(error), error.exit_status
    elif isinstance(error, PermissionError) and error.filename:
        line = f"{error.filename}: permission denied; name another file or folder, or change its permissions"
        status = 2
    elif isinstance(error, MemoryError):
        line, status = "there is not enough memory; give a smaller --batch-size, or fewer models at a time", 1
    elif isinstance(error, SystemExit):
        line, status = f"code outside of hardiness ended the program (exit status {error.code}){_where(error)}", 1
    else:
        line = f"{described(error)}{_where(error)}: this should have been told more plainly; {DEBUG} shows where it is"
        status = 1
    click.echo(f"hardiness: {_as_one(line)}", err=True)
    return status


def _as_one(line: str) -> str:
    """The same as one line: names of files and options may hold line breaks."""
    return "\\n".join(line.splitlines())


def _output_refused(error: OSError) -> int:
    """The exit status where standard output takes no more, which is told if its reader is still there; else 0."""
    innermost = Path(traceback.extract_tb(error.__traceback__)[-1].filename).parts
    if not {"rich", "click", "cli"} & set(innermost):
        return 0
    # What is left in its buffer would be tried once more, and told by Python, when the program ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return READER_LEFT
    click.echo(f"hardiness: standard output cannot be written: {error.strerror}; what is stored is kept", err=True)
    return 1


def _usage(error: click.ClickException) -> str:
    """What is wrong with the line that was typed, and which help to read."""
    said = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    joint = " " if said.endswith(("?", ")")) else "; "
    return f"{said}{joint}see '{context.command_path} --help'" if context else said


def _where(error: BaseException) -> str:
    """File, line and function of the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name})" if frames else ""
