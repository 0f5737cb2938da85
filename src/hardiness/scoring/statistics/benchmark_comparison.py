"""Models of one or more output folders beside each other, benchmark by benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, UnknownNameError
from hardiness.scoring.card import card_of
from hardiness.scoring.kappa import Consistency, error_consistency
from hardiness.scoring.scored_run import ScoredRun
from hardiness.scoring.statistics.comparison import (
    CellDifference,
    Compared,
    by_cell,
    compared,
    compared_apart,
    shared_images,
)
from hardiness.scoring.statistics.decomposition import Part, by_cells
from hardiness.scoring.statistics.disagreements import Disagreement, disagreements
from hardiness.scoring.statistics.effective_robustness import EffectiveRobustness, Point, fit, published_points
from hardiness.scoring.statistics.measured import Measured, measured
from hardiness.scoring.statistics.measures import FEWEST_OF_EACH
from hardiness.scoring.statistics.resamples import Resamples
from hardiness.store import Store, StoredRun

SHOWN_IMAGES = 10
CLEAN = "imagenet-val"
SHIFTED = {"imagenet-a": ("top1", False), "imagenet-c": ("mean_error", True)}
"""Benchmarks with a line of published models: the metric, and whether it is an error."""


@dataclass(frozen=True)
class PairDetail:
    """Two models on the same images, in detail.

    Attributes:
        first, second: which.
        kappa: how far they err on the same images, where there is one condition; ``None`` where either has fewer
            than ten errors or right answers.
        cells: errors by condition.
        parts: of the difference of mean errors, by corruption and by severity.
        images: where they differ, most telling first.
    """

    first: str
    second: str
    kappa: Consistency | None
    cells: tuple[CellDifference, ...]
    parts: Mapping[str, Sequence[Part]]
    images: tuple[Disagreement, ...]


@dataclass(frozen=True)
class BenchmarkComparison:
    """Several models on one benchmark.

    Attributes:
        benchmark, data: which.
        scores: by score.
        n: images that all share; 0 where they have images of their own.
        notes: what a person should know.
        details: of each pair; none where no image is shared.
        effective: of each model that was run on clean photographs too, where published models give a line.
    """

    benchmark: str
    data: str
    scores: tuple[Compared, ...]
    n: int
    notes: tuple[str, ...]
    details: tuple[PairDetail, ...]
    effective: tuple[EffectiveRobustness, ...] = ()


def compare(stores: Sequence[Store], models: Sequence[str] = ()) -> list[BenchmarkComparison]:
    """Models beside each other on every benchmark that two of them were run on.

    Args:
        stores: output folders; a model that several hold is told apart by the folder's name.
        models: which ones; all if empty.

    Raises:
        UnknownNameError: a model was not run.
        ArgumentError: no benchmark has two models.
    """
    groups: dict[tuple[str, str], dict[str, Measured]] = {}
    known: dict[str, None] = {}
    chosen: dict[str, None] = {}
    folders = [store.address.rstrip("/").rpartition("/")[2] for store in stores]
    for place, store in enumerate(stores):
        for run in store.runs():
            name = run.run.model.name if len(stores) == 1 else f"{folders[place]}/{run.run.model.name}"
            known[name] = None
            asked = not models or name in models or run.run.model.name in models
            if asked and (found := _measured(run)):
                chosen[name] = None
                groups.setdefault((run.run.benchmark.name, run.run.data.name), {})[name] = found
    for model in models:
        if not any(model in (name, name.rpartition("/")[2]) for name in known):
            raise UnknownNameError("model to compare", model, known)
    compared_ = [_compared(*key, runs) for key, runs in sorted(groups.items()) if len(runs) > 1]
    if not compared_:
        raise ArgumentError(
            f"a comparison needs two models that were run on one benchmark, had {', '.join(chosen) or 'none'}"
        )
    clean = {name: run for (benchmark, _), runs in groups.items() if benchmark == CLEAN for name, run in runs.items()}
    return [replace(each, effective=_effective(each, clean)) for each in compared_]


def _measured(run: StoredRun) -> Measured | None:
    """A stored run by image, of its image table as it was kept, or made now and kept."""
    scored = ScoredRun(run, card_of(run.run))
    table = scored.table
    scored.save()
    return measured(table, run.run) if len(table) else None


def _effective(found: BenchmarkComparison, clean: Mapping[str, Measured]) -> tuple[EffectiveRobustness, ...]:
    """How far each model is above the line of the published models, where this benchmark has one."""
    metric, is_error = SHIFTED.get(found.benchmark, ("", False))
    score = next((each for each in found.scores if each.metric == metric), None)
    if score is None or not found.n:
        return ()
    line = fit(published_points(found.benchmark, metric, is_error))
    points = [
        Point(name, float(clean[name].right.mean()), 1 - value if is_error else value, len(clean[name].ids), found.n)
        for name, value in score.values.items()
        if name in clean and len(clean[name].ids)
    ]
    return tuple(line.effective_robustness(point) for point in points)


def _compared(benchmark: str, data: str, runs: Mapping[str, Measured]) -> BenchmarkComparison:
    ids = shared_images({name: run.ids for name, run in runs.items()})
    notes = [
        f"{name}: {run.left_out:,} images lack a condition and are left out"
        for name, run in runs.items()
        if run.left_out
    ]
    metrics = [
        score.metric
        for score in next(iter(runs.values())).scores
        if all(score.metric in {other.metric for other in run.scores} for run in runs.values())
    ]
    if not len(ids):
        notes.append("the models share no image: they are compared as on different photographs, which tells far less")
        scores = tuple(_apart(metric, runs) for metric in metrics)
        return BenchmarkComparison(benchmark, data, scores, 0, tuple(notes), ())
    for name, run in runs.items():
        if len(run.ids) > len(ids):
            notes.append(f"{name}: {len(ids):,} of {len(run.ids):,} images are shared, and only those are compared")
    resamples = Resamples(ids)
    places = {name: np.searchsorted(run.ids, ids) for name, run in runs.items()}
    scores = tuple(_together(metric, runs, places, resamples) for metric in metrics)
    details = tuple(_detail(first, second, runs, places, resamples) for first, second in combinations(runs, 2))
    return BenchmarkComparison(benchmark, data, scores, len(ids), tuple(notes), details)


def _together(metric: str, runs: Mapping[str, Measured], places: Mapping[str, Any], resamples: Resamples) -> Compared:
    chosen = {name: next(s for s in run.scores if s.metric == metric) for name, run in runs.items()}
    sides = {name: score.of(places[name]) for name, score in chosen.items()}
    return compared(metric, sides, resamples, next(iter(chosen.values())).higher_is_better)


def _apart(metric: str, runs: Mapping[str, Measured]) -> Compared:
    chosen = {name: next(s for s in run.scores if s.metric == metric) for name, run in runs.items()}
    sides = {
        name: (score.of(np.arange(len(runs[name].ids))), Resamples(runs[name].ids)) for name, score in chosen.items()
    }
    return compared_apart(metric, sides, next(iter(chosen.values())).higher_is_better)


def _detail(
    first: str, second: str, runs: Mapping[str, Measured], places: Mapping[str, Any], resamples: Resamples
) -> PairDetail:
    a, b = runs[first], runs[second]
    both = (
        [condition for condition in a.conditions if condition in b.conditions] if a.right.size and b.right.size else []
    )
    if not both:
        return PairDetail(first, second, None, (), {}, ())
    columns = [[run.conditions.index(condition) for condition in both] for run in (a, b)]
    right = [run.right[places[name]][:, at] for (name, run), at in zip(((first, a), (second, b)), columns, strict=True)]
    sure = [
        run.confidence[places[name]][:, at] for (name, run), at in zip(((first, a), (second, b)), columns, strict=True)
    ]
    parts: dict[str, Sequence[Part]] = {}
    corrupted = [k for k, condition in enumerate(both) if "corruption" in condition]
    if corrupted:
        weights = np.full(len(corrupted), 1 / len(corrupted))
        wrong = [~side[:, corrupted] for side in right]
        for key in ("corruption", "severity"):
            groups = [both[k][key] for k in corrupted]
            parts[key] = by_cells(wrong[0], wrong[1], weights, groups, resamples)
    return PairDetail(
        first,
        second,
        _kappa(right[0][:, 0], right[1][:, 0]) if len(both) == 1 else None,
        tuple(by_cell(right[0], right[1], both)),
        parts,
        tuple(disagreements(resamples.ids, right[0], right[1], (sure[0], sure[1]))[:SHOWN_IMAGES]),
    )


def _kappa(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Consistency | None:
    """The agreement of errors, where there are errors enough: its bootstrap holds too seldom with fewer."""
    counts = [count for side in (first, second) for count in (int(side.sum()), int((~side).sum()))]
    return error_consistency(first, second) if min(counts) >= FEWEST_OF_EACH else None
