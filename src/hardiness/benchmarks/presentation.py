"""The names, headings and order of a card's scores, which tables, pages, exports and gates share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hardiness.benchmarks.chat_answers import CHAT_METRICS
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.own_classes import CLASS_METRICS
from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.benchmarks.small_sets import OfAnySize
from hardiness.core.attack_plan import epsilon_text
from hardiness.core.benchmark import GROUPS, LAST, Benchmark
from hardiness.core.condition import Condition
from hardiness.core.result import PARTIAL, Metric, Result, Score
from hardiness.core.run import Run
from hardiness.metrics.declaration import registry as registered

ANY_METRICS = (*CLASS_METRICS, *CHAT_METRICS)
"""Metrics that any benchmark may have too: of a person's own classes, and of answers of chat models."""


def benchmark_type(run: Run) -> type[Benchmark]:
    """The benchmark that a run is of; `Benchmark`, which says nothing of itself, where none of that name is installed.

    So it is where the run is scored by another card: what a benchmark says of itself holds for its own card alone.
    """
    benchmark = registry.find(run.benchmark.name)
    return benchmark if benchmark is not None and benchmark.card == run.benchmark.card else Benchmark


def is_of_published_data(run: Run) -> bool:
    """Whether a run is on the data set of its benchmark, which has classes of its own: what was published is of these.

    Somebody's benchmark need not name them.
    """
    benchmark, name = registry.find(run.benchmark.name), run.benchmark.name
    if benchmark is None or benchmark.is_own or run.data.name not in benchmark.needs:
        return False
    return bool(run.data.classes) or not registry.ships(name)


def has_published_classes(run: Run) -> bool:
    """Whether the classes of a run are those that numbers of its benchmark were published of.

    Of a benchmark of pictures of any size these are ImageNet's; numbers of other pictures name their data set.
    """
    is_of_any_size = issubclass(benchmark_type(run), OfAnySize)
    return run.data.has_imagenets_classes or (is_of_published_data(run) and not is_of_any_size)


@dataclass(frozen=True, slots=True)
class Column:
    """One score as a column of the table of models.

    Attributes:
        metric, condition: which score.
        title: its heading.
        higher_is_better: direction of improvement.
        headline: whether it is always shown, or only where everything is asked for.
        complement: whether one less the score is shown: right answers in place of wrong ones.
    """

    metric: str
    condition: Condition
    title: str
    higher_is_better: bool
    headline: bool = True
    complement: bool = False


