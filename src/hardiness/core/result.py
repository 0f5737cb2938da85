"""Results: scores with n and an interval, and counts that keep a partial run from looking like a full one."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, NamedTuple, Protocol

from hardiness.core.answers import ANSWERS, SCORES
from hardiness.core.attack_plan import condition_text, is_same_condition
from hardiness.core.codes import Lack
from hardiness.core.columns import ColumnSource
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact, Trust, doubt_of, trust_of
from hardiness.core.forms import fields_form, json_field, json_form
from hardiness.core.request import Stop
from hardiness.core.run import Plan, Run
from hardiness.core.spread import Interval, Spread
from hardiness.core.table import Failure

SHOWN = 24
"""How many scores are shown; the rest are counted."""

SCHEMA = 1
"""Version of the layout of ``results.json``; a file with another number is refused, never overwritten."""

CLASSES = "classes"
"""The kind of outputs from which a metric can be computed that says nothing else."""

CONFIDENCES = "confidences"
"""The kind of outputs that are an answer and how sure it is, of more than two classes."""

OUTPUTS = (SCORES, CLASSES, CONFIDENCES, "probabilities", "logits")
"""The kinds of a model's outputs; from each of them those that stand before it follow."""

_TOO_LITTLE = {each: each for each in ("probabilities", CLASSES, CONFIDENCES, SCORES)} | {ANSWERS: CLASSES}
"""By `ModelIdentity.outputs`, where that is less than logits: which of `OUTPUTS` it is."""

FEW_IN_SLICE = 30
"""Pictures of a slice below which nothing is claimed of it, and parts of two columns together are left out."""

IN_PERCENT = ("fraction", "ratio")
"""Units of which values are written in percent, and differences in points."""

