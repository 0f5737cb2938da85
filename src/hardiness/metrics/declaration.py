"""How a metric is declared: a function of one run, or of two on the same pictures, under a name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.core.registry import Registry, instance_of
from hardiness.core.result import CLASSES, OUTPUTS, Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable
from hardiness.metrics.scoring import OutcomeOfPart, Outcomes, Scoring, as_measurable, as_score
from hardiness.statistics.measures import Measurable


@dataclass(frozen=True)
class RunMetric:
    """A metric of one run: what it is, what it needs, and the function that computes it.

    Attributes:
        metric: name, title, unit, range, direction, and the outputs of a model that it needs.
        function: from a `Scoring` to outcomes by condition, ``Condition()`` first; none of pictures that it says
            nothing of. A `DataError` where what it reads is not here: then there is no score.
        table: columns of the image table that it needs, beside ``right``.
        rows: columns of the stored rows that it needs and the image table does not carry: they are added to it. A
            metric with some takes no part in stopping a run.
        columns: what it needs to know of pictures beyond their labels, such as ``site``: it gets them as
            `Scoring.columns`. Where pictures have no such column its score has no value and says so.
        applies: whether it speaks of a run. A run of which it does, and whose rows lack a column, has a score without a
            value that says so. Without it the metric offers itself wherever its columns are.
        divides: whether it divides by a baseline, which it then gets.
        compared: whether `compare` holds models against each other by it, and runs may be stopped by it: all
            differences are adjusted for how many scores are compared.
        behind: the name of the score behind whose first it stands; at the end if empty.
    """

    metric: Metric
    function: Callable[[Scoring], Outcomes]
    table: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    applies: Callable[[Run], bool] | None = None
    divides: bool = False
    compared: bool = True
    behind: str = ""
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its scores."""
        return self.metric.name

    def __call__(self, scoring: Scoring) -> Outcomes:
        """Its outcomes by condition.

        Raises:
            ArgumentError: the function does not return a mapping from conditions.
        """
        return _checked(self.function(scoring))

    def speaks_of(self, run: Run) -> bool:
        """Whether it may have a score of a run, as far as the run says."""
        return self.applies is None or bool(self.applies(run))

    def lacks(self, table: ImageTable) -> Fact | None:
        """The columns that it needs and a table has not; ``None`` where it has them."""
        places = {"table": self.table, "rows": self.rows}
        missing = {place: tuple(name for name in names if name not in table) for place, names in places.items()}
        return Fact(Lack.COLUMNS, missing) if any(missing.values()) else None

    def lacks_columns(self, columns: Collection[str]) -> Fact | None:
        """The columns of pictures that it needs and that are not among some; ``None`` where they are."""
        return _missing_columns(self.columns, columns)

    def scores(self, scoring: Scoring) -> list[Score]:
        """Its scores of a run whose table has its columns.

        Raises:
            ArgumentError: the function returns what is no outcome, or a value beyond its range.
        """
        return [
            as_score(self._of(condition, scoring.whole), condition, outcome, scoring)
            for condition, outcome in self(scoring).items()
        ]

    def measurables(self, scoring: Scoring) -> list[Measurable]:
        """Its scores as functions of images; raises as `scores` does.

        Models are compared by the headline alone, where there is one: a table adjusts its differences for each score.
        """
        outcomes = self(scoring)
        measurables = (
            as_measurable(
                self._of(condition, scoring.whole),
                condition,
                outcome,
                scoring,
                self,
                compared=not condition or Condition() not in outcomes,
            )
            for condition, outcome in outcomes.items()
        )
        return [each for each in measurables if each is not None]

    def _of(self, condition: Condition, whole: bool) -> Metric:
        """The metric, or that of a part where it is the headline of one."""
        return self.metric if whole or condition else self.metric.partial


