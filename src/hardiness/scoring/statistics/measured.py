"""A stored run by image: what it can be compared by, on which images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, ImageTable, Run, Score
from hardiness.scoring.card import Baseline, card_of
from hardiness.scoring.comparisons.stored_baseline import StoredBaseline
from hardiness.scoring.scored_run import ScoredRun
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.stopping.cells import is_drawn
from hardiness.store import StoredRun


@dataclass(frozen=True)
class Measured:
    """A run by image.

    Attributes:
        run: what it is of.
        ids: ``(N,)`` of the images that have every condition that any has, sorted.
        label: ``(N,)`` class of each.
        scores: what it can be compared by.
        right: ``(N, M)`` whether each answer is right.
        confidence: ``(N, M)`` of each answer; 0 where it was not kept.
        conditions: of the M columns.
        left_out: images that lack a condition and are compared nowhere.
        failed: images that could not be evaluated, under whichever condition.
        key: of the stored run; empty where it is of none.
        drawn: whether each image has some random cells alone. What it can then be compared by depends on the cells
            that the other runs have (`in_shared_cells`), and ``scores`` is empty.
        table: gives its image table; not there where it is of no stored run.
        baseline: what its ratios divide by instead of the published baseline.
    """

    run: Run
    ids: NDArray[np.object_]
    label: NDArray[np.int32]
    right: NDArray[np.bool_]
    confidence: NDArray[np.floating]
    conditions: tuple[Condition, ...]
    left_out: int
    failed: int
    scores: tuple[Measurable, ...] = ()
    key: str = ""
    drawn: bool = False
    table: Callable[[], ImageTable] | None = None
    baseline: Baseline | None = None

    @property
    def right_share(self) -> float:
        """The share of all answers that are right."""
        return float(self.right.mean())

    def title(self, score: Measurable) -> str:
        """A score's name as people write it."""
        return card_of(self.run).title(Score(score.metric, 0.0, "fraction", 0, condition=score.condition))

    @property
    def class_namer(self) -> Callable[[int], str]:
        """The name of a class by its index."""
        return card_of(self.run).class_namer(self.run)


def stored_measures(run: StoredRun, base: StoredBaseline | None = None) -> Measured | None:
    """A stored run by image, of its image table as it was kept, or made now and kept; ``None`` as in `measured`.

    Args:
        run: which.
        base: what its ratios divide by where that was run on the same pictures, instead of the published baseline.
    """
    scored = ScoredRun(run, card_of(run.run))
    table = scored.table
    scored.save()
    found = measured(table, run.run, base.of_run(scored) if base else None) if len(table) else None
    return found and replace(found, key=run.key, table=lambda: ScoredRun(run, card_of(run.run)).table)


def measured(table: ImageTable, run: Run, baseline: Baseline | None = None) -> Measured | None:
    """A run by image; ``None`` where no image has every condition, or its card names nothing to compare by.

    Ratios are to ``baseline`` where it is given, else to the published one.

    A run of which each image has some random cells alone is there with all of its images.
    """
    whole, drawn = images_of(table, run)
    if not whole.any():
        return None
    kept = table if whole.all() else _of(table, whole)
    card = card_of(run)
    found = card.measurables_over(kept, run, baseline) if baseline else card.measurables(kept, run)
    scores = () if drawn else tuple(found)
    if not (drawn or scores):
        return None
    right = kept[RIGHT] == 1
    return Measured(
        run=run,
        ids=kept.ids,
        label=kept.label,
        right=right,
        confidence=kept["confidence"] if "confidence" in kept else np.zeros(right.shape, np.float32),
        conditions=kept.present,
        left_out=int(np.count_nonzero(~whole)),
        failed=len({failure.sample for failure in table.failures}),
        scores=scores,
        drawn=drawn,
        baseline=baseline,
    )


def images_of(table: ImageTable, run: Run) -> tuple[NDArray[np.bool_], bool]:
    """Which images a run is compared on, ``(N,)``, and whether each image has some random cells alone."""
    whole = np.asarray(table.evaluated.all(axis=1))
    drawn = card_of(run).draws_cells and not _was_whole(table) and is_drawn(table, run.seed)
    return np.ones(len(table), bool) if drawn else whole, drawn


def _of(table: ImageTable, chosen: NDArray[np.bool_]) -> ImageTable:
    return replace(
        table,
        ids=table.ids[chosen],
        label=table.label[chosen],
        columns={name: column[chosen] for name, column in table.columns.items()},
    )


def _was_whole(table: ImageTable) -> bool:
    """Whether every image has every condition but those under which it failed."""
    there = table.evaluated.copy()
    rows = table.rows_of(np.array([failure.sample for failure in table.failures], object))
    for row, failure in zip(rows.tolist(), table.failures, strict=True):
        if row >= 0:
            there[row, np.isin(table.cells, failure.conditions)] = True
    return bool(there.all())
