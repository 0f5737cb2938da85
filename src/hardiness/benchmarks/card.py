"""What a card is: one protocol, from rows to an image table, scores, findings and what a page shows of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.chat_answers import CHAT_METRICS, TABLE_COLUMNS, with_outcomes
from hardiness.benchmarks.leaderboard import leaderboard_notes, timm_notes
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.own_classes import CLASS_METRICS, class_gallery
from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.attack_plan import epsilon_text
from hardiness.core.benchmark import Benchmark
from hardiness.core.condition import Condition
from hardiness.core.forms import from_json, json_form
from hardiness.core.registry import Registry, subclass_of
from hardiness.core.result import PARTIAL, Finding, Interval, Metric, Result, Score
from hardiness.core.run import IMAGENET_CLASSES, Run
from hardiness.core.section import (
    GROUPS,
    LAST,
    Answer,
    Chart,
    Column,
    Gallery,
    Grid,
    GridCell,
    ModelSentence,
    Note,
    Sample,
    Section,
)
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.reference.classes import class_name
from hardiness.reference.published_numbers import baseline, published_for, published_interval
from hardiness.statistics.intervals import disjoint, wilson, within
from hardiness.statistics.measures import Measurable, WeightedSum

ANY_METRICS = (*CLASS_METRICS, *CHAT_METRICS)
"""What any benchmark may be scored by, too: a person's own classes, and answers of chat models."""


def benchmark_type(run: Run) -> type[Benchmark]:
    """The benchmark that a run is of; `Benchmark`, which says nothing of itself, where none of that name is installed.

    So it is where the run is scored by another card: what a benchmark says of itself holds for its own card alone.
    """
    found = registry.find(run.benchmark.name)
    return found if found is not None and found.card == run.benchmark.card else Benchmark


