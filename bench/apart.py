"""A process for each side: what one side sets for itself, in the allocator or in torch, is not given to the other."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from bars import SHORT
from hardiness.cli.main import LARGE_PAGES

T = TypeVar("T")
Ask = Callable[..., T]
"""A function and its arguments to its value, computed in the side's own process."""


@contextmanager
def apart(*sides: str) -> Iterator[dict[str, Ask[Any]]]:
    """A fresh process for each side, each asked one thing at a time; "ours" is set up as the command is.

    In the short size one does for all, as what a process imports takes longest there.
    """
    with ExitStack() as stack:
        spawn = multiprocessing.get_context("spawn")
        set_up = {"ours": as_the_command}
        pools = {
            side: stack.enter_context(ProcessPoolExecutor(1, spawn, initializer=set_up.get(side)))
            for side in (sides[:1] if SHORT else sides)
        }
        pools |= {side: pools[sides[0]] for side in sides[1:] if SHORT}
        yield {side: _asking(pool) for side, pool in pools.items()}


def as_the_command() -> None:
    """What the command sets before the first tensor."""
    os.environ.setdefault(LARGE_PAGES, "1")


def _asking(pool: ProcessPoolExecutor) -> Ask[Any]:
    return lambda function, *arguments: pool.submit(function, *arguments).result()
