"""Progress on a terminal or in a notebook: one bar for each benchmark, with rate and time left."""

from __future__ import annotations

from importlib.util import find_spec

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from hardiness.core import Listener, Silence


class Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="dim")


class Bars:
    """A listener that draws on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def download(self, model: str, done: int, total: int | None) -> None:
        """Show how a download goes; the line is left when it is complete."""
        if self._progress is None:
            self._progress = Progress(
                TextColumn("[bold]{task.description}"),
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
            self._progress = Progress(
                TextColumn("[bold]{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                Rate(),
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
        """Move the bar."""
        if self._progress:
            self._progress.advance(self._task, rows)

    def estimate(self, seconds: float) -> None:
        """Say how long it will take."""
        minutes = round(seconds / 60)
        told = f"{minutes} minute{'s' * (minutes != 1)}" if minutes < 90 else f"{minutes / 60:.1f} hours"
        if self._progress:
            self._progress.console.print(f"about {told} to go; stop at any time, the same command continues")

    def note(self, line: str) -> None:
        """Print it, above the bar where there is one."""
        (self._progress.console if self._progress else self._console).print(line, markup=False, highlight=False)

    def end(self) -> None:
        """Leave the bar as it is."""
        if self._progress:
            self._progress.stop()
            self._progress = None
            self._tasks = {}


def listener(progress: bool | None) -> Listener:
    """Bars where progress is asked for, or by default where a person looks on: on a terminal or in a notebook.

    They go to standard error on a terminal. In a notebook without ipywidgets, which rich needs to redraw, each is
    printed once, when it is complete.
    """
    notebook = Console().is_jupyter
    if notebook:
        console = Console() if find_spec("ipywidgets") else Console(force_jupyter=False)
    else:
        console = Console(stderr=True)
    wanted = notebook or console.is_terminal if progress is None else progress
    return Bars(console) if wanted else Silence()
