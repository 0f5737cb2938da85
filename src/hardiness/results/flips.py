"""Flips of two stored runs: which answers a later run gives otherwise, from their rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.galleries import Answer, Sample
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.forms import fields_form, from_fields
from hardiness.core.table import RIGHT, ImageTable
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import Difference
from hardiness.statistics.decomposition import FEWEST_OF_CLASS
from hardiness.statistics.flips import Flips, FlipTable

PICTURES = 6
"""Negative flips of a pair whose pictures are shown."""

MOST_KEPT = 3
"""Models up to which the flips of every two are kept beside a folder's scores."""


@dataclass(frozen=True)
class PairFlips:
    """The flips from one model to another on one benchmark.

    Attributes:
        first, second: the earlier and the later model, by name.
        overall: over all conditions that both have but that of clean pictures, each weighing the same; of clean ones
            where there are no others.
        conditions: under each condition.
        kinds: over the conditions of each kind, e.g. a corruption at all of its severities; empty if there is one.
        classes: of the images of each class, by its name, over the same conditions; the class with most negative flips
            first.
        changes: of each class's recall, the later model's less the earlier one's; what lost most first.
        samples: pictures that were right before and are wrong now.
        flipped: how many such pictures there are.
        small: how many classes, of fewer than ten images each, are the last of ``classes`` and ``changes`` together; 0
            where that is a class like the others.
    """

    first: str
    second: str
    overall: Flips
    conditions: tuple[tuple[Condition, Flips], ...] = ()
    kinds: tuple[tuple[str, Flips], ...] = ()
    classes: tuple[tuple[str, Flips], ...] = ()
    changes: tuple[tuple[str, Difference], ...] = ()
    samples: tuple[Sample, ...] = ()
    flipped: int = 0
    small: int = 0

    @property
    def differing(self) -> float:
        """The share of pictures that the two answer otherwise."""
        return 1 - self.overall.agreement.number

    @property
    def has_equal_answers(self) -> bool:
        """Whether the two give every picture the same answer: less than half a picture of rounding is none."""
        cells = [flips for _, flips in self.conditions] or [self.overall]
        return sum((1 - flips.agreement.number) * flips.n for flips in cells) < 0.5

    @property
    def clean(self) -> Flips | None:
        """The flips of clean pictures, where there are others, which the overall ones are of."""
        flips = dict(self.conditions)
        return flips.get(Condition()) if len(flips) > 1 else None

    @property
    def changed(self) -> str:
        """How many classes' recall changes, and whether that of the small ones together does."""
        *classes, rest = [*(change.is_told_apart for _, change in self.changes), *([] if self.small else [False])]
        text = f"{sum(classes)} of {len(classes):,} classes change"
        if not self.small:
            return text
        return (
            f"{text}, the {self.small:,} of fewer than {FEWEST_OF_CLASS} images together {'do' if rest else 'do not'}"
        )

    def sentence(self, scores_differ: bool | None) -> str:
        """The flips in one sentence, beside the scores.

        Args:
            scores_differ: whether the scores are told apart; ``None`` where no score was compared.
        """
        both = f"{self.first} and {self.second}"
        what = "picture-cells" if len(self.conditions) > 1 else "pictures"
        if self.has_equal_answers:
            return f"{both} give the same answer to all {what}."
        negative, positive = (_percent(share.number) for share in (self.overall.negative, self.overall.positive))
        parts = (
            f"{_percent(self.differing)} of {what} get another answer: {negative} were right under {self.first} "
            f"and are wrong under {self.second}, {positive} the reverse"
        )
        if self.clean:
            shares = (self.clean.negative.number, self.clean.positive.number)
            parts += f"; of clean pictures {' and '.join(map(_percent, shares))}"
        if scores_differ is None:
            return f"{both}: {parts}."
        if scores_differ:
            return f"The scores of {both} differ beyond chance; {parts}."
        return f"The scores of {both} do not differ beyond chance, but their answers do: {parts}."

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: what each part of the pictures is called stands beside its numbers."""
        form = fields_form(self)
        parts = {name: [{head: part, **numbers} for part, numbers in form.pop(name)] for name, head in PARTS.items()}
        first = {name: form.pop(name) for name in ("first", "second", "flipped", "overall")}
        return {**first, **parts, **form}

    @classmethod
    def from_dict(cls, form: Any) -> PairFlips:
        """The flips that `as_dict` gave."""
        if isinstance(form, Mapping):
            parts = {
                name: [[each.get(head), {k: v for k, v in each.items() if k != head}] for each in form.get(name, ())]
                for name, head in PARTS.items()
            }
            form = {**form, **parts}
        return from_fields(cls, form)


PARTS = {"conditions": "condition", "kinds": "kind", "classes": "class", "changes": "class"}
"""The name that one of each has in JSON."""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def flips_of(runs: Mapping[str, ScoredRun], clusters: Clusters | None = None) -> tuple[PairFlips, ...]:
    """The flips of every two of some models on one benchmark, the earlier named first in each pair.

    None of runs whose rows have no answer for each picture and condition, that share no picture, or whose answers
    cannot be matched by class, of which `unmatched_answers` says why.

    Args:
        runs: by name.
        clusters: of all their pictures; ``None`` where each stands alone.
    """
    tables = {name: table for name, run in runs.items() if _has_answers(table := run.columns("answer", "confidence"))}
    flips = []
    for first, second in combinations(tables, 2):
        run = runs[second].stored.run
        if runs[first].stored.run.why_other_classes(run):
            continue
        if (pair := _pair(tables[first], tables[second], card_of(run).class_namer(run), clusters)) is not None:
            flips.append(replace(pair, first=first, second=second))
    return tuple(flips)


def unmatched_answers(runs: Mapping[str, ScoredRun]) -> Iterator[Fact]:
    """A fact for every two models whose answers cannot be matched by class, so that nothing is said of flips."""
    for first, second in combinations(runs, 2):
        if why := runs[first].stored.run.why_other_classes(runs[second].stored.run):
            yield Fact(RunRemark.OTHER_CLASSES, {"first": first, "second": second, "line": why})


def _has_answers(table: ImageTable) -> bool:
    return "answer" in table and table["answer"].ndim == 2 and len(table) > 0


def flip_table(before: ImageTable, now: ImageTable, clusters: Clusters | None = None) -> FlipTable | None:
    """The flips of two image tables by image and cell; ``None`` where they share no image or no condition."""
    places = before.rows_of(now.ids)
    both = [cell for cell in before.present if cell in now.present]
    if not both or not (places >= 0).any():
        return None
    rows = places >= 0
    columns = [[table.present.index(cell) for cell in both] for table in (before, now)]

    def columns_of(name: str) -> tuple[np.ndarray, np.ndarray]:
        return before[name][places[rows]][:, columns[0]], now[name][rows][:, columns[1]]

    answers = columns_of(RIGHT), columns_of("answer")
    return FlipTable.from_answers(now.ids[rows], now.label[rows], both, *answers, clusters)


def _pair(before: ImageTable, now: ImageTable, namer: Any, clusters: Clusters | None) -> PairFlips | None:
    table = flip_table(before, now, clusters)
    overall = (table.under_conditions.over() or table.over()) if table else None
    if table is None or overall is None:
        return None
    by_class = table.under_conditions.by_class(namer)
    return PairFlips(
        "",
        "",
        overall,
        tuple(table.by_condition()),
        tuple(_by_kind(table)),
        by_class.flips,
        by_class.changes,
        tuple(_samples(table, before, now, namer)),
        int(np.nansum(table.negative)),
        by_class.small,
    )


def _by_kind(table: FlipTable) -> Iterator[tuple[str, Flips]]:
    """The flips by kind of condition; nothing where there is one kind."""
    for kind, places in places_by_kind(table.conditions).items():
        flips = table.over(places)
        if flips is not None:
            yield kind, flips


def places_by_kind(conditions: Sequence[Condition]) -> dict[str, list[int]]:
    """The places of the conditions of each kind, by their first word, which names the disturbance; none of one kind."""
    places: dict[str, list[int]] = {}
    for place, condition in enumerate(conditions):
        places.setdefault(str(next(iter(condition.values()), "clean")), []).append(place)
    return places if len(places) > 1 else {}


def _samples(table: FlipTable, before: ImageTable, now: ImageTable, namer: Any) -> Sequence[Sample]:
    """The negative flips that the later run is surest of, no photograph twice."""
    sure = _confidence(now, table)
    sureness = np.where(table.negative == 1, np.nan_to_num(sure, nan=0.0), -1.0)
    chosen = []
    best, cells = sureness.max(axis=1), sureness.argmax(axis=1)
    for row in np.argsort(-best, kind="stable")[:PICTURES].tolist():
        if best[row] < 0:
            break
        condition, image = table.conditions[cells[row]], table.ids[row]
        answers = []
        for side in (before, now):
            at, cell = int(side.rows_of(table.ids[[row]])[0]), side.present.index(condition)
            confidence = float(side["confidence"][at, cell]) if "confidence" in side else float("nan")
            rounded = round(confidence, 4) if confidence == confidence else None
            answers.append(Answer(namer(int(side["answer"][at, cell])), rounded))
        chosen.append(Sample(str(image), condition, namer(int(table.label[row])), answers[1], answers[0]))
    return chosen


def _confidence(now: ImageTable, table: FlipTable) -> np.ndarray:
    if "confidence" not in now or now["confidence"].ndim != 2:
        return np.zeros(table.negative.shape)
    columns = [now.present.index(cell) for cell in table.conditions]
    return np.asarray(now["confidence"][now.rows_of(table.ids)][:, columns], np.float64)