@dataclass(frozen=True)
class PairMetric:
    """A metric of two runs on the same pictures, an earlier and a later one.

    Attributes:
        metric: name, title, unit, range and direction.
        function: from the `Scoring` of the earlier and of the later run to outcomes by condition. Their tables have the
            same images and cells, and are evaluated where both were.
        table: columns of the image tables that it needs, beside ``right``.
        applies: whether it speaks of a run; both must be such. By default it does where both have its columns.
        columns: what it needs to know of pictures beyond their labels, as of `RunMetric`: those that either run's
            pictures have, which must agree.
    """

    metric: Metric
    function: Callable[[Scoring, Scoring], Outcomes]
    table: tuple[str, ...] = ()
    applies: Callable[[Run], bool] | None = None
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its scores."""
        return self.metric.name

    def speaks_of(self, *runs: Run) -> bool:
        """Whether it may have a score of these runs, as far as they say."""
        return self.applies is None or all(map(self.applies, runs))

    def lacks(self, *tables: ImageTable) -> list[str]:
        """The columns that it needs and one of the tables has not."""
        return [name for name in self.table if any(name not in table for table in tables)]

    def lacks_columns(self, columns: Collection[str]) -> Fact | None:
        """The columns of pictures that it needs and that are not among some; ``None`` where they are."""
        return _missing_columns(self.columns, columns)

    def __call__(self, one: Scoring, other: Scoring) -> Outcomes:
        """Its outcomes by condition; raises as `RunMetric` does."""
        return _checked(self.function(one, other))

    def scores(self, one: Scoring, other: Scoring) -> list[Score]:
        """Its scores of two runs on the same pictures; raises as those of `RunMetric` do."""
        outcomes = self(one, other).items()
        return [as_score(self.metric, condition, outcome, other) for condition, outcome in outcomes]


def _missing_columns(names: Sequence[str], columns: Collection[str]) -> Fact | None:
    """The names that are of none of the columns."""
    missing = tuple(name for name in names if name not in columns)
    return Fact(Lack.COLUMNS, {"pictures": missing}) if missing else None


def _checked(outcomes: Any) -> Outcomes:
    """The outcomes that a metric's function returned.

    Raises:
        ArgumentError: it is no mapping from conditions.
    """
    if not isinstance(outcomes, Mapping) or not all(isinstance(each, Condition) for each in outcomes):
        what = type(outcomes).__name__
        raise ArgumentError(f"its function must return a mapping whose keys are Condition, returned {what}")
    return {condition: _without_text(outcome) for condition, outcome in outcomes.items()}


def _without_text(outcome: Any) -> Any:
    """An outcome, in which a text that says why there is none is a fact."""
    if isinstance(outcome, OutcomeOfPart):
        return outcome._replace(outcome=_without_text(outcome.outcome))
    if isinstance(outcome, str):
        return error_of(ArgumentError(outcome)) if outcome else Fact(Lack.UNDEFINED)
    return outcome


registry: Registry[RunMetric] = Registry("metric", "hardiness.metrics", "hardiness.metrics", instance_of(RunMetric))
"""Metrics of one run, by name."""

pair_registry: Registry[PairMetric] = Registry(
    "pair metric", "hardiness.metrics", "hardiness.pair_metrics", instance_of(PairMetric)
)
"""Metrics of two runs, by name."""


def metric(
    name: str,
    title: str = "",
    *,
    table: Sequence[str] = (),
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    outputs: str = CLASSES,
    outputs_by: Mapping[str, str] | None = None,
    range: tuple[float, float] | None = None,  # noqa: A002  # as `Metric.range`, which it becomes
    unit: str = "fraction",
    higher_is_better: bool = True,
    explanation: str = "",
    applies: Callable[[Run], bool] | None = None,
    divides: bool = False,
    compared: bool = True,
    detail: bool = False,
    overview: str = "",
    behind: str = "",
) -> Callable[[Callable[[Scoring], Outcomes]], RunMetric]:
    """Decorator that registers a function of one run as a metric.

    Args:
        name, title, unit, higher_is_better, explanation, detail, overview, outputs, outputs_by: as of `Metric`.
        range: the least and the largest that it can be; by default (0, 1) of a fraction, and from 0 on of other units.
        table, rows, columns, applies, divides, compared, behind: as of `RunMetric`.

    Raises:
        ArgumentError: the outputs or the range are none.
    """
    declared = _metric(
        name, title, unit, higher_is_better, explanation, detail, overview, outputs, outputs_by or {}, range
    )

    def decorate(function: Callable[[Scoring], Outcomes]) -> RunMetric:
        needs = tuple(table), tuple(rows)
        entry = RunMetric(declared, function, *needs, applies, divides, compared, behind, tuple(columns))
        registry.register(name, entry, f"{function.__module__}:{function.__qualname__}")
        return entry

    return decorate


def pair_metric(
    name: str,
    title: str = "",
    *,
    table: Sequence[str] = (),
    columns: Sequence[str] = (),
    range: tuple[float, float] | None = None,  # noqa: A002  # as `Metric.range`, which it becomes
    unit: str = "fraction",
    higher_is_better: bool = True,
    explanation: str = "",
    applies: Callable[[Run], bool] | None = None,
    detail: bool = False,
    outputs: str = CLASSES,
) -> Callable[[Callable[[Scoring, Scoring], Outcomes]], PairMetric]:
    """Decorator that registers a function of two runs, the earlier and the later one, as a metric.

    Arguments as of `metric`. ``detail=True`` leaves it out of comparisons, and to gates.
    """
    declared = _metric(name, title, unit, higher_is_better, explanation, detail, "", outputs, {}, range)

    def decorate(function: Callable[[Scoring, Scoring], Outcomes]) -> PairMetric:
        entry = PairMetric(declared, function, tuple(table), applies, tuple(columns))
        pair_registry.register(name, entry, f"{function.__module__}:{function.__qualname__}")
        return entry

    return decorate


def _metric(
    name: str,
    title: str,
    unit: str,
    higher_is_better: bool,
    explanation: str,
    detail: bool,
    overview: str,
    outputs: str,
    outputs_by: Mapping[str, str],
    bounds: tuple[float, float] | None,
) -> Metric:
    """The metric of a decorator's arguments.

    Raises:
        ArgumentError: the outputs or the range are none.
    """
    for each in (outputs, *outputs_by.values()):
        if each not in OUTPUTS:
            raise ArgumentError(f"outputs of metric {name!r} must be one of {', '.join(OUTPUTS)}, was {each!r}")
    low, high = bounds or (0.0, 1.0 if unit == "fraction" else np.inf)
    if not low < high or (unit == "fraction" and high > 1):
        hint = "; a fraction is at most 1, so give its unit" if low < high else ""
        raise ArgumentError(f"range of metric {name!r} must be its least and its largest value, was {bounds}{hint}")
    return Metric(
        name,
        title,
        unit,
        higher_is_better=higher_is_better,
        signed=low < 0,
        least=low,
        largest=high,
        outputs=outputs,
        outputs_by=outputs_by,
        explanation=explanation,
        detail=detail,
        overview=overview,
    )


def entries() -> list[RunMetric]:
    """The metrics of one run, each once, sorted by name: an entry point may call one otherwise than it calls itself."""
    return [entry for name in registry.names() if (entry := registry.find(name)) and entry.name == name]


def registered_measurables(scoring: Scoring, taken: Sequence[str]) -> Iterator[Measurable]:
    """The registered metrics of a run as functions of its images, those that are compared and whose columns are there.

    One of somebody else's that fails gives none, here and from then on.

    Args:
        scoring: of the run, with its baseline and all columns of its pictures.
        taken: names of metrics that the run's card has, which no other may have.
    """
    for entry in entries():
        if not entry.compared or entry.name in taken:
            continue
        try:
            has_columns = not (entry.lacks(scoring.table) or entry.lacks_columns(scoring.columns))
            if entry.speaks_of(scoring.run) and has_columns:
                columns = {name: scoring.columns[name] for name in entry.columns}
                baseline = scoring.baseline if entry.divides else None
                yield from entry.measurables(scoring._replace(baseline=baseline, columns=columns))
        except Exception as error:
            if not registry.give_up(entry.name, error):
                raise
