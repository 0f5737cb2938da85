"""Progress of a command: bars on a terminal or in a notebook, lines in a log, and experiment trackers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from hardiness.core.progress import Listener, Silence
from hardiness.report.format import PlainConsole
from hardiness.report.loggers.tracking import TrackingSession

EVERY_S = 60.0
"""Between two lines of a log."""

MB = 10**6


class Description(ProgressColumn):
    """The work in hand, as it was typed, and its stage behind it: neither is markup or a code of a picture."""

    def render(self, task: Task) -> Text:
        """The two parts of the task's description, which stand in lines of it."""
        name, _, stage = task.description.partition("\n")
        return Text.assemble((name, "bold"), (f" {stage}" if stage else "", "dim"))


class Throughput(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="dim")


class RedrawnOutput(Progress):
    """Bars in a notebook without ipywidgets: plain text in one output of the cell, which is replaced as they move.

    rich itself redraws by ipywidgets alone; every notebook's IPython can replace an output that it has shown.
    """

    SECONDS = 0.2
    """Between two drawings at least."""

    def __init__(self, *columns: ProgressColumn, console: Console) -> None:
        self._output: Any = None
        self._drawn_s = 0.0
        super().__init__(*columns, console=console, auto_refresh=False)

    def start(self) -> None:
        """Show the bars."""
        self.refresh()

    def stop(self) -> None:
        """Show them as they ended."""
        self.refresh()

    def update(self, *arguments: Any, **changes: Any) -> None:
        """Change a bar, and draw where the last drawing is a while ago."""
        super().update(*arguments, **changes)
        self._draw_again()

    def advance(self, *arguments: Any, **changes: Any) -> None:
        """Move a bar, and draw where the last drawing is a while ago."""
        super().advance(*arguments, **changes)
        self._draw_again()

    def _draw_again(self) -> None:
        if time.monotonic() - self._drawn_s >= self.SECONDS:
            self.refresh()

    def refresh(self) -> None:
        """Draw the bars as they are."""
        from IPython.display import display

        with self.console.capture() as captured:
            self.console.print(self.get_renderable())
        output = {"text/plain": captured.get().rstrip("\n")}
        self._drawn_s = time.monotonic()
        if self._output is None:
            self._output = display(output, raw=True, display_id=True)
        else:
            self._output.update(output, raw=True)