PARTIAL = "_partial"
"""The ending of the names of scores over a part."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A kind of score: declared once, read by tables, pages, exports, documents and gates.

    Attributes:
        name: what scores carry, e.g. ``"top1"``.
        title: what people call it; by default the name with spaces.
        unit: ``"fraction"`` ([0, 1]), ``"ratio"`` (to a baseline) or the name of another unit.
        higher_is_better: direction of improvement.
        signed: whether it may be below 0, as a difference of two shares may; by default down to -`largest`.
        least: the least that it can be, where that is neither 0 nor -`largest`.
        largest: the most that it can be, in its unit; of a fraction 1, of others nothing if not given.
        outputs: the least of `OUTPUTS` from which it can be computed.
        outputs_by: the same of its scores under a condition whose ``method`` or ``decision`` has that name.
        explanation: what it means, as the end of a sentence that begins with the title.
        detail: whether its columns are shown only where everything is asked for.
        overview: the group of the overview, one of `GROUPS`, in which it has a column of its own beside the headline of
            its benchmark; empty where it has none.
    """

    name: str
    title: str = ""
    unit: str = "fraction"
    higher_is_better: bool = field(default=True, kw_only=True)
    signed: bool = field(default=False, kw_only=True)
    least: float | None = field(default=None, kw_only=True)
    largest: float = field(default=math.inf, kw_only=True)
    outputs: str = field(default=CLASSES, kw_only=True)
    outputs_by: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)
    explanation: str = field(default="", kw_only=True)
    detail: bool = field(default=False, kw_only=True)
    overview: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name.replace("_", " "))

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value of the metric, in its unit."""
        most = min(self.largest, 1.0) if self.unit == "fraction" else self.largest
        least = -most if self.signed else 0.0
        return least if self.least is None else self.least, most

    @property
    def partial(self) -> Metric:
        """The metric over a part of what it is published over, which must not pass for the whole."""
        comma = "," if " of " in self.title else ""
        return replace(self, name=f"{self.name}{PARTIAL}", title=f"{self.title}{comma} of a part")

    def why_unavailable(self, condition: Condition, outputs: str) -> Fact | None:
        """Why a model's outputs do not suffice for a score of it; ``None`` where they do.

        Args:
            condition: of the score.
            outputs: of the model, as `ModelIdentity.outputs` says.
        """
        if outputs not in _TOO_LITTLE:
            return None
        by_name = (self.outputs_by.get(str(condition.get(key, "")), self.outputs) for key in ("method", "decision"))
        least = max(self.outputs, *by_name, key=OUTPUTS.index)
        suffices = OUTPUTS.index(least) <= OUTPUTS.index(_TOO_LITTLE[outputs])
        return None if suffices else Fact(Lack.OUTPUTS, {"outputs": outputs})

    def score(
        self,
        value: float | None,
        n: int,
        spread: Spread | None = None,
        condition: Condition | None = None,
        *,
        lack: Fact | None = None,
        clusters: int = 0,
        basis: Basis | None = None,
    ) -> Score:
        """A score of the metric; see `Score` for the arguments."""
        return Score(
            metric=self.name,
            value=value,
            unit=self.unit,
            n=n,
            spread=spread,
            higher_is_better=self.higher_is_better,
            condition=condition or Condition(),
            lack=lack,
            clusters=clusters,
            basis=basis,
        )


def _in_clusters(count: int) -> str:
    """The number of clusters, to stand behind that of images; empty where each image stands alone."""
    return f" in {count:,} clusters" if count else ""


class ClusteredSpread(NamedTuple):
    """How well a number is known whose pictures come in clusters.

    Attributes:
        clusters: how many the number rests on.
        spread: over other clusters like these; ``None`` where they are too few, or no method holds.
        lack: why there is none.
    """

    clusters: int
    spread: Spread | None = None
    lack: Fact | None = None


class Basis(Protocol):
    """The part of a score's making from which its spread follows where pictures come in clusters."""

    def spread(self, clusters: Any) -> ClusteredSpread:
        """The spread over other clusters like these, which are `hardiness.statistics.clusters.Clusters`."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """One number of one result; `Metric.score` makes one.

    Attributes:
        metric: name of its `Metric`, e.g. ``"top1"``, ``"rms_calibration_error"``, ``"mce"``.
        value: ``None`` where it is undefined, and then ``lack`` says why.
        unit: that of its `Metric`.
        n: how many independent samples (images) it rests on.
        spread: how well it is known; ``None`` where it has no interval.
        higher_is_better: that of its `Metric`.
        condition: empty, or the protocol alone, for a headline.
        lack: why it is undefined or, where it has a value, why it has no interval though others of the metric have one.
        doubt: ``"withdrawn"``, ``"not checked"`` or ``"upper bound"`` where the report on an attack does not stand by
            it; filled in by the `Result` that it belongs to.
        attacked: whether it is of pictures that an attack made though its condition has no epsilon, as a mean over
            budgets.
        clusters: how many clusters the images come in; 0 where each stands alone.
        basis: from which the interval by clusters is made; only while scores are made, and kept nowhere.
    """

    metric: str
    value: float | None
    unit: str
    n: int
    spread: Spread | None = None
    higher_is_better: bool = True
    condition: Condition = field(default_factory=Condition)
    lack: Fact | None = None
    doubt: str = field(default="", compare=False)
    attacked: bool = field(default=False, compare=False)
    clusters: int = 0
    basis: Basis | None = field(default=None, compare=False, repr=False, metadata=json_field(never=True))

    @property
    def is_under_attack(self) -> bool:
        """Whether it is of pictures that an attack made, so that the report on the attack speaks of it."""
        return self.attacked or "epsilon" in self.condition

    def __post_init__(self) -> None:
        assert self.value is not None or self.lack, f"{self.metric}: a value, or why there is none"
        if not isinstance(self.spread, Spread | None):
            raise ArgumentError(
                f"{self.metric}: the spread must be a Spread, as estimate.spread(0, 1), ShareOfImages(hits, n) or "
                f"TwoEnds(value, low, high) is, and was of type {type(self.spread).__name__}"
            )

    @property
    def number(self) -> float:
        """The value of a score that has one.

        Raises:
            ValueError: it is undefined.
        """
        if self.value is None:
            raise ValueError(f"{self.metric} is undefined: {self.lack}")
        return self.value

    @property
    def interval(self) -> Interval | None:
        """The interval that is shown, of 95 %; ``None`` where there is none."""
        return self.spread.interval() if self.spread else None

    def p(self, limit: float, side: int) -> float:
        """The one-sided p-value of "the number is not beyond the limit", by which rules decide; see `Spread.p`.

        Raises:
            ValueError: it has no spread.
        """
        if self.spread is None:
            raise ValueError(f"{self.metric} has no interval: {self.lack}")
        return self.spread.p(limit, side)

    @property
    def units(self) -> int:
        """The number of clusters, or of images where each stands alone: of these more may be needed."""
        return self.clusters or self.n

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: its fields, and the ends of its 95 % interval."""
        ends = self.interval
        return {**fields_form(self), "interval": [ends.low, ends.high] if ends else None}

    def as_row(self) -> tuple[str, str, str, str, str]:
        """The name with the condition, value, interval, n and doubt, as text."""
        condition = condition_text(self.condition, ", ")
        name = f"{self.metric} [{condition}]" if condition else self.metric
        if self.value is None:
            return name, "undefined", "", f"{self.n:,}", ""
        interval = f"{self.interval.low:.4g} to {self.interval.high:.4g}" if self.interval else ""
        return name, f"{self.value:.4g}", interval, self.n_text, self.doubt

    @property
    def n_text(self) -> str:
        """The number of images and, where they come in clusters, that of clusters beside it."""
        return f"{self.n:,}{_in_clusters(self.clusters)}"


