"""The command ``hardiness``, and ``python -m hardiness``: signals are heard before anything else is imported."""

from __future__ import annotations

import gc
import importlib
import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line; a signal during the imports, which take a second, is one line and an exit status too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    gc.disable()  # until the command is imported: nothing of what imports make is garbage, and looking takes 20 ms
    importlib.import_module("hardiness.cli.main").program()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"hardiness: stopped before anything had begun\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