class Presentation:
    """The half of a card that writes for people: of what differs by card most is said by its attributes.

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
        names_people: whether `figures` begins with what people score, in a line, which tables show too.
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
    names_people: ClassVar[bool] = False

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid | str]:
        """What a page shows of results beside their table: figures and grids; before them what people score.

        Args:
            results: of one benchmark, one data set, one protocol, one variant.
        """
        yield from ()

    def sentence(self, result: Result, known: ScoreTexts) -> str | tuple[str, Score | None]:
        """What was found, in words with numbers, to follow the model's name; empty where there is nothing to say.

        With it the score that the sentence is about, where that is not the headline.
        """
        return ""

    def view(self, results: Sequence[Result], *, figures: bool = True) -> Section:
        """What a page shows of results as `figures` takes them; what was kept of it where the card is not installed.

        Args:
            results: as of `figures`.
            figures: whether with all that a table leaves out: figures, grids, pictures, sentences, explained terms.
        """
        columns, drawn = self.columns_of(results), self.figures(results)
        people = str(next(drawn)) if self.names_people else ""
        shown = [*drawn] if figures else []
        section = Section(
            variant=self.variant(results[0].run),
            columns=columns,
            notes=tuple(note for result in results for note in self.notes_of(result)),
            people_score=people,
            charts=[each for each in shown if not isinstance(each, str | Grid)],
            grids=[each for each in shown if isinstance(each, Grid)],
            place=self.place_of(results[0].run),
            headline=self.headline_of(columns),
            group=self.group_of(results[0].run),
            others=tuple((group, each) for each in columns if (group := self.metric(each.metric).overview)),
        )
        return shown_again(results, self._explaining(section, results) if figures else section)

    def _explaining(self, section: Section, results: Sequence[Result]) -> Section:
        """The section with sentences, pictures and terms."""
        return replace(
            section,
            sayings=tuple(saying for r in results if (saying := self._saying(r))),
            galleries=[
                (r.name, from_json(Gallery, g, "galleries")) for r in results for g in r.details.get("galleries", ())
            ],
            explanations=self._explained(results),
        )

    def place_of(self, run: Run) -> int:
        """Where the section of such runs stands on a page."""
        own = benchmark_type(run).place
        return self.places.get(run.benchmark.protocol, self.place if own is None else own)

    def group_of(self, run: Run) -> str:
        """What the benchmark of such runs is about, one of `GROUPS`."""
        return benchmark_type(run).group or self.group

    def headline_of(self, columns: Sequence[Column]) -> Column | None:
        """The column that stands for the benchmark in the overview of models."""
        shown = [column for column in columns if column.headline]
        swept = [column for column in shown if self.swept and column.metric == self.swept.name]
        named = [column for column in shown if self.headline and column.metric == self.headline.name]
        return next(iter((*swept[-1:], *named, *shown)), None)

    def _saying(self, result: Result) -> ModelSentence | None:
        said = self.sentence(result, ScoreTexts(result.scores)) if result.scores else ""
        text, score = (said, self._headline_score(result)) if isinstance(said, str) else said
        if not text:
            return None
        return ModelSentence(result.name, text, score, self.title(score.metric, score.condition) if score else "")

    def _headline_score(self, result: Result) -> Score | None:
        column = self.headline_of(self.columns_of([result]))
        if column is None:
            return None
        return next((s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition)), None)

    def _explained(self, results: Sequence[Result]) -> tuple[tuple[str, str], ...]:
        """What its metrics are called and mean, of those that have a score here."""
        names = {score.metric.removesuffix(PARTIAL) for result in results for score in result.scores}
        return tuple((e.title, e.explanation) for e in self.declared if e.name in names and e.explanation)

    @property
    def declared(self) -> tuple[Metric, ...]:
        """Its metrics, then what any benchmark may be scored by."""
        return (*self.metrics, *ANY_METRICS)

    def metric(self, name: str) -> Metric:
        """What its scores of that name measure; a name that nobody declared says all that is known."""
        whole = name.removesuffix(PARTIAL)
        found = next((each for each in self.declared if each.name == whole), None)
        if found is None or whole == name:
            return found or Metric(name)
        return found.partial

    def variant(self, run: Run) -> tuple[str, ...]:
        """What tells runs of one benchmark and data set apart that must not stand in one table.

        The protocol, the surrogate, a norm other than L-infinity, a published part of the images, and whether a chat
        model chose between two names for each picture, where others choose among all classes.
        """
        subset = run.benchmark.options.get("subset")
        return (
            *((f"protocol {run.benchmark.protocol}",) if self.names_protocol else ()),
            *((f"made on {run.surrogate.model}",) if run.surrogate else ()),
            *(("L2",) if {each.norm for each in run.attack} == {"l2"} else ()),
            *((f"subset {subset}",) if subset else ()),
            *(("two choices for each picture",) if "questions_sha256" in run.model.options else ()),
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
        shown = Condition(**{key: value for key, value in condition.items() if key != "surrogate"})
        name, detail = self.metric(metric).title, self.named(shown)
        if self.swept and metric == self.swept.name and "epsilon" in shown:
            return detail
        return f"{name} ({detail})" if detail else name

    def named(self, condition: Condition) -> str:
        """A condition as people write it, its keys in this card's order."""
        known = [key for key in self.keys if key in condition] + [key for key in condition if key not in self.keys]
        return ", ".join(self.shown(key, condition[key]) for key in known)

    def columns_of(self, results: Sequence[Result]) -> tuple[Column, ...]:
        """The scores that make the table's columns, in order of first appearance, where some model has a value."""
        scores = (s for result in results for s in self.column_scores(result.scores) if s.value is not None)
        found: dict[tuple[str, Condition], Column] = {}
        for s in scores:
            column = Column(
                s.metric, s.condition, self.title(s.metric, s.condition), s.higher_is_better, self.is_headline(s)
            )
            found.setdefault((s.metric, s.condition), column)
        return tuple(found.values())

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

    def notes_of(self, result: Result) -> list[Note]:
        """Warnings, why columns are undefined, checks that found something, the verdict, places in published lists."""
        titled = [(s, self.title(s.metric, s.condition)) for s in self.column_scores(result.scores)]
        doubts = [each for each in result.findings if each.raised or each.name == "verdict"]
        name = (result.name,)
        return [
            *(Note(warning, name) for warning in result.warnings),
            *(Note(f"{of} is undefined: {s.reason}", name, self.is_headline(s)) for s, of in titled if s.value is None),
            *(
                Note(f"{of} has no interval: {s.interval_reason}", name, self.is_headline(s))
                for s, of in titled
                if s.interval_reason
            ),
            *(Note(f"{each.name}: {each.sentence}", name) for each in doubts),
            *timm_notes(result),
            *leaderboard_notes(result),
        ]