@dataclass(frozen=True, slots=True)
class SliceScore:
    """One score of the pictures with one value of a column.

    Attributes:
        value: of the column.
        score: of these pictures, with an interval that is simultaneous over the values: all of them hold in 95 % of
            cases.
        less_rest: the score less that of all other pictures which have a value, with an interval at the level at which
            Holm's procedure tests it; ``None`` where there are none.
        p: two-sided p-value of "as the rest", adjusted by Holm over the values; ``None`` where there is no test.
    """

    value: str
    score: Score
    less_rest: Score | None = None
    p: float | None = None

    @property
    def is_few(self) -> bool:
        """Whether there are too few pictures to claim anything of it."""
        return self.score.n < FEW_IN_SLICE

    @property
    def is_unlike_rest(self) -> bool:
        """Whether it surely differs from all other pictures."""
        return self.p is not None and self.p < 0.05 and not self.is_few


@dataclass(frozen=True)
class SlicedScore:
    """One score of a run by the values of a column, or of two together.

    Attributes:
        column: its name; ``"site+age"`` of two.
        metric, condition, unit, higher_is_better: which score.
        title: what people call it.
        slices: of each value, the worst first; those without a score at the end.
        worst: the lowest true score of any slice (the highest, of an error), with the value that was seen: of several
            the lowest that was seen is low by chance too, and this interval knows it. ``None`` where there is none.
        gap: the distance between best and worst; ``None`` of fewer than two slices with an interval.
        n: pictures that have a value.
        without_value: pictures that have none.
        too_few: pictures of each part of two columns that is left out, as it has fewer than `FEW_IN_SLICE`.
        mix: the share of each value where the model will work; empty where none was asked for.
        average: the mean over the slices in these proportions, undefined where a slice lacks a score or an interval;
            ``None`` without a mix.
        cluster: the column by which intervals take pictures together; empty where each stands alone.
        doubt: as of a `Score`; filled in by the `Result` that it belongs to.
    """

    column: str
    metric: str
    condition: Condition
    unit: str
    higher_is_better: bool
    title: str
    slices: tuple[SliceScore, ...]
    worst: Score | None = None
    gap: Score | None = None
    n: int = 0
    without_value: int = 0
    too_few: Mapping[str, int] = field(default_factory=dict)
    mix: Mapping[str, float] = field(default_factory=dict)
    average: Score | None = None
    cluster: str = ""
    doubt: str = field(default="", compare=False)

    @property
    def worst_slice(self) -> SliceScore | None:
        """The slice with the worst score among those with an interval; ``None`` where none has one."""
        return next((each for each in self.slices if each.score.spread), None)

    @property
    def worst_value(self) -> str | None:
        """The value of the column with the worst score; ``None`` where none has an interval."""
        return self.worst_slice.value if self.worst_slice else None

    @property
    def worst_of_many(self) -> SliceScore | None:
        """The slice with the worst score among those that have many pictures; ``None`` where none has."""
        return next((each for each in self.slices if each.score.spread and not each.is_few), None)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: its fields, with the worst slice by name."""
        return {**fields_form(self), "worst_value": self.worst_value}


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of a benchmark stands behind its scores.

    Attributes:
        expected: images of the whole data set times conditions of the whole benchmark.
        evaluated, failed: such image-cells that were evaluated, and that could not be.
        images: different images that were evaluated, under however many conditions.
    """

    expected: int
    evaluated: int
    failed: int
    images: int

    @property
    def complete(self) -> bool:
        """Whether every sample of the data set was evaluated under every condition."""
        return self.evaluated == self.expected