class Presentation:
    """The half of a card that names its scores and orders them: most of what differs by card are attributes.

    Class attributes:
        metrics: what its scores measure, in the order in which a page explains them; those by class and those of chat
            models' answers go without saying.
        keys: of its conditions, in the order in which they are shown.
        place: where the sections of a benchmark that says nothing of it stand on a page: the order of the paper's
            experiments.
        places: by protocol, where sections under it stand instead, whatever their benchmark says.
        group: what such a benchmark is about, one of `GROUPS`, by which the overview groups benchmarks.
        headline: the metric that stands for the benchmark in the overview of models; ``None`` for its first column.
        swept: a metric that is measured over budgets: at the usual number of steps each of its scores is a column,
            named by the budget alone, and the largest budget stands for the benchmark.
        details_by_condition: whether a metric that is a detail has a column for each condition.
        severity: what a severity is called, where conditions are distortions: their names are shown with spaces.
        names_protocol: whether its headings name the protocol.
        by_category: whether a class goes by the name of the category that it belongs to.
    """

    metrics: ClassVar[tuple[Metric, ...]] = ()
    keys: ClassVar[tuple[str, ...]] = ()
    place: ClassVar[int] = LAST
    places: ClassVar[Mapping[str, int]] = {}
    group: ClassVar[str] = GROUPS[-1]
    headline: ClassVar[Metric | None] = None
    swept: ClassVar[Metric | None] = None
    details_by_condition: ClassVar[bool] = False
    severity: ClassVar[str] = ""
    names_protocol: ClassVar[bool] = False
    by_category: ClassVar[bool] = False

    def place_of(self, run: Run) -> int:
        """The place on a page of the section of such runs."""
        own = benchmark_type(run).place
        return self.places.get(run.benchmark.protocol, self.place if own is None else own)

    def group_of(self, run: Run) -> str:
        """The group of the benchmark of such runs, one of `GROUPS`."""
        return benchmark_type(run).group or self.group

    def headline_of(self, columns: Sequence[Column]) -> Column | None:
        """The column that stands for the benchmark in the overview of models."""
        headlines = [column for column in columns if column.headline]
        swept = [column for column in headlines if self.swept and column.metric == self.swept.name]
        named = [column for column in headlines if self.headline and column.metric == self.headline.name]
        return next(iter((*swept[-1:], *named, *headlines)), None)

    @property
    def declared(self) -> tuple[Metric, ...]:
        """Its metrics, then what any benchmark may be scored by."""
        return (*self.metrics, *ANY_METRICS)

    def metric(self, name: str) -> Metric:
        """The metric that its scores of that name are of; a name that nobody declared says all that is known."""
        return self.declared_metric(name) or Metric(name)

    def declared_metric(self, name: str) -> Metric | None:
        """The metric of that name that it declares, or that is registered for any run; ``None`` where nobody does."""
        whole = name.removesuffix(PARTIAL)
        metric = next((declared for declared in self.declared if declared.name == whole), None)
        if metric is None and (entry := registered.find(whole)):
            metric = entry.metric
        return metric.partial if metric and whole != name else metric

    def variant(self, run: Run) -> tuple[str, ...]:
        """The parts by which runs of one benchmark and data set differ that must not stand in one table.

        The protocol, the surrogate, a norm other than L-infinity, a published part of the images, and whether a chat
        model chose between two names for each picture, where others choose among all classes.
        """
        subset = run.benchmark.options.get("subset")
        return (
            *((f"protocol {run.benchmark.protocol}",) if self.names_protocol else ()),
            *((f"made on {run.surrogate.model}",) if run.surrogate else ()),
            *(("L2",) if {tried.norm for tried in run.attack} == {"l2"} else ()),
            *((f"subset {subset}",) if subset else ()),
            *(("two choices for each picture",) if run.model.options.get("questions_sha256") else ()),
        )

    def shown(self, key: str, value: Any) -> str:
        """One part of a condition as people write it: ``ε 4/255``, ``10 steps``, ``severity 3``, or its value."""
        if key == "epsilon":
            return f"ε {epsilon_text(value)}"
        if key == "steps":
            return f"{value} step" if value == 1 else f"{value} steps"
        if not self.severity:
            return str(value)
        return f"{self.severity} {value}" if key == "severity" else words(str(value))

    def title(self, metric: str, condition: Condition) -> str:
        """The heading of a score: its metric and, where it has one, its condition; the variant says the surrogate."""
        visible = Condition(**{key: value for key, value in condition.items() if key != "surrogate"})
        name, detail = self.metric(metric).title, self.named(visible)
        if self.swept and metric == self.swept.name and "epsilon" in visible:
            return detail
        return f"{name} ({detail})" if detail else name

    def named(self, condition: Condition) -> str:
        """A condition as people write it, its keys in this card's order."""
        keys = [key for key in self.keys if key in condition] + [key for key in condition if key not in self.keys]
        return ", ".join(self.shown(key, condition[key]) for key in keys)

    def columns_of(self, results: Sequence[Result]) -> tuple[Column, ...]:
        """The scores that make the table's columns, in order of first appearance, where some model has a value."""
        scores = (s for result in results for s in self.column_scores(result.scores) if s.value is not None)
        columns: dict[tuple[str, Condition], Column] = {}
        for s in scores:
            column = Column(
                s.metric, s.condition, self.title(s.metric, s.condition), s.higher_is_better, self.is_headline(s)
            )
            columns.setdefault((s.metric, s.condition), column)
        return tuple(columns.values())

    def column_scores(self, scores: Sequence[Score]) -> list[Score]:
        """The scores that stand for their whole benchmark: no condition but a protocol and a decision rule."""
        detailed = self.details_by_condition
        return [
            *(
                score
                for score in scores
                if set(score.condition) <= {"protocol", "decision"} or (detailed and self.metric(score.metric).detail)
            ),
            *(sweep(self.swept, scores) if self.swept else ()),
        ]

    def is_headline(self, score: Score) -> bool:
        """Whether a column is always shown: details, other decision rules and what could not be told are not."""
        hidden = self.metric(score.metric).detail or (score.metric == EFFECTIVE.name and score.value is None)
        return "decision" not in score.condition and not hidden


def sweep(metric: Metric, scores: Sequence[Score]) -> list[Score]:
    """A metric's scores over epsilons, at the number of steps at which most were measured (the largest such)."""
    keys = {"epsilon", "steps", "surrogate"}
    measured = [s for s in scores if s.metric == metric.name and {"epsilon"} <= set(s.condition) <= keys]
    counts = Counter(score.condition.get("steps") for score in measured)
    if not counts:
        return []
    steps = max(counts, key=lambda steps: (counts[steps], steps or 0))
    return sorted(
        (s for s in measured if s.condition.get("steps") == steps), key=lambda s: float(s.condition["epsilon"])
    )


def words(name: str) -> str:
    """A name of a table as text: ``gaussian_noise`` is ``gaussian noise``."""
    return name.replace("_", " ")
