"""Options of the command line in groups: a command gets one value for each group instead of one for each option."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import click
from rich.console import Console

from hardiness.store import WAIT_S

PIPE_WIDTH = 160
"""Characters of a line where output goes to a file or a pipe."""

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def grouped(name: str, kind: type[Any], *options: Decorator) -> Decorator:
    """Add ``options`` to a command and hand them over together, as the argument ``name`` of type ``kind``.

    Args:
        name: of the command's argument.
        kind: a dataclass; an option belongs to the field of its own name.
        options: decorators made by `click.option`.
    """
    names = {field.name for field in fields(kind)}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            chosen = {each: given.pop(each) for each in names & given.keys()}
            return function(**given, **{name: kind(**chosen)})

        decorated: Callable[..., Any] = command
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


@dataclass(frozen=True, slots=True)
class PrintOptions:
    """What a command prints.

    Attributes:
        quiet: neither progress nor tables nor a closing line.
        as_json: the results as JSON in place of tables.
    """

    quiet: bool
    as_json: bool = False


seed = click.option("--seed", type=int, default=0, help="Keys every draw.")
device = click.option("--device", default="auto", metavar="auto|cpu|cuda", help="Where models run.")
quiet = click.option("--quiet", is_flag=True, help="Neither progress nor a closing line.")


def waiting(what: str, default_s: float) -> Decorator:
    """``--wait SECONDS`` for another command."""
    return click.option(
        "--wait",
        "wait_s",
        type=click.FloatRange(min=0),
        default=default_s,
        metavar="SECONDS",
        help=f"How long to wait for {what}.",
    )


wait = waiting("a folder that another command is changing", WAIT_S)


def limit(what: str) -> Decorator:
    """``--limit N`` of samples, photographs or stimuli."""
    return click.option(
        "--limit", type=int, metavar="N", help=f"The first N {what} of a seeded, class-stratified order."
    )


def wide(console: Console) -> Console:
    """The console, wide enough for a table when its output goes to a file or a pipe and ``COLUMNS`` is not set."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console
