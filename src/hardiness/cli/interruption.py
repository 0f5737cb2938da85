"""The end of the program: after Ctrl-C and SIGTERM, at whatever moment they come, and where threads do not end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}

OTHERS_S = 5.0
"""How long the program waits at its end for threads and processes that other code has left running."""


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


def leave_others_behind(status: int) -> None:
    """From now on the program ends with this status, although threads or processes of other code go on for ever.

    Python waits at its end for every thread, and every child of `multiprocessing`, that is no daemon. Where this takes
    longer than `OTHERS_S` one line names them. Processes are ended; where threads are left, what was registered to be
    done at the end is done, and the program ends without them.
    """
    waited = threading.Event()
    atexit.register(waited.set)  # called when Python has waited for all threads, before it waits for processes

    def watch() -> None:
        threads: list[str] = []
        while not threads:
            time.sleep(OTHERS_S)
            multiprocessing = sys.modules.get("multiprocessing")
            children = multiprocessing.active_children() if multiprocessing else []
            if left := [each for each in children if not each.daemon]:
                _tell_of("process", [each.name for each in left])
                for each in left:
                    each.kill()  # a fork has our handler of SIGTERM
            if not waited.is_set():
                threads = [each.name for each in threading.enumerate() if not each.daemon and each is not main]
        _tell_of("thread", threads)
        last = threading.Thread(target=atexit._run_exitfuncs, daemon=True)
        last.start()
        last.join(OTHERS_S)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)

    main = threading.main_thread()
    threading.Thread(target=watch, daemon=True).start()


def _tell_of(kind: str, names: list[str]) -> None:
    sys.stderr.write(
        f"hardiness: everything is written; a {kind} that a model's code or a library has left running "
        f"({', '.join(sorted(names))}) did not end within {OTHERS_S:.0f} s, and the program ends without it\n"
    )


def _is_ours(error: BaseException | None) -> bool:
    return isinstance(error, Interruption)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for each in STATUS:
        signal.signal(each, _leave_now)
    raise Interruption(number)


def _leave_now(number: int, frame: FrameType | None) -> None:
    os._exit(STATUS[signal.Signals(number)])
