"""Accuracy among 16 categories on stimuli that people were shown too, set by set and condition by condition."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import (
    RIGHT,
    Answer,
    Condition,
    Gallery,
    ImageTable,
    Records,
    Result,
    Run,
    Sample,
    Score,
    Section,
)
from hardiness.reference.stimulus_sets import SETS, Level, stimulus_set
from hardiness.scoring.card import Baseline, Card, ScoreTexts, register
from hardiness.scoring.galleries import SHOWN
from hardiness.scoring.human_charts import beside_people, by_set, human_charts, people_score
from hardiness.scoring.intervals import centred, resampled_means, wilson, within
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import mean

Cell = tuple[str, str]
"""A set and one of its conditions, by name."""


@register("model_vs_human")
@final
class ModelVsHumanCard(Card):
    """Out-of-distribution accuracy as the mean over sets, its squared distance from people's, and every condition.

    A set's accuracy is that over its counted conditions: without its control, and without those under which people
    were right less than about one time in five. The headline is named ``_partial`` where a set is missing.

    Source: Geirhos et al. (2021), arXiv:2106.07411, section 2 and the published ``plotting/plot.py``.
    Differs: ``squared_difference`` compares with all people of a condition together; the published accuracy
        difference is the mean over single people, which needs their trials (``hardiness human-likeness``).
    """

    columns: ClassVar[tuple[str, ...] | None] = ("category",)
    titles: ClassVar[Mapping[str, str]] = {
        "ood_accuracy": "OOD accuracy",
        "ood_accuracy_partial": "OOD accuracy of a part",
        "squared_difference": "squared difference from people",
    }
    keys: ClassVar[tuple[str, ...]] = ("set", "condition")
    place: ClassVar[int] = 61
    group: ClassVar[str] = "shape"
    explanations: ClassVar[Mapping[str, str]] = {
        "OOD accuracy": "accuracy among 16 categories, the mean over the sets of stimuli. Conditions without a "
        "distortion do not count, nor do those in which people were hardly ever right.",
        "squared difference from people": "the square of the model's accuracy less people's, the mean over the "
        "conditions of a set, then over sets: 0 is an accuracy like people's everywhere.",
    }

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, and the first class of the category that was answered."""
        groups = list(run.data.categories.values())
        firsts = np.array([group[0] for group in groups], np.int16)
        owner = {index: place for place, group in enumerate(groups) for index in group}
        asked = np.array([owner.get(label, -1) for label in records["label"].tolist()])
        given = records["category"].astype(np.int64)
        return ImageTable.from_rows(records, run.conditions, {RIGHT: given == asked}, {"answer": firsts[given]})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The means, then each set, then each condition."""
        cells, right = cells_of(table.ids), table[RIGHT][:, 0] == 1
        present = sorted(set(cells), key=_order)
        counted = [cell for cell in present if _level(cell).counted]
        sets = list(dict.fromkeys(name for name, _ in counted))
        inside = [np.array([cell == each for cell in cells]) for each in present]
        pooled = [np.any([inside[present.index(c)] for c in counted if c[0] == name], axis=0) for name in sets]
        headlines = _means(right, dict(zip(counted, (inside[present.index(c)] for c in counted), strict=True)), pooled)
        of_sets = [_share(right[rows], Condition(set=name)) for name, rows in zip(sets, pooled, strict=True)]
        of_cells = [
            _share(right[rows], Condition(set=name, condition=level))
            for (name, level), rows in zip(present, inside, strict=True)
        ]
        return [*headlines, *of_sets, *of_cells]

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """OOD accuracy."""
        cells, right = cells_of(table.ids), table[RIGHT][:, 0] == 1
        counted = {cell for cell in set(cells) if _level(cell).counted}
        sets = sorted({name for name, _ in counted}, key=SETS.index)
        if not sets:
            return []
        own = np.array([cell[0] if cell in counted else "" for cell in cells])
        values = np.stack([np.where(own == name, right, np.nan) for name in sets], axis=1)
        return [Measurable(_headline(counted), Condition(), True, lambda at: mean(values[at]))]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Stimuli that are answered wrongly where people find it easy."""
        return {"galleries": [gallery.as_dict() for gallery in _mistakes(table, run)]}

    def shown(self, key: str, value: Any) -> str:
        """The condition as the published figures name it."""
        return str(value)

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """Accuracy, and people's on the same sets."""
        beside = beside_people(result)
        if beside is None:
            return ""
        ours, theirs = beside
        return f"recognises {100 * ours:.0f} % of distorted objects (people: {100 * theirs:.0f} %)"

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, people's scores, accuracy by condition and by set as figures, and a grid for each."""
        return replace(
            super().view(results),
            people_score=people_score(results),
            charts=human_charts(results),
            grids=[grid for result in results if (grid := by_set(result))],
        )