def sweep(metric: Metric, scores: Sequence[Score]) -> list[Score]:
    """Its scores over epsilons, at the number of steps at which most of them were measured (the largest such)."""
    keys = {"epsilon", "steps", "surrogate"}
    found = [s for s in scores if s.metric == metric.name and {"epsilon"} <= set(s.condition) <= keys]
    counted = Counter(score.condition.get("steps") for score in found)
    if not counted:
        return []
    steps = max(counted, key=lambda each: (counted[each], each or 0))
    return sorted((s for s in found if s.condition.get("steps") == steps), key=lambda s: float(s.condition["epsilon"]))


class ScoreTexts:
    """The scores of one result, by metric and condition."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._scores = {(score.metric, score.condition): score for score in scores}

    def score(self, metric: str, **condition: str | float) -> Score | None:
        """The score; ``None`` where there is none."""
        return self._scores.get((metric, Condition(**condition)))

    def value(self, metric: str, **condition: str | float) -> float | None:
        """The score's value; ``None`` where there is none."""
        found = self.score(metric, **condition)
        return found.value if found else None


VIEW = "view"
"""Where a result's details, and what is kept of its run, have it."""

SHOWN_WHEN_ASKED = "galleries_when_asked"
"""Where a result's details have the samples of a set whose pictures are shown to who asks for them alone."""


def shown_again(results: Sequence[Result], usual: Section) -> Section:
    """The section of results as their card last showed each of them; figures stand one below the other.

    A figure's heading may say what is special about one model, so figures of several models are not made one; each
    gets its model's name.

    Args:
        results: of one table; those of which no view was kept are left to what is usual.
        usual: what any card shows of their scores.
    """
    kept = [(r, from_json(Section, r.details[VIEW], VIEW)) for r in results if VIEW in r.details]
    if not kept:
        return usual
    sections = [section for _, section in kept]
    first = sections[0]
    several = len(kept) > 1
    return replace(
        first,
        columns=_each_once(section.columns for section in sections),
        notes=usual.notes,
        charts=[
            _with_model(chart, result.name) if several else chart
            for result, section in kept
            for chart in section.charts
        ],
        grids=[replace(grid, model=result.name) for result, section in kept for grid in section.grids],
        headline=next((section.headline for section in sections if section.headline), None),
        others=_each_once(section.others for section in sections),
        sayings=tuple(replace(saying, model=result.name) for result, section in kept for saying in section.sayings),
        galleries=[(result.name, gallery) for result, section in kept for _, gallery in section.galleries],
        explanations=_each_once(section.explanations for section in sections),
    )