class Bars:
    """A listener that draws on a console.

    Args:
        console: where to.
        bars: the kind of bars; by default those that rich redraws itself.
    """

    def __init__(self, console: Console, bars: type[Progress] = Progress) -> None:
        self._console, self._bars = console, bars
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def download(self, model: str, done: int, total: int | None) -> None:
        """Show how a download goes; the line is left when it is complete."""
        if self._progress is None:
            self._progress = self._bars(
                Description(),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._task = self._progress.add_task(model, total=total)
            self._progress.start()
        self._progress.update(self._task, completed=done, total=total)
        if done == total:
            self.end()

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """Show a bar, filled as far as rows are stored already; a benchmark that goes on keeps its bar."""
        if self._progress is None or not self._tasks:
            self.end()
            self._progress = self._bars(
                Description(),
                BarColumn(),
                MofNCompleteColumn(),
                Throughput(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._progress.start()
        if benchmark not in self._tasks:
            self._tasks[benchmark] = self._progress.add_task(benchmark, total=total)
        self._task = self._tasks[benchmark]
        self._progress.update(self._task, total=total, completed=stored)
        if stored == total:
            self._progress.console.print(f"{benchmark}: all {total:,} stored already, nothing to compute")

    def advance(self, rows: int) -> None:
        if self._progress:
            self._progress.advance(self._task, rows)

    def estimate(self, seconds: float) -> None:
        """Say how long it will take."""
        minutes = round(seconds / 60)
        duration = f"{minutes} minute{'s' * (minutes != 1)}" if minutes < 90 else f"{minutes / 60:.1f} hours"
        if self._progress:
            self._progress.console.print(f"about {duration} to go; stop at any time, the same command continues")

    def stage(self, text: str) -> None:
        """Say it beside the name of the bar."""
        if self._progress and self._tasks:
            name = next(name for name, task in self._tasks.items() if task == self._task)
            self._progress.update(self._task, description=f"{name}\n{text}")

    def note(self, line: str) -> None:
        (self._progress.console if self._progress else self._console).print(line, markup=False, highlight=False)

    def end(self) -> None:
        if self._progress:
            self._progress.stop()
            self._progress = None
            self._tasks = {}


class LogProgress:
    """A listener that writes to a log: a line a minute, also while nothing is finished, and one at the end.

    Args:
        console: where to.
        every_s: seconds between lines.
        clock: seconds that go by.
        is_brief: whether nothing is written but the line a minute.
    """

    def __init__(
        self,
        console: Console,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
        is_brief: bool = False,
    ) -> None:
        self._console, self._every_s, self._clock, self.is_brief = console, every_s, clock, is_brief
        self._name, self._unit, self._stage = "", "", ""
        self._total: int | None = None
        self._done = self._stored = 0
        self._begun_s = 0.0
        self._ended = threading.Event()
        self._ended.set()

    def download(self, model: str, done: int, total: int | None) -> None:
        """Take in how far it is."""
        if self._name != model:
            self._start(model, "MB", None if total is None else total // MB, 0)
        self._done = done // MB
        if done == total:
            self.end()

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        """Say how much there is to do; a benchmark that goes on is not begun again."""
        if stored == total:
            self.note(f"{benchmark}: all {total:,} stored already, nothing to compute")
        if self._name == benchmark:
            self._total, self._done = total, stored
        elif stored < total:
            self._start(benchmark, "image-conditions", total, stored)
            self.note(f"{benchmark}: {total - stored:,} of {total:,} image-conditions to compute")

    def advance(self, rows: int) -> None:
        self._done += rows

    def estimate(self, seconds: float) -> None:
        """Left out: every line says how much longer it will take."""

    def stage(self, text: str) -> None:
        """Keep it for the next line."""
        self._stage = text

    def note(self, line: str) -> None:
        if not self.is_brief:
            self._print(line)

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """The last line."""
        if not self._ended.is_set():
            self._ended.set()
            if not self.is_brief:
                self.tell()
        self._name = ""

    def tell(self) -> None:
        """Print how far it is."""
        elapsed, fresh = self._clock() - self._begun_s, self._done - self._stored
        of = "" if self._total is None else f" of {self._total:,}"
        rest_s = elapsed / fresh * (self._total - self._done) if fresh and self._total is not None else 0.0
        more = f", about {in_words(rest_s)} to go" if rest_s else ""
        stage = f"; {self._stage}" if self._stage and self._done != self._total else ""
        self._print(f"{self._name}: {self._done:,}{of} {self._unit} after {in_words(elapsed)}{more}{stage}")

    def _start(self, name: str, unit: str, total: int | None, stored: int) -> None:
        self.end()
        self._name, self._unit, self._total, self._stage = name, unit, total, ""
        self._done = self._stored = stored
        self._begun_s = self._clock()
        self._ended = threading.Event()
        threading.Thread(target=self._go_on, args=(self._ended,), daemon=True, name="progress").start()

    def _go_on(self, ended: threading.Event) -> None:
        while not ended.wait(self._every_s):
            self.tell()


def in_words(seconds: float) -> str:
    """A time as people say it, in the unit that fits."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 90 * 60 else f"{seconds / 3600:.1f} hours"


def in_unit(seconds: float) -> str:
    """A time for a table: two digits at least, in the unit that fits."""
    unit, size = next((each for each in (("d", 86400), ("h", 3600), ("min", 60)) if seconds >= 2 * each[1]), ("s", 1))
    return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"


def progress_on(console: Console) -> Bars | LogProgress:
    """Bars on a terminal or in a notebook, lines anywhere else."""
    return Bars(console) if console.is_terminal or console.is_jupyter else LogProgress(console)


def listener(progress: bool | None) -> Listener:
    """The listener of a call from Python: bars on a terminal and in a notebook, a line a minute in a script.

    Bars go to standard error on a terminal, and into the cell's output in a notebook, with or without ipywidgets; lines
    go to standard error.

    Args:
        progress: ``False`` for silence; ``True`` for a line when each benchmark begins and ends too, where there are no
            bars; ``None`` for neither.
    """
    if progress is False:
        return Silence()
    if PlainConsole().is_jupyter:
        console = PlainConsole(force_jupyter=find_spec("ipywidgets") is not None)
        return Bars(console, Progress if console.is_jupyter else RedrawnOutput)
    console = PlainConsole(stderr=True)
    return progress_on(console) if console.is_terminal or progress else LogProgress(console, is_brief=True)


TRACKED_EVERY_S = 5.0
"""How often progress is told, in seconds."""


class TrackedListener:
    """Passes everything on, and tells trackers of progress now and then."""

    def __init__(self, listener: Listener, tracking: TrackingSession, every_s: float = TRACKED_EVERY_S) -> None:
        self._listener, self._tracking = listener, tracking
        self.download, self.estimate = listener.download, listener.estimate
        self.stage, self.note = listener.stage, listener.note
        self._every_s = every_s
        self._benchmark, self._done, self._stored, self._total = "", 0, 0, 0
        self._begun = self._told = 0.0

    def begin(self, benchmark: str, total: int, stored: int) -> None:
        self._listener.begin(benchmark, total, stored)
        self._benchmark, self._done, self._stored, self._total = benchmark, stored, stored, total
        self._begun = self._told = time.perf_counter()
        self._tell()

    def advance(self, rows: int) -> None:
        self._listener.advance(rows)
        self._done += rows
        if time.perf_counter() - self._told >= self._every_s:
            self._tell()

    def end(self) -> None:
        self._listener.end()
        if self._benchmark:
            self._tell()
            self._benchmark = ""

    def _tell(self) -> None:
        self._told = time.perf_counter()
        seconds = self._told - self._begun
        rate = (self._done - self._stored) / seconds if seconds > 0 else 0.0
        self._tracking.progress(self._benchmark, self._done, self._total, rate)
