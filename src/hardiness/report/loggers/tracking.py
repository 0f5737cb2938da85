"""Some trackers at once: a run of each for every model and one for the command's progress."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hardiness.core.codes import RunRemark
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import Result, Score
from hardiness.report.loggers.logger import Logger, TrackerRun, registry
from hardiness.report.slices import slice_rows

PROGRESS, USUAL = "progress", "imagenet"
"""Name of the run of a command's progress, and of the data that names of numbers leave out."""


@dataclass
class TrackingSession:
    """Trackers that receive numbers while a command runs; one that fails is left out from then on, with a remark.

    Attributes:
        names: of loggers.
        out: the output folder, where those without a server put their files.
        about: what was run.
        problems: the trackers that failed.
    """

    names: Sequence[str]
    out: str
    about: Mapping[str, str]
    problems: list[Fact] = field(default_factory=list)
    _open: dict[tuple[str, str], Logger] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)

    def check(self) -> None:
        """See that every logger can be used, before anything is computed.

        Raises:
            UnknownNameError: there is no such logger.
            ArgumentError: its package is not installed, or the output folder is not on a disk.
        """
        for name in self.names:
            registry.get(name).check(name)
            if "://" in self.out:
                raise ArgumentError(f"the log to {name} needs an output folder on a disk, was {self.out}")

    def progress(self, benchmark: str, done: int, total: int, rate: float) -> None:
        """How far a benchmark is, in image-conditions, and how many of them a second are finished."""
        shares = {f"{benchmark}/done": done / total if total else 1.0, f"{benchmark}/image_conditions_per_second": rate}
        self._tell(PROGRESS, shares, done)

    def scores(self, results: Sequence[Result]) -> None:
        """The scores of some results, each model in its own run; the step is how many images they rest on."""
        for result in results:
            self._tell(result.name, numbers_of(result), result.counts.images)

    def close(self) -> None:
        """End every run that is open."""
        for (name, _), logger in self._open.items():
            self._safely(name, logger.close)
        self._open.clear()

    def _tell(self, run: str, numbers: Mapping[str, float], step: int) -> None:
        for name in self.names:
            self._safely(name, partial(self._log, name, run, numbers, step))

    def _log(self, name: str, run: str, numbers: Mapping[str, float], step: int) -> None:
        if (name, run) not in self._open:
            self._open[name, run] = registry.get(name).open(TrackerRun(run, Path(self.out), self.about))
        self._open[name, run].log(numbers, step)

    def _safely(self, name: str, act: Callable[[], None]) -> None:
        if name in self._failed:
            return
        try:
            act()
        except Exception as error:  # noqa: BLE001  # a tracker's own failure costs no result
            self._leave(name, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")

    def _leave(self, name: str, why: str) -> None:
        self._failed.add(name)
        self.problems.append(Fact(RunRemark.TRACKER_FAILED, {"tracker": name, "line": why}))


def numbers_of(result: Result) -> dict[str, float]:
    """The scores of a result by names that every tracker takes, as ``benchmark/metric/key.value``.

    Those by slice end in the column and its value, as ``site.B``; the worst slice, the gap to the best and the average
    in other proportions in ``site/worst``, ``site/gap`` and ``site/mix``.
    """
    numbers = {}
    rows: list[tuple[Score, list[str]]] = [(score, []) for score in result.scores]
    for sliced in result.slices:
        for score, cells in slice_rows(sliced):
            value = f"{sliced.column}.{cells['slice_value']}"
            rows.append((score, [value] if cells["slice_row"] == "value" else [sliced.column, cells["slice_row"]]))
    for score, ending in rows:
        if score.value is not None:
            numbers[_name(result, score, ending)] = score.value
    return numbers


def _name(result: Result, score: Score, ending: Sequence[str]) -> str:
    data = () if result.data in (result.benchmark, USUAL) else (result.data,)
    where = [
        f"{key}.{value:.4g}" if isinstance(value, float) else f"{key}.{value}" for key, value in score.condition.items()
    ]
    doubt = [score.doubt] if score.doubt else []
    return re.sub(r"[^\w./ -]+", "_", "/".join([result.benchmark, *data, score.metric, *where, *doubt, *ending]))
