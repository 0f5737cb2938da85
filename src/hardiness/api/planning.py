"""What a command would do, before it does it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

from hardiness.api.asked import asked_for
from hardiness.api.command import Command
from hardiness.api.models import load_models
from hardiness.core import ArgumentError, Listener, Silence, StoreError, TextTable
from hardiness.engine.forecast import Forecast, forecast
from hardiness.store import Store

HEADS = ("benchmark", "units", "images", "rows to do", "stored", "to read", "to write", "time")


@dataclass(frozen=True)
class Planned:
    """What a command would do.

    Attributes:
        forecasts: of each benchmark.
        models: that would be evaluated.
        skipped: what of a suite would be skipped, each with the reason.
        problems: what was asked for and could not be evaluated, one line each.
        remarks: what else a person should know of the data.
        stops: whether a precision target may end it earlier.
    """

    forecasts: tuple[Forecast, ...]
    models: tuple[str, ...]
    skipped: tuple[str, ...]
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    stops: bool = False

    @property
    def exit_status(self) -> int:
        """0 where everything asked for could be evaluated, else 1."""
        return 1 if self.problems else 0

    def view(self) -> TextTable:
        """A row for each benchmark, then the whole."""
        names = Counter(each.benchmark for each in self.forecasts)
        rows = [
            _row(each if names[each.benchmark] == 1 else replace(each, benchmark=f"{each.benchmark} on {each.data}"))
            for each in self.forecasts
        ]
        if len(rows) > 1:
            rows.append(_row(self.whole))
        stops = ("with a precision target it ends as soon as every headline is exact enough: at most so much",)
        notes = (
            f"models: {', '.join(self.models)}",
            *(stops if self.stops else ()),
            "nothing was evaluated or stored; times are from a few rows of each, computed and thrown away, and count "
            "from loaded models",
        )
        return TextTable("what would run", HEADS, tuple(rows), notes=notes)

    @property
    def whole(self) -> Forecast:
        """All benchmarks together."""
        found = self.forecasts
        return Forecast(
            benchmark="all",
            data="",
            models=self.models,
            units=sum(each.units for each in found),
            images=sum(each.images for each in found),
            rows=sum(each.rows for each in found),
            stored=sum(each.stored for each in found),
            bytes_read=sum(each.bytes_read for each in found),
            bytes_written=sum(each.bytes_written for each in found),
            seconds=sum(each.seconds for each in found),
            error_s=math.hypot(*(each.error_s for each in found)),
            at_most=any(each.at_most for each in found),
            refused=any(each.refused for each in found),
        )

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "models": list(self.models),
            "benchmarks": [asdict(each) for each in self.forecasts],
            "skipped": list(self.skipped),
            "problems": list(self.problems),
            "remarks": list(self.remarks),
        }


def plan(command: Command, listener: Listener | None = None) -> Planned:
    """What `run` would do with this command: nothing is evaluated but a few rows that are thrown away, nothing stored.

    Raises:
        ArgumentError: a name or option is wrong, or Ray is to evaluate.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: what is stored cannot be read.
    """
    if command.cluster:
        raise ArgumentError("--plan is for this process; leave --engine ray out")
    asked, hears = asked_for(command), listener or Silence()
    store = Store(command.out)
    try:
        store.check_schema()
    except StoreError as error:
        raise ArgumentError(f"--out {command.out}: {error}") from error
    loaded = load_models(asked.models.specs if asked.rows else (), command.placement, hears)
    found = [
        forecast(row.benchmark, loaded.classifiers, data, store, row.request, hears)
        for row, data in (asked.rows if loaded.classifiers else ())
    ]
    absent, problems = (
        (*asked.models.absent, *loaded.absent),
        (*asked.models.problems, *loaded.problems, *(line for each in found for line in each.problems)),
    )
    return Planned(
        forecasts=tuple(found),
        models=tuple(classifier.spec.name for classifier in loaded.classifiers),
        skipped=(*asked.skipped, *(() if command.models else absent)),
        problems=(*(absent if command.models else ()), *problems),
        remarks=tuple(dict.fromkeys(line for each in found for line in each.remarks)),
        stops=command.request.precision_target is not None,
    )


def _row(each: Forecast) -> tuple[str, ...]:
    return (
        each.benchmark,
        f"{each.units:,}",
        f"{each.images:,}",
        f"{each.rows:,}",
        f"{each.stored:,}",
        _bytes(each.bytes_read),
        _bytes(each.bytes_written),
        _time(each),
    )


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _time(each: Forecast) -> str:
    """The time with its error; of an attack at most how long."""
    if not each.rows and each.refused:
        return "none: what can be evaluated is stored" if each.stored else "none: it cannot be evaluated"
    if not each.rows:
        return "none: all is stored"
    factor, unit = next((f, u) for f, u in ((3600, "h"), (60, "min"), (1, "s")) if each.seconds >= 2 * f or f == 1)
    told = f"{each.seconds / factor:.1f} {unit}"
    return f"at most {told}" if each.at_most else f"{told} ± {each.error_s / factor:.1f}"