def cells_of(ids: NDArray[np.object_]) -> list[Cell]:
    """The set and condition of each stimulus, from ids ``<set>/<condition>/<name>``."""
    parts = (str(each).split("/") for each in ids.tolist())
    return [(name, level) for name, level, *_ in parts]


def _level(cell: Cell) -> Level:
    found = stimulus_set(cell[0]).level(cell[1])
    assert found is not None, "the data set holds no other conditions"
    return found


def _order(cell: Cell) -> tuple[int, int]:
    return SETS.index(cell[0]), stimulus_set(cell[0]).levels.index(_level(cell))


def _means(
    right: NDArray[np.bool_], cells: Mapping[Cell, NDArray[np.bool_]], sets: Sequence[NDArray[np.bool_]]
) -> Iterator[Score]:
    """The mean accuracy over sets, and the mean squared difference from people.

    Args:
        right: ``(N,)``.
        cells: the stimuli of each condition that counts, ``(N,)`` each.
        sets: those of each set.
    """
    names = list(dict.fromkeys(name for name, _ in cells))
    metric = _headline(cells)
    if not sets:
        reason = "no stimulus of a condition that counts was evaluated"
        yield Score(metric, None, "fraction", 0, reason=reason)
        return
    values = np.stack([np.where(rows, right, np.nan) for rows in (*sets, *cells.values())], axis=1)
    means = np.vstack([np.nanmean(values, axis=0), resampled_means(values, "model_vs_human")])
    n = int(np.any(list(sets), axis=0).sum())
    yield _mean(metric, _across(means[:, : len(sets)]), n, higher_is_better=True)
    people = np.array([_level(cell).accuracy for cell in cells])
    squares = (means[:, len(sets) :] - people) ** 2
    places = [[place for place, (of, _) in enumerate(cells) if of == name] for name in names]
    of_sets = np.stack([_across(squares[:, each]) for each in places], axis=1)
    yield _mean("squared_difference", _across(of_sets), n, higher_is_better=False)


def _across(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row over its values, NaN where it has none: few images may all be missing from a resample."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _headline(cells: Container[Cell]) -> str:
    """What the mean over sets is called: a part must not pass for the whole."""
    whole = all((name, level.name) in cells for name in SETS for level in stimulus_set(name).counted)
    return "ood_accuracy" if whole else "ood_accuracy_partial"


def _mean(metric: str, values: NDArray[np.float64], n: int, higher_is_better: bool) -> Score:
    """A score from the estimate and its resamples, ``(1 + R,)``."""
    interval = within(centred(values[1:], float(values[0])))
    return Score(metric, float(values[0]), "fraction", n, interval, higher_is_better)


def _share(right: NDArray[np.bool_], condition: Condition) -> Score:
    hits, n = int(right.sum()), len(right)
    return Score("accuracy", hits / n, "fraction", n, wilson(hits, n), condition=condition)


def _mistakes(table: ImageTable, run: Run) -> Iterator[Gallery]:
    """The first wrong answer of each set, under the condition that people find easiest among those that count."""
    names = {index: name for name, group in run.data.categories.items() for index in group}
    cells, wrong = cells_of(table.ids), table[RIGHT][:, 0] == 0
    counted = [row for row in np.flatnonzero(wrong).tolist() if _level(cells[row]).counted]
    first: dict[str, int] = {}
    for row in sorted(counted, key=lambda row: (-_level(cells[row]).accuracy, row)):
        first.setdefault(cells[row][0], row)
    if not first:
        return
    samples = tuple(
        Sample(
            str(table.ids[row]),
            Condition(),
            names.get(int(table.label[row]), ""),
            Answer(names.get(int(table["answer"][row]), "")),
            note=f"{name}: people are right on {100 * _level(cells[row]).accuracy:.0f} %",
        )
        for name, row in list(first.items())[:SHOWN]
    )
    rule = (
        "Wrong answers under the conditions that people find easiest, without controls, the first of each set; "
        f"{len(counted):,} are wrong."
    )
    yield Gallery("Wrong where people are right", rule, samples)