def _each_once(parts: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def _with_model(chart: Chart, model: str) -> Chart:
    """A figure with its model's name, by which its files and its title differ from those of other models."""
    return replace(chart, name=f"{chart.name}-{model}", title=f"{model}: {chart.title}")


SHOWN = 6
"""Pictures a gallery holds at most."""

ENOUGH = 5
"""Images that a class needs before its losses say anything."""

TAKEN = np.float32(-1.0)
"""In place of a confidence: not to be chosen."""

Namer = Callable[[int], str]


def galleries(table: ImageTable, name: Namer) -> Iterator[Gallery]:
    """The galleries of any table that has answers and their confidence.

    Args:
        table: of a run.
        name: the name of a class by its index.
    """
    if "answer" not in table or "confidence" not in table or table["answer"].ndim != 2:
        return
    clean = table.place(Condition())
    if clean is not None and len(table.cells) > 1:
        yield from _flips(table, clean, name)
        yield from _losses(table, clean, name)
    else:
        yield from _mistakes(table, name)


def _flips(table: ImageTable, clean: int, name: Namer) -> Iterator[Gallery]:
    """Right without the disturbance and wrong with it: the surest wrong answer of each kind, then of each image."""
    right = table[RIGHT]
    left = _confidence(table, (right[:, [clean]] == 1) & (right == 0))
    kinds = np.array([str(next(iter(condition.values()), None)) for condition in table.present])
    qualify, of_new_kinds = np.count_nonzero(left >= 0), left.copy()
    chosen: list[tuple[int, int]] = []
    while len(chosen) < SHOWN and (at := _surest(of_new_kinds)):
        chosen.append(at)
        of_new_kinds[at[0]] = left[at[0]] = TAKEN
        of_new_kinds[:, kinds == kinds[at[1]]] = TAKEN
    chosen += _surest_of_each(left, SHOWN - len(chosen))
    if chosen:
        samples = tuple(
            Sample(
                str(table.ids[row]),
                table.present[cell],
                name(int(table.label[row])),
                _answer(table, row, cell, name),
                _answer(table, row, clean, name),
            )
            for row, cell in chosen
        )
        rule = (
            "Right on the photograph, wrong once it is disturbed: the wrong answers given with most confidence, no "
            f"photograph twice, each kind of disturbance once before any comes again. {qualify:,} pictures qualify."
        )
        yield Gallery("Answers that flip", rule, samples)


def _mistakes(table: ImageTable, name: Namer) -> Iterator[Gallery]:
    """Wrong answers given with most confidence."""
    left = _confidence(table, table[RIGHT] == 0)
    wrong, chosen = np.count_nonzero((left >= 0).any(axis=1)), _surest_of_each(left, SHOWN)
    if chosen:
        samples = tuple(
            Sample(
                str(table.ids[row]),
                table.present[cell],
                name(int(table.label[row])),
                _answer(table, row, cell, name),
            )
            for row, cell in chosen
        )
        rule = f"The wrong answers given with most confidence, no photograph twice; {wrong:,} are wrong."
        yield Gallery("Most confident mistakes", rule, samples)


def _confidence(table: ImageTable, wanted: NDArray[np.bool_]) -> NDArray[np.floating]:
    """The confidence of the answers wanted, ``(N, M)``, 0 where it is no number; `TAKEN` for the others."""
    return np.where(wanted, np.nan_to_num(table["confidence"], nan=0.0), TAKEN)


def _surest(left: NDArray[np.floating]) -> tuple[int, int] | None:
    """Image and cell of the largest confidence, the first of equal ones; ``None`` where all are `TAKEN`."""
    if not left.size:
        return None
    row, cell = divmod(int(left.argmax()), left.shape[1])
    return (row, cell) if left[row, cell] >= 0 else None


def _surest_of_each(left: NDArray[np.floating], most: int) -> list[tuple[int, int]]:
    """Image and cell of the surest answers, no image twice; marks these images in ``left`` as `TAKEN`."""
    chosen: list[tuple[int, int]] = []
    while len(chosen) < most and (at := _surest(left)):
        chosen.append(at)
        left[at[0]] = TAKEN
    return chosen


def _losses(table: ImageTable, clean: int, name: Namer) -> Iterator[Gallery]:
    """The classes that lose most, where classes have images enough to say so; one picture of each."""
    right = table[RIGHT]
    others = np.arange(len(table.cells)) != clean
    seen = (right[:, clean] >= 0) & (right[:, others] >= 0).any(axis=1)
    before = (right[:, clean] == 1).astype(float)
    after = np.divide(
        (right[:, others] == 1).sum(axis=1),
        (right[:, others] >= 0).sum(axis=1),
        out=np.zeros(len(table)),
        where=(right[:, others] >= 0).any(axis=1),
    )
    losses: list[tuple[float, int, NDArray[np.int64]]] = []
    for label in np.unique(table.label[seen]).tolist():
        rows = np.flatnonzero(seen & (table.label == label))
        if len(rows) >= ENOUGH:
            losses.append((float((before - after)[rows].mean()), label, rows))
    if not losses:
        return
    worst = sorted(losses, key=lambda each: (-each[0], each[1]))[:SHOWN]
    samples = []
    for loss, label, rows in worst:
        row = int(rows[np.argmax((before - after)[rows])])
        share = f"right on {100 * before[rows].mean():.0f} % of {len(rows)}"
        note = f"{name(label)}: {share}, then {100 * loss:.0f} points less"
        samples.append(Sample(str(table.ids[row]), Condition(), name(label), note=note))
    rule = f"Classes of at least {ENOUGH} photographs by the fall of their accuracy, the mean over all conditions."
    yield Gallery("Classes that lose most", rule, tuple(samples))


def _answer(table: ImageTable, row: int, cell: int, name: Namer) -> Answer:
    confidence, index = float(table["confidence"][row, cell]), int(table["answer"][row, cell])
    if "outcome" in table:  # a chat model's, which may have none, and whose confidence may be a stand-in
        return Answer(name(index) if index >= 0 else "no answer", None)
    return Answer(name(index), round(confidence, 4) if confidence == confidence else None)


class Lookup:
    """The scores of one result, found by metric and condition."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._found = {(score.metric, score.condition): score for score in scores}

    def __contains__(self, key: object) -> bool:
        return key in self._found

    def cell(self, metric: str, *, shaded: bool = True, **condition: str | float) -> GridCell | None:
        """The cell of a score; ``None`` where there is none."""
        score = self._found.get((metric, Condition(**condition)))
        return GridCell(score.value, score.unit, shaded) if score else None


FEW = 3
"""Names that a heading can take; of more it gives the number."""


def first(values: Mapping[str, float], digits: int, lowest: bool = False) -> tuple[str, ...]:
    """The names whose value, rounded as a reader sees it, is the highest, or the lowest; in the order given.

    Args:
        values: at least one.
        digits: decimals that are shown.
        lowest: whether the lowest one is looked for.
    """
    rounded = {name: round(value, digits) for name, value in values.items()}
    end = (min if lowest else max)(rounded.values())
    return tuple(name for name, value in rounded.items() if value == end)


def ends_apart(values: Mapping[str, float], intervals: Mapping[str, Interval]) -> tuple[tuple[str, ...], ...]:
    """The names at the high end and those at the low end, where chance cannot have swapped them; else nothing.

    An end has beside the first name all whose intervals overlap its own, and `FEW` names at most; no name is at both.

    Args:
        values: at least one; names keep their order.
        intervals: of each, at 95 %.
    """
    if set(values) - set(intervals):
        return ()
    highest, lowest = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
    high = tuple(name for name in values if intervals[name].high >= intervals[highest].low)
    low = tuple(name for name in values if intervals[name].low <= intervals[lowest].high)
    return () if set(high) & set(low) or max(len(high), len(low)) > FEW else (high, low)


def mean_intervals(scores: Mapping[str, Sequence[Score]]) -> dict[str, Interval]:
    """The interval of each name's mean, however its scores go together; left out where one has none.

    It is the mean of both bounds: scores of several models or severities are of the same images, so that no spread
    cancels for sure.
    """
    found = {}
    for name, each in scores.items():
        bounds = [(score.interval.low, score.interval.high) for score in each if score.interval is not None]
        if bounds and len(bounds) == len(each):
            found[name] = Interval(*(sum(ends) / len(ends) for ends in zip(*bounds, strict=True)))
    return found


def in_words(names: Iterable[str], total: int) -> str:
    """``a``, ``a and b``, ``a, b and c``, or, of more, ``4 of 15``."""
    *others, last = names
    if len(others) >= FEW:
        return f"{len(others) + 1} of {total}"
    return f"{', '.join(others)} and {last}" if others else last


def words(name: str) -> str:
    """A name of a table as text: ``gaussian_noise`` is ``gaussian noise``."""
    return name.replace("_", " ")


SURE = 0.999
"""Confidence of the interval behind the warning about accuracy: at 95 % one full run in twenty would cry wolf."""

SAME_IMAGES = 0.002
"""How far accuracy may be from what was published on the very same images: decoders and resizing differ by less."""

CLEAN = "imagenet-val"
"""The benchmark of clean photographs."""


def warnings_of(result: Result) -> Iterator[str]:
    """A sentence for each."""
    counts = result.counts
    if not counts.images:
        yield "no sample was evaluated, so there is no score"
    elif not counts.complete:
        what = "images" if len(result.plan.whole) == 1 else "image-cells"
        failed = f", {counts.failed:,} failed" if counts.failed else ""
        yield f"partial: evaluated {counts.evaluated:,} of {counts.expected:,} {what}{failed}"
    released, samples = result.plan.released, result.run.data.samples
    if released and samples < released:
        yield f"a part of {result.data}: {samples:,} of the {released:,} images that were released"
    if result.run.data.is_embedded:
        yield "demo-sized: the embedded photographs are few and easy; a demonstration, not a benchmark"
    kind = benchmark_type(result.run)
    if kind.warns_of_accuracy and result.data in kind.needs and result.scores:
        yield from _unexpected_accuracy(result)


def _unexpected_accuracy(result: Result) -> Iterator[str]:
    known = published_interval(result.run.model, result.benchmark, "top1")
    top1 = result.score("top1")
    if known is None or top1.value is None or not disjoint(_reach(result, top1), known):
        return
    text = f"{100 * known.low:.1f}" + (f" to {100 * known.high:.1f}" if known.high > known.low else "")
    where = "the same" if _is_published_set(result) else f"{top1.n:,}"
    yield (
        f"top-1 is {100 * top1.value:.1f} on {where} images, published is {text}: check the preprocessing "
        "(view), the weights and the labels before trusting any other number of this model"
    )


def _reach(result: Result, top1: Score) -> Interval:
    """Where the accuracy could be by chance: of the published images themselves, next to nowhere else."""
    assert top1.value is not None
    if _is_published_set(result):
        return within(Interval(top1.value - SAME_IMAGES, top1.value + SAME_IMAGES))
    return wilson(round(top1.value * top1.n), top1.n, SURE)


def _is_published_set(result: Result) -> bool:
    """Whether every image behind the published accuracy was evaluated, and no other."""
    sizes = {row.n for row in published_for(result.run.model, result.benchmark, "top1", {})}
    return result.counts.complete and result.run.data.samples in sizes


Baseline = Mapping[str, Any]
"""What ratios divide by, in the form of the card that divides."""


class Card(Presentation, ABC):
    """Base of every card; a concrete one is final, has no state, and is registered under the name that runs carry.

    Class attributes:
        version: raised whenever equal rows would give another table, score or finding, so that no old one is reused.
        columns: names of what `table` reads of rows, besides sample, condition and label, so that the others stay on
            disk; ``None`` for all.
        stops_on: what the headline is called by which a run may be stopped early, the first sum of `measurables`; empty
            where it may not.
        draws_cells: whether an image may then be evaluated in a few random cells instead of all.
        divides: whether its scores are ratios to a baseline, so that `as_baseline` gives one.
        joined_with: the benchmark whose run of the same model is scored as one with its runs of single sets; empty
            where each run is scored by itself.
        people: by what its runs are set beside people who were asked the same: ``"kappa"`` of the answers to each
            stimulus, or ``"likeness"`` over sets of stimuli; empty where nobody was asked.
    """

    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...] | None]
    stops_on: ClassVar[str] = ""
    draws_cells: ClassVar[bool] = False
    divides: ClassVar[bool] = False
    joined_with: ClassVar[str] = ""
    people: ClassVar[str] = ""

    def table(self, records: Records, run: Run) -> ImageTable:
        """The image table of some of a run's rows; `ImageTable.join` makes one of those of all its shards."""
        if not len(records):
            return ImageTable.empty(run.conditions, records.failures)
        found = self.filled_table(records, run)
        return with_outcomes(found, records) if run.model.is_chat else found

    def columns_read(self, run: Run) -> tuple[str, ...] | None:
        """What `table` reads of a run's rows: `columns`, and of a chat model's what came of each question."""
        return self.columns if self.columns is None or not run.model.is_chat else (*self.columns, *TABLE_COLUMNS)

    @abstractmethod
    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The same, of at least one row: right or wrong, the answer, and what else the scores need."""

    @abstractmethod
    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The scores of a run, headlines first; the same table, run and baseline always give the same.

        Args:
            table: of at least one image.
            run: what it is of.
            baseline: what ratios divide by; ``None`` where there is nothing.
        """

    @final
    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """The measurables that are weighted sums of cell means, the headline first; arguments as for `measurables`.

        By these a run can be stopped as soon as they are exact enough: none before an image tells of the headline.
        """
        if not self.stops_on:
            return []
        found = [each for each in self.measurables(table, run, baseline) if isinstance(each, WeightedSum)]
        return found if found and found[0].is_defined else []

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline | None:
        """What the run measured, as a baseline for others; ``None`` where nothing divides."""
        return None

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> Sequence[Measurable]:
        """The scores as functions of images, by which runs are compared and stopped; none unless a card has some.

        Of those that are weighted sums of cell means the headline comes first.

        Args:
            table: whose images may lack cells; what is no such sum is asked only of images that lack none.
            run: what it is of.
            baseline: what ratios divide by; ``None`` where there is nothing.
        """
        return ()

    def findings(self, table: ImageTable, scores: Sequence[Score], run: Run) -> list[Finding]:
        """The checks of how far the scores can be trusted, raised or not."""
        return []

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """What a page shows beyond scores, as JSON by name; ``"galleries"`` are `Gallery` as dictionaries."""
        pairs = class_gallery(table, run.data.classes) if run.has_own_classes else None
        shown = [*galleries(table, self.class_namer(run)), *([pairs] if pairs else [])]
        return {"galleries": json_form(shown)}

    def class_namer(self, run: Run) -> Callable[[int], str]:
        """The name of a class of a run's data by its index, without its synonyms."""
        if self.by_category:
            named = {index: name for name, classes in run.data.categories.items() for index in classes}
            return lambda index: named.get(index, f"class {index}")
        if names := run.data.classes:
            return names.__getitem__
        if run.data.num_classes != IMAGENET_CLASSES:
            return lambda index: f"class {index}"
        return lambda index: class_name(index).partition(",")[0]


def published_baseline(run: Run) -> Baseline | None:
    """What was published to divide a run's ratios by; ``None`` where nothing was, or its classes are other ones."""
    has_imagenets = run.data.num_classes == IMAGENET_CLASSES and not run.data.classes
    return baseline(run.benchmark.name) if has_imagenets else None


def _as_card(entry: Any) -> Card:
    """The card; of a class, as an entry point names it, one of it."""
    if isinstance(entry, Card):
        return entry
    card: Card = subclass_of(Card)(entry)()
    return card


cards: Registry[Card] = Registry("card", "hardiness.benchmarks", "hardiness.cards", _as_card)
"""By the name that benchmarks and runs carry."""


class MissingCard(Card):
    """In place of a card that is not registered here: what it once computed is shown, nothing is computed."""

    version: ClassVar[int] = 0
    columns: ClassVar[tuple[str, ...] | None] = ()

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """A table without images: rows of an unknown card are not read."""
        return ImageTable.empty(run.conditions, records.failures)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """No scores; those that were kept earlier are shown instead."""
        return []


def card_of(run: Run) -> Card:
    """The card that scores a run; `MissingCard` where the package that brings it is not installed."""
    return cards.find(run.benchmark.card) or MissingCard()


def variant_of(run: Run) -> tuple[str, ...]:
    """The variant of a run's protocol, as its card says; that of `MissingCard` where one of somebody else's fails."""
    try:
        return card_of(run).variant(run)
    except Exception as error:
        if not cards.give_up(run.benchmark.card, error):
            raise
    return card_of(run).variant(run)


C = TypeVar("C", bound=Card)


def register(name: str) -> Callable[[type[C]], type[C]]:
    """Class decorator that adds a card under that name."""

    def decorate(card: type[C]) -> type[C]:
        cards.register(name, card(), f"{card.__module__}:{card.__qualname__}")
        return card

    return decorate
