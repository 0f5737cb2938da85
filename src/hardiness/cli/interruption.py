"""Ctrl-C and SIGTERM: one line and an exit status, at whatever moment they come."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Interruption(KeyboardInterrupt):
    """A signal that ends the program; raised in the main thread, so that what is finished is kept."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = STATUS[signal.Signals(number)]


def listen() -> None:
    """Turn the first signal into an `Interruption`; a second one ends the program at once.

    Files are written whole or not at all, so ending at any moment leaves no half file. Only the main thread can do
    this; elsewhere, as in a test or a notebook's thread, signals stay whose they were.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in STATUS:
        signal.signal(number, _interrupt)


def leave(error: BaseException) -> NoReturn:
    """End the program after an interruption, without waiting for threads of native libraries, which would abort it.

    Args:
        error: the interruption, or what a library made of it.
    """
    interruption = next((each for each in (error, error.__cause__, error.__context__) if _is_ours(each)), None)
    sys.stderr.write("hardiness: stopped; what is finished is kept, and the same command continues\n")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(interruption.status if isinstance(interruption, Interruption) else STATUS[signal.SIGINT])


def _is_ours(error: BaseException | None) -> bool:
    return isinstance(error, Interruption)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in STATUS:
        signal.signal(each, _leave_now)
    raise Interruption(number)


def _leave_now(number: int, frame: FrameType | None) -> None:
    os._exit(STATUS[signal.Signals(number)])
