"""Stored runs by image: what they can be compared by, on which images and cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline, Card, card_of, cards, published_baseline
from hardiness.benchmarks.chat_answers import chat_outputs
from hardiness.core.columns import NO_COLUMNS, Columns
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.metrics.picture_scores import SCORE
from hardiness.results.metric_scores import columns_of_metrics, has_compared_metrics, with_rows_of_metrics
from hardiness.results.runs import ScoredRun
from hardiness.results.stored_baseline import StoredBaseline
from hardiness.statistics.cells import is_drawn
from hardiness.statistics.comparison import shared_images
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.measures import ImageScore, Measurable


@dataclass(frozen=True)
class RunByImage:
    """A run by image: its answers, and its scores as functions of images.

    Attributes:
        run: what it is of.
        ids: ``(N,)`` of the images that have every condition that any has, sorted.
        label: ``(N,)`` class of each.
        scores: what it can be compared by.
        parts: scores of parts, by which a rule may hold two runs against each other, and no table does.
        right: ``(N, M)`` whether each answer is right.
        confidence: ``(N, M)`` of each answer; 0 where it was not kept.
        score: ``(N, M)`` of each picture in place of an answer; ``None`` of a run with answers.
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
    parts: tuple[Measurable, ...] = ()
    key: str = ""
    drawn: bool = False
    table: Callable[[], ImageTable] | None = None
    baseline: Baseline | None = None
    score: NDArray[np.floating] | None = None

    def estimate(self, score: Measurable, ids: NDArray[Any]) -> tuple[Estimate, Fact | None]:
        """A score on some of its images, which are the estimate's ids, and why these are too few for an interval."""
        places = np.searchsorted(self.ids, ids)
        estimate = score.estimate(places)
        # One array for all scores on the same images: equal ids need not be compared then.
        own_ids = ids if estimate.n == len(ids) else self.ids[estimate.ids]
        return replace(estimate, ids=own_ids), score.lacks(places)

    def counterparts(self, score: Measurable) -> list[Measurable]:
        """The run's score of the same name and condition as another run's; none or one."""
        return [each for each in self.scores if (each.metric, each.condition) == (score.metric, score.condition)]

    def title(self, score: Measurable) -> str:
        """A score's name as people write it."""
        return card_of(self.run).title(score.metric, score.condition)

    def unit(self, score: Measurable) -> str:
        """The unit of a score."""
        return card_of(self.run).metric(score.metric).unit

    @property
    def class_namer(self) -> Callable[[int], str]:
        """The name of a class by its index."""
        return card_of(self.run).class_namer(self.run)

    def without_answers(self, ids: NDArray[Any]) -> RunByImage:
        """The run with its scores on some images, and of its answers those of the first condition alone."""
        places = np.searchsorted(self.ids, ids)
        scores = tuple(_fixed_score(each, places) for each in self.scores)
        # Copies: a view would hold on to all of it.
        first, nothing = self.right[:, :1].copy(), np.zeros((0, 0), np.float32)
        return replace(self, right=first, confidence=nothing, scores=scores, parts=(), table=None, score=None)

    def on_table(self, table: ImageTable) -> RunByImage:
        """The run on the images and cells of another table, by the scores that are sums."""
        sums = card_of(self.run).sums(table, self.run, self.baseline or published_baseline(self.run))
        compared = tuple(each for each in sums if each.compared)
        return replace(self, ids=table.ids, label=table.label, left_out=0, scores=compared, parts=())


def measures_of(run: ScoredRun, base: StoredBaseline | None = None) -> RunByImage | None:
    """A run by image, of its image table as it was kept, or made now and kept; ``None`` as in `measured`.

    Args:
        run: which.
        base: what its ratios divide by where that was run on the same pictures, instead of the published baseline.
    """
    stored = run.stored
    table = with_rows_of_metrics(run, run.table)
    divisor, columns = base.of_run(run) if base else None, columns_of_metrics(run)
    by_image = measured(table, stored.run, divisor, columns) if len(table) else None
    return by_image and replace(by_image, key=stored.key, table=lambda: run.table)


def measured(
    table: ImageTable, run: Run, baseline: Baseline | None = None, columns: Columns = NO_COLUMNS
) -> RunByImage | None:
    """A run by image; ``None`` where no image has every condition, or its card names nothing to compare by.

    Ratios are to ``baseline`` where it is given, else to the published one.

    A run of which each image has some random cells alone is there with all of its images.
    """
    whole, drawn = images_of(table, run)
    if not whole.any():
        return None
    # Nothing failed on the images that are kept: of all of them a score is whole, whatever befell the others.
    whole_table = replace(table if whole.all() else _rows_of(table, whole), failures=())
    measurables = () if drawn else _measurables(whole_table, run, baseline, columns)
    outputs = chat_outputs(table) if run.model.is_chat else run.model.outputs
    card = card_of(run)
    available = [s for s in measurables if not card.metric(s.metric).why_unavailable(s.condition, outputs)]
    scores = tuple(score for score in available if score.compared)
    if not (drawn or scores):
        return None
    right = whole_table[RIGHT] == 1
    return RunByImage(
        run=run,
        ids=whole_table.ids,
        label=whole_table.label,
        right=right,
        confidence=whole_table["confidence"] if "confidence" in whole_table else np.zeros(right.shape, np.float32),
        conditions=whole_table.present,
        left_out=int(np.count_nonzero(~whole)),
        failed=len({failure.sample for failure in table.failures}),
        scores=scores,
        parts=tuple(score for score in available if not score.compared),
        drawn=drawn,
        baseline=baseline,
        score=None if run.model.has_answers else whole_table[SCORE],
    )


