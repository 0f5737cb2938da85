"""The forecast of a command: what it would evaluate, and how long that would take; nothing is stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from hardiness.api.command import Command
from hardiness.api.execution import EarlyEnd, policy_for, require_evaluable, require_possible, where_of
from hardiness.api.loading import LoadOutcome
from hardiness.api.progress import in_unit
from hardiness.core.benchmark import DataSet
from hardiness.core.codes import DataRemark
from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.progress import Silence
from hardiness.core.result import TextTable
from hardiness.engine.forecast import MOST_UNBOUNDED, Forecast, forecast_evaluation
from hardiness.models.frameworks import require_torch
from hardiness.store.store import Store

HEADS = ("benchmark", "images", "rows to do", "stored", "passes", "time")


@dataclass(frozen=True)
class CommandPlan:
    """The forecast of a command.

    Attributes:
        forecasts: of each benchmark.
        models: that would be evaluated.
        skipped: what of a suite would be skipped, each with the reason.
        problems: what was asked for and could not be evaluated.
        remarks: what else a person should know of the data.
        stops: what may end it earlier, in a line; empty where nothing does.
        calls: requests to chat models at most, over all benchmarks; ``None`` for any number.
    """

    forecasts: tuple[Forecast, ...]
    models: tuple[str, ...]
    skipped: tuple[Fact, ...]
    problems: tuple[Fact, ...]
    remarks: tuple[Fact, ...] = ()
    stops: str = ""
    calls: int | None = None

    @property
    def exit_status(self) -> int:
        """0 where everything asked for could be evaluated, else 1."""
        return 1 if self.problems else 0

    def view(self) -> TextTable:
        """A row for each benchmark, then the whole."""
        names = Counter(each.benchmark for each in self.forecasts)
        rows = [
            self._row(
                each if names[each.benchmark] == 1 else replace(each, benchmark=f"{each.benchmark} on {each.data}")
            )
            for each in self.forecasts
        ]
        if len(rows) > 1:
            rows.append(self._row(self.whole))
        bound = "those count in --calls"
        if self.calls is None:
            need = f"; more than {MOST_UNBOUNDED:,} need it" if self.whole.calls > MOST_UNBOUNDED else ""
            bound = f"--calls N bounds all of them together{need}"
        tries = (f"a call is tried up to five times where it fails; {bound}",)
        notes = (
            f"models: {', '.join(self.models)}",
            *dict.fromkeys(each.layout for each in self.forecasts if each.layout),
            *([self.stops] if self.stops else ()),
            *(tries if self._has_chat_models else ()),
            "nothing was evaluated or stored; times are from the first rows, computed and thrown away, and count "
            "from loaded models",
        )
        return TextTable(
            "what would run", (*HEADS, *(["calls"] if self._has_chat_models else [])), tuple(rows), notes=notes
        )

    @property
    def _has_chat_models(self) -> bool:
        """Whether there are chat models to ask."""
        return any(each.calls for each in self.forecasts)

    def _row(self, each: Forecast) -> tuple[str, ...]:
        row = (each.benchmark, *(f"{count:,}" for count in (each.images, each.rows, each.stored)))
        row = (*row, f"{each.passes:,}" if each.passes or not each.rows else "by the attack", _time(each))
        if not self._has_chat_models:
            return row
        calls = each.calls if self.calls is None else min(each.calls, self.calls)
        return (*row, f"{'at most ' if self.stops or calls < each.calls else ''}{calls:,}")

    @property
    def whole(self) -> Forecast:
        """All benchmarks together."""
        forecasts = self.forecasts
        return Forecast(
            benchmark="all",
            data="",
            models=self.models,
            images=sum(each.images for each in forecasts),
            rows=sum(each.rows for each in forecasts),
            stored=sum(each.stored for each in forecasts),
            passes=sum(each.passes for each in forecasts),
            seconds=sum(each.seconds for each in forecasts),
            at_most=any(each.at_most for each in forecasts),
            calls=sum(each.calls for each in forecasts),
        )

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "models": list(self.models),
            "benchmarks": json_form(self.forecasts),
            "skipped": json_form(self.skipped),
            "problems": json_form(self.problems),
            "remarks": json_form(self.remarks),
            **({} if self.calls is None else {"most_calls": self.calls}),
        }


def plan(command: Command) -> CommandPlan:
    """The forecast of `run` with this command; nothing is evaluated but a few rows that are thrown away.

    Raises:
        ArgumentError: a name or option is wrong, or Ray is to evaluate.
        DataError: a benchmark's data are absent. Of a suite, what has no data or no weights is skipped.
        StoreError: what is stored cannot be read.
    """
    stop, where = EarlyEnd.of(command.request), where_of(command)
    require_possible(command, stop, where, planned=True)
    require_torch()
    workload, store = command.workload(), Store(command.out)
    try:
        store.check_schema()
    except StoreError as error:
        raise ArgumentError(f"--out {command.out}: {error}") from error
    require_evaluable(workload, stop, where)
    stops = ""
    if stop.precision_target is not None:
        stops = "with a precision target it ends as soon as every headline is exact enough: at most so much"
    elif (policy := policy_for(command.request, workload.evaluations, workload.models.specs, command.out)) is not None:
        rules = f"{len(policy.rules)} rules" if len(policy.rules) > 1 else "one rule"
        stops = (
            f"with the {rules} of {policy.source} each benchmark ends as soon as all that are on it are decided: at "
            "most so much, and all of it where a number lies on its limit"
        )
    selection = workload.models
    loaded = command.load(selection, Silence(), None) if workload.rows else LoadOutcome()
    skipped = [*workload.skipped]
    forecasts: list[Forecast] = []
    for each in workload.evaluations if loaded.classifiers else ():
        capable, passed_over = each.split(loaded.classifiers)
        skipped += passed_over
        if capable:
            forecasts.append(forecast_evaluation(each.benchmark, capable, each.data, store, each.request))
    absent = (*selection.absent, *loaded.absent)
    problems = (
        *selection.problems,
        *loaded.problems,
        *(fact for forecast in forecasts for fact in forecast.problems),
    )
    return CommandPlan(
        forecasts=tuple(forecasts),
        models=tuple(classifier.spec.name for classifier in loaded.classifiers),
        skipped=(*skipped, *(() if command.models else absent)),
        problems=(*(absent if command.models else ()), *problems),
        remarks=(
            *dict.fromkeys(fact for forecast in forecasts for fact in forecast.remarks),
            *dict.fromkeys(fact for _, data in workload.rows if (fact := _columns_fact(data))),
        ),
        stops=stops,
        calls=command.request.calls,
    )


def _columns_fact(data: DataSet) -> Fact | None:
    """The columns that the pictures of a data set have, and where they were read; ``None`` where they have none."""
    columns = {"columns": tuple(data.columns.values), "source": data.columns.title}
    return Fact(DataRemark.HAS_COLUMNS, {"data": data.name, **columns}) if data.columns else None


def _time(each: Forecast) -> str:
    """About how long; of an attack at most how long."""
    if not each.rows:
        return "none: all is stored" if each.stored else "none: it cannot be evaluated"
    if each.calls and not each.seconds:
        return "as the endpoint answers"
    return f"{'at most' if each.at_most else 'about'} {in_unit(each.seconds)}"