class Picture(Protocol):
    """A PNG file, read when it is wanted."""

    def read_bytes(self) -> bytes:
        """All of its bytes."""
        ...


@dataclass(frozen=True, slots=True)
class ClustersOfResult:
    """The clusters that a result's pictures come in, by which all of its intervals are made.

    Attributes:
        column: that says which pictures belong together.
        clusters, pictures: how many there are of the pictures that were evaluated.
        sources: where a comparison's columns were read from, with digests; a `Result` names those itself.
    """

    column: str
    clusters: int
    pictures: int
    sources: tuple[ColumnSource, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, in which sources are objects."""
        sources = [source._asdict() for source in self.sources]
        return {"column": self.column, "clusters": self.clusters, "pictures": self.pictures, "sources": sources}

    @property
    def text(self) -> str:
        """The clusters in words, beside a number of pictures."""
        return f"{self.clusters:,} clusters by {self.column}"


@dataclass(frozen=True, repr=False)
class Result:
    """One model on one benchmark: scores, counts, and the run they came from.

    Attributes:
        model, benchmark, data, protocol: what met what, under which rules.
        scores: headlines first; ``(metric, condition)`` is unique.
        counts: how much of the data stands behind them.
        run: what it is of: everything that its key is made of.
        measured: how it was computed: packages, device, batch, host, times, agreement. The one field that may
            differ between two runs of the same command.
        failures: the samples that could not be evaluated.
        warnings: what a person should know before trusting the numbers.
        findings: the checks of an attack report, raised or not.
        exhibits: pictures of what the benchmark did, PNG files by caption.
        key: under which the run is stored.
        parts: keys of the stored runs, where a result is of several: of the photographs' run, then of those beside it.
        plan: what stayed as it was while it was computed.
        damage: a fact for each stored file that was left out because it is damaged; not in ``results.json``.
        stop: where it was stopped as soon as it was exact enough; ``None`` where it was not.
        details: what a page shows beyond scores, by name, as JSON: curves and the pictures behind the numbers.
        slices: scores by the values of columns of the pictures, where these were asked for.
        clusters: that the pictures come in; ``None`` where each stands alone.
        columns: the files that columns of its pictures were read from, where any of these was asked for.
    """

    model: str
    benchmark: str
    data: str
    protocol: str
    scores: Sequence[Score]
    counts: Counts
    run: Run
    measured: Mapping[str, Any]
    failures: Sequence[Failure] = ()
    warnings: Sequence[Fact] = ()
    findings: Sequence[Fact] = ()
    exhibits: Mapping[str, Picture] = field(default_factory=dict)
    key: str = ""
    plan: Plan = field(default_factory=Plan)
    damage: Sequence[Fact] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    stop: Stop | None = None
    parts: tuple[str, ...] = ()
    slices: Sequence[SlicedScore] = ()
    clusters: ClustersOfResult | None = None
    columns: Sequence[ColumnSource] = ()

    def __post_init__(self) -> None:
        # The word is about scores under attack, and stays with one that is handed on alone. Findings may change after
        # the scores (see `replace`).
        if self.doubt or any(score.doubt for score in self.scores):
            scores = [replace(score, doubt=self.doubt if score.is_under_attack else "") for score in self.scores]
            object.__setattr__(self, "scores", scores)
            attacked = {(score.metric, score.condition) for score in scores if score.doubt}
            slices = [
                replace(each, doubt=self.doubt if (each.metric, each.condition) in attacked else "")
                for each in self.slices
            ]
            object.__setattr__(self, "slices", slices)

    def is_of(self, keys: Collection[str]) -> bool:
        """Whether the result is of a run with one of these keys; of several runs, of the first and another."""
        if not self.parts:
            return self.key in keys
        return self.parts[0] in keys and any(part in keys for part in self.parts[1:])

    @property
    def name(self) -> str:
        """The model's name, with the precision where it is not fp32, and the mark of a chat model."""
        precision = "" if self.run.precision == "fp32" else f" ({self.run.precision})"
        return f"{self.model}{self.run.model.mark}{precision}"

    @property
    def n_text(self) -> str:
        """The number of images that were evaluated and, where they come in clusters, that of clusters beside it."""
        return f"{self.counts.images:,}{_in_clusters(self.clusters.clusters if self.clusters else 0)}"

    @property
    def doubt(self) -> str:
        """The verdict on its numbers where it is one of `hardiness.core.fact.DOUBTS`; else empty."""
        return doubt_of(self.findings)

    @property
    def caveat(self) -> str:
        """The word beside its accuracy under attack: the verdict where it is not that it is believed; empty if none."""
        trust = self.trust
        return "" if trust in (None, Trust.BELIEVED) else str(trust)

    @property
    def trust(self) -> Trust | None:
        """The verdict on its numbers; ``None`` where no check gave one."""
        return trust_of(self.findings)

    def __repr__(self) -> str:
        """The text at a Python prompt: a line a score, reasons, warnings and findings; values are not percent."""
        head = f"{self.model} on {self.benchmark} ({self.data}, {self.protocol})"
        evaluated, expected = self.counts.evaluated, self.counts.expected
        scores = self.scores[:SHOWN]
        rows = [("score", "value", "95 % interval", "n", ""), *(score.as_row() for score in scores)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        clusters = f", in {self.clusters.text}" if self.clusters else ""
        lines = [f"{head}: {evaluated:,} of {expected:,} evaluated{clusters}, {self.counts.failed:,} failed"]
        lines += [
            f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {interval:>{widths[2]}}  {n:>{widths[3]}}  {doubt}".rstrip()
            for name, value, interval, n, doubt in rows
        ]
        if len(self.scores) > SHOWN:
            lines.append(f"  and {len(self.scores) - SHOWN} more in .scores")
        lines += [f"  {reason}" for reason in self._reasons()]
        return "\n".join([*lines, *(f"  ! {line}" for line in self._remarks())])

    def _reasons(self) -> Iterator[str]:
        """Why scores that are shown have no value or no interval, a line for each reason."""
        by_reason: dict[str, list[str]] = {}
        for score in self.scores[:SHOWN]:
            if score.lack:
                what = "undefined" if score.value is None else "without interval"
                by_reason.setdefault(f"{what}, {self._told(score.lack)}", []).append(score.as_row()[0])
        yield from (f"{reason}: {', '.join(names)}" for reason, names in by_reason.items())

    def _told(self, fact: Fact) -> str:
        """A fact as its code and arguments."""
        return str(fact)

    def _remarks(self) -> Iterator[str]:
        """The warnings, the checks of an attack that found something, and the verdict."""
        yield from map(self._told, self.warnings)
        yield from (self._told(fact) for fact in self.findings if fact.is_raised or fact.trust is not None)

    def view(self) -> TextTable:
        """The scores as a table for a notebook."""
        rows = [
            (name, f"{value}\n{interval}" if interval else value, n, doubt)
            for name, value, interval, n, doubt in (score.as_row() for score in self.scores[:SHOWN])
        ]
        head, *_ = repr(replace(self, scores=())).splitlines()
        more = [f"and {len(self.scores) - SHOWN} more in .scores"] if len(self.scores) > SHOWN else []
        heads = ("score", "value, 95 % interval", "n", *([""] if any(row[3] for row in rows) else []))
        notes = (*more, *self._reasons(), *self._remarks())
        return TextTable(head, heads, tuple(row[: len(heads)] for row in rows), notes=notes)

    def _repr_html_(self) -> str:
        """The scores as HTML for a notebook."""
        return self.view().html()

    def score(self, metric: str, **condition: str | float) -> Score:
        """The score of that metric and exactly that condition; without one, the metric's first (headline) score.

        Args:
            metric: its name.
            condition: by key; an epsilon as a number, which may be rounded, or as ``"2/255"``. The score of a class is
                no headline: it needs ``**{"class": NAME}``.

        Raises:
            KeyError: there is none; the message lists the metrics that there are, or the conditions of this one.
        """
        target = Condition(**condition)
        of_metric = [score for score in self.scores if score.metric == metric]
        for score in of_metric:
            if is_same_condition(score.condition, target) if condition else "class" not in score.condition:
                return score
        if conditions := [condition_text(score.condition) or "no condition" for score in of_metric]:
            text = f" with {target}" if condition else " of all classes together"
            raise KeyError(f"no score {metric!r}{text}{suggestion(str(target), conditions)}")
        raise KeyError(f"no score {metric!r}{suggestion(metric, sorted({score.metric for score in self.scores}))}")

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, one entry of ``results.json``."""
        return {
            "model": self.model,
            "mark": self.run.model.mark.strip(),
            "benchmark": self.benchmark,
            "data": self.data,
            "protocol": self.protocol,
            "complete": self.counts.complete,
            "scores": json_form(list(self.scores)),
            "slices": json_form(list(self.slices)),
            "counts": json_form(self.counts),
            "failures": [
                {"sample": failure.sample, "reason": failure.reason, "rows": len(failure.conditions)}
                for failure in self.failures
            ],
            "warnings": json_form(list(self.warnings)),
            "findings": json_form(self.findings),
            "stop": json_form(self.stop),
            "clusters": json_form(self.clusters),
            "columns": [source._asdict() for source in self.columns],
            "run": {"key": self.key, **json_form(self.run), "plan": json_form(self.plan)},
            "parts": list(self.parts),
            "measured": dict(self.measured),
        }


@dataclass(frozen=True, slots=True)
class TextTable:
    """Rows of text, and lines below them.

    Attributes:
        title: what it shows.
        heads: a heading for each column.
        rows: a cell for each column; a cell of two lines has its smaller print in the second.
        named: how many of the first columns hold names, the others hold numbers.
        notes: what else there is to say, a line each.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    named: int = 1
    notes: tuple[str, ...] = ()

    def html(self) -> str:
        """The table for a notebook, light or dark: it takes over the notebook's letters and colours."""
        heads = "".join(_html_cell("th", text, place < self.named) for place, text in enumerate(self.heads))
        rows = "".join(
            f"<tr>{''.join(_html_cell('td', text, place < self.named) for place, text in enumerate(row))}</tr>"
            for row in self.rows
        )
        caption = f"<caption>{escape(self.title)}</caption>"
        table = f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f'<div class="hardiness">{NOTEBOOK_STYLE}{table}{notes}</div>'


NOTEBOOK_STYLE = """<style>
.hardiness { overflow-x: auto; margin: .5rem 0 }
.hardiness table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; border: 0 }
.hardiness caption { text-align: left; font-weight: 600; padding: 0 0 .4rem; color: inherit; white-space: nowrap }
.hardiness :is(th, td) { text-align: right; vertical-align: top; padding: .3rem .8rem .3rem 0; background: none;
  border: 0; border-bottom: 1px solid rgba(128, 128, 128, .35); max-width: 34rem }
.hardiness :is(th, td).name { text-align: left }
.hardiness th { font-size: .85em; font-weight: 600; opacity: .7; vertical-align: bottom }
.hardiness :is(small, p) { display: block; font-size: .85em; opacity: .7; white-space: nowrap }
.hardiness p { margin: .35rem 0 0; max-width: 56rem; white-space: normal }
</style>"""
"""The style of tables in a notebook, as those of the page are."""


def _html_cell(tag: str, text: str, is_name: bool) -> str:
    """A cell whose first line is large and whose others are small."""
    first, *rest = escape(text).split("\n")
    kind = ' class="name"' if is_name else ""
    return f"<{tag}{kind}>{first}{''.join(f'<small>{line}</small>' for line in rest)}</{tag}>"