def _measurables(table: ImageTable, run: Run, baseline: Baseline | None, columns: Columns) -> Sequence[Measurable]:
    """The scores that a run's card gives to compare by; none where a card of somebody else's fails."""
    try:
        card, divisors = card_of(run), baseline or published_baseline(run)
        own = card.measurables(table, run, divisors)
        return [*own, *card.registered_measurables(own, table, run, divisors, columns)]
    except Exception as error:
        if not cards.give_up(run.benchmark.card, error):
            raise
    return ()


def has_measurables(run: ScoredRun) -> bool:
    """Whether its card, or a metric of any run, has scores to compare by, for some images at least."""
    return type(card_of(run.stored.run)).measurables is not Card.measurables or has_compared_metrics(run)


def why_not_measured(run: ScoredRun) -> ArgumentError:
    """The error that `measures_of` gives nothing for a run, whose text follows the benchmark's name."""
    identity = run.stored.run
    if not has_measurables(run):
        return ArgumentError(
            f"its card {identity.benchmark.card!r} gives nothing to compare by: give it 'measurables', its scores as "
            "functions of images, as docs/extend.md shows"
        )
    if not len(run.table) or not images_of(run.table, identity)[0].any():
        return ArgumentError("no image was evaluated under every condition")
    return ArgumentError(f"its card {identity.benchmark.card!r} gives nothing to compare by for these images")


def images_of(table: ImageTable, run: Run) -> tuple[NDArray[np.bool_], bool]:
    """Which images a run is compared on, ``(N,)``, and whether each image has some random cells alone."""
    whole = np.asarray(table.evaluated.all(axis=1))
    drawn = card_of(run).draws_cells and not _was_whole(table) and is_drawn(table, run.seed)
    return np.ones(len(table), bool) if drawn else whole, drawn


def _rows_of(table: ImageTable, chosen: NDArray[np.bool_]) -> ImageTable:
    return replace(
        table,
        ids=table.ids[chosen],
        label=table.label[chosen],
        columns={name: column[chosen] for name, column in table.columns.items()},
    )


def _was_whole(table: ImageTable) -> bool:
    """Whether every image has every condition but those under which it failed."""
    is_accounted = table.evaluated.copy()
    rows = table.rows_of(np.array([failure.sample for failure in table.failures], object))
    for row, failure in zip(rows.tolist(), table.failures, strict=True):
        if row >= 0:
            is_accounted[row, np.isin(table.cells, failure.conditions)] = True
    return bool(is_accounted.all())


def _fixed_score(score: Measurable, places: NDArray[np.int64]) -> ImageScore:
    """A score of these images, without the answers that it was computed from."""
    estimate, lacks = score.estimate(places), score.lacks(places)
    return ImageScore(
        score.metric, score.higher_is_better, lambda _: estimate, lambda _: lacks, score.condition, score.span
    )


def measured_runs(
    runs: Mapping[str, ScoredRun], *, tables: bool, base: StoredBaseline | None = None
) -> dict[str, RunByImage]:
    """The runs by image, without those that have no whole image or no score to compare by.

    Args:
        runs: of one benchmark, by name.
        tables: keep every answer of every run. Without, each run's answers are let go once its scores on the shared
            images are known, so that memory does not grow by a table a model.
        base: as of `measures_of`.
    """
    if tables or len(runs) < 2:
        return {name: by_image for name, run in runs.items() if (by_image := measures_of(run, base))}
    measured: dict[str, RunByImage] = {}
    for name, run in runs.items():
        if by_image := measures_of(run, base):
            if by_image.drawn:  # what is compared depends on the cells of all runs
                return measured_runs(runs, tables=True, base=base)
            ids = next((each.ids for each in measured.values() if np.array_equal(each.ids, by_image.ids)), by_image.ids)
            measured[name] = replace(by_image, ids=ids).without_answers(ids)
        run.release()
    if len(measured) < 2:
        return measured
    shared = shared_images({name: each.ids for name, each in measured.items()})
    if not len(shared):
        return measured_runs(runs, tables=True, base=base)
    for name, each in measured.items():
        if len(each.ids) > len(shared) and (by_image := measures_of(runs[name], base)):
            measured[name] = by_image.without_answers(shared)
            runs[name].release()
    return measured


def in_shared_cells(runs: Mapping[str, RunByImage]) -> dict[str, RunByImage]:
    """The runs on the images, and of each image the cells, that all of them have; as they are where none is shared.

    The order of an image's cells depends on the seed and the image alone, so that two runs of one seed share the cells
    of the one that has fewer.

    Args:
        runs: by name, each with its table.
    """
    tables = {name: run.table() for name, run in runs.items() if run.table is not None}
    ids = shared_images({name: table.ids for name, table in tables.items()}).astype(object)
    first = next(iter(tables.values()))
    cells = [cell for cell in first.present if all(cell in table.present for table in tables.values())]
    has_cell = np.ones((len(ids), len(cells)), bool)
    for table in tables.values():
        has_cell &= table.evaluated[table.rows_of(ids)][:, [table.present.index(cell) for cell in cells]]
    if has_cell.any():
        tables = {name: _only(table, ids, has_cell, cells) for name, table in tables.items()}
    return {name: runs[name].on_table(table) for name, table in tables.items()}


def _only(
    table: ImageTable, ids: NDArray[np.object_], has_cell: NDArray[np.bool_], cells: Sequence[Condition]
) -> ImageTable:
    """The table of some images and, of each, of those cells that are there, ``(len(ids), len(cells))``."""
    index = np.array([table.conditions.index(cell) for cell in cells], int)
    return table.only({image: index[row].tolist() for image, row in zip(ids.tolist(), has_cell, strict=True)})
