"""The cells and pictures of an image table that a rule is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import card_of, published_baseline
from hardiness.core.attack_plan import condition_text, is_same_condition
from hardiness.core.condition import Condition
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.metrics.declaration import registry as metrics
from hardiness.metrics.picture_scores import SCORE
from hardiness.reference.sets import distortion_set, set_names
from hardiness.results.rules.errors import UnmatchedError
from hardiness.results.rules.metrics import WRONG, metrics_of_rows, pair_names
from hardiness.results.runs import ScoredRun
from hardiness.statistics.measures import WeightedSum


@dataclass(frozen=True)
class TablePart:
    """Which cells and images of a table a rule is about."""

    cells: list[int]
    rows: NDArray[np.bool_]


def part_of(table: ImageTable, where: Condition, run: Run) -> TablePart:
    """The cells and images that ``where`` names; without a word on cells all but the clean one, if there are others.

    Raises:
        UnmatchedError: there is no such cell, group or class.
    """
    rows = np.ones(len(table), bool)
    rest = dict(where)
    if "class" in rest:
        namer, group_or_class = card_of(run).class_namer(run), str(rest.pop("class"))
        # Of ImageNet's classes two are called crane, and two maillot: a rule on the name is on both.
        names = {int(label): namer(int(label)) for label in np.unique(table.label)}
        if group_or_class not in names.values():
            raise UnmatchedError("where class", group_or_class, sorted(names.values()))
        rows = np.isin(table.label, [label for label, name in names.items() if name == group_or_class])
    if "group" in rest:
        groups = _groups(run, table)
        group_or_class = str(rest.pop("group"))
        if group_or_class not in groups:
            raise UnmatchedError("where group", group_or_class, sorted(groups))
        cells = [k for k, cell in enumerate(table.present) if cell.get("corruption") in groups[group_or_class]]
    else:
        cells = list(range(len(table.present)))
    chosen = [place for place in cells if _has_parts(table.present[place], rest)]
    if not chosen:
        words = {**dict.fromkeys(("class", "group"), ""), **{k: "" for each in table.present for k in each}}
        if unknown := next((key for key in rest if key not in words), None):
            raise UnmatchedError("where", unknown, sorted(words))
        raise unmatched_where(Condition(**rest), [table.present[k] for k in cells])
    if not (set(where) - {"class"}) and len(chosen) > 1:
        chosen = [k for k in chosen if table.present[k]]
    return TablePart(chosen, rows)


def _groups(run: Run, table: ImageTable) -> Mapping[str, tuple[str, ...]]:
    """The groups of corruptions that a run's benchmark has, or any set that its corruptions are of."""
    corruptions = {str(cell.get("corruption")) for cell in table.present}
    for name in sorted(set_names(), key=lambda each: each != run.benchmark.name):
        groups = distortion_set(name).groups
        own = {group: members for group, members in groups.items() if corruptions & set(members)}
        if own:
            return own
    return {}


def _has_parts(cell: Condition, parts: Mapping[str, Any]) -> bool:
    """Whether a cell has these keys with these values, as a person writes them."""
    own = Condition(**{key: value for key, value in cell.items() if key in parts})
    return is_same_condition(own, Condition(**parts))


def unmatched_where(where: Condition, conditions: Sequence[Mapping[str, Any]]) -> UnmatchedError:
    """Which word of a condition is the one that no score has."""
    keys = {key for each in conditions for key in each}
    for key, value in where.items():
        if key not in keys:
            return UnmatchedError("where", key, sorted(keys))
        of_key = [Condition(**{key: each[key]}) for each in conditions if key in each]
        if not any(is_same_condition(each, Condition(**{key: value})) for each in of_key):
            values = {condition_text(each).removeprefix(f"{key}=") for each in of_key}
            is_text = isinstance(value, float) and any(isinstance(each[key], str) for each in of_key)
            hint = " (a number; write a text in quotes)" if is_text else ""
            return UnmatchedError(f"where {key}", f"{value}{hint}", sorted(values))
    return UnmatchedError(
        "where", str(where), sorted({condition_text(Condition(**each)) for each in conditions} - {""})
    )


def weighed(table: ImageTable, metric: str, where: Condition, run: ScoredRun) -> tuple[WeightedSum, TablePart]:
    """A score as a weighted sum of cells over some images.

    Raises:
        UnmatchedError: it is no such sum, or there is no such cell, group or class.
    """
    identity = run.stored.run
    all_images = np.ones(len(table), bool)
    sums = run.card.sums(table, identity, published_baseline(identity))
    for each in sums:
        if each.metric == metric and each.condition == where:
            return each, TablePart(np.flatnonzero(each.weights).tolist(), all_images)
    if metric not in metrics_of_rows(identity):
        metrics.refuse_faulty(metric)
        names = {*(each.metric for each in sums), *metrics_of_rows(identity), *pair_names()}
        raise UnmatchedError("metric", metric, sorted(names))
    part = part_of(table, where, identity)
    right, is_wrong = table[RIGHT], WRONG.get(metric, False)
    values = table[SCORE] if metric == SCORE else np.where(right < 0, np.nan, (right == 1) != is_wrong)
    weights = np.zeros(len(table.present))
    weights[part.cells] = 1 / len(part.cells)
    return WeightedSum(metric, values, weights, where, higher_is_better=not is_wrong), part


@dataclass(frozen=True)
class CellsOfImages:
    """A weighted sum of cell means of some images.

    Attributes:
        ids: ``(N,)`` of the images, sorted.
        conditions: of the M cells.
        values: ``(N, M)``; NaN where an image was not evaluated.
        weights: ``(M,)`` of the cells.
        top: the largest that a value can be.
    """

    ids: NDArray[np.object_]
    conditions: tuple[Condition, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    top: float

    @property
    def is_mean_of_shares(self) -> bool:
        """Whether it is the mean over cells, each weighing the same, of the share of images that count."""
        evaluated = self.values[~np.isnan(self.values)]
        alike = bool(np.allclose(self.weights, 1 / len(self.weights), rtol=0, atol=1e-12))
        return alike and bool(np.all((evaluated == 0) | (evaluated == 1)))
