"""``shift-consistency``: whether two crops of a photograph, some pixels apart, get the same answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, final

import numpy as np

from hardiness import imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.cell_calibration import calibration_of_cells
from hardiness.benchmarks.losses import nll_column
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.shares import CONDITION_METRICS, TOP1, answered
from hardiness.benchmarks.small_sets import OfAnySize
from hardiness.core.benchmark import Expansion, Item, Selection
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.random import rng
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.statistics.cells import CellMeans, cell_means, equal_weights
from hardiness.statistics.measures import Measurable, mean_of

CONSISTENCY = Metric(
    "consistency", explanation="how often two crops of one photograph get the same answer, right or wrong."
)

PASSES = 5

CROPS = ("first", "second")

WHOLE = Canvas(resize_px=256, crop_px=256, interpolation="bilinear")

OFFSETS = WHOLE.crop_px - CANVAS_224.crop_px

SHIFTS_PX = -3, 3
"""Shifts of small pictures in each direction: from the first to below the second."""


@register("shift_consistency")
@final
class ShiftConsistencyCard(Card):
    """Consistency over all passes and of each, and top-1 of all crops; intervals are over photographs.

    Source: Zhang (2019), arXiv:1904.11486.
    """

    group: ClassVar[str] = "distortions"
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit")
    stops_on: ClassVar[str] = "consistency"
    metrics: ClassVar[tuple[Metric, ...]] = (CONSISTENCY, TOP1, *CONDITION_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("shift", "crop", "protocol")

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence and the label's likelihood, crop by crop."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **nll_column(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """A pass counts for the photographs whose two crops were both evaluated; calibration is of all crops."""
        shifts, same = _same(table, run)
        is_evaluated = ~np.isnan(same)
        if not is_evaluated.any():
            return [CONSISTENCY.score(None, 0, lack=Fact(Lack.UNPAIRED, {"what": "photograph"}))]
        means = cell_means(_pairs(table, same, shifts), same[:, is_evaluated.any(axis=0)])
        right = cell_means(table, table.equals(RIGHT))
        return [
            _score(means, CONSISTENCY, means.cells),
            _score(right, TOP1, right.cells),
            *calibration_of_cells(table),
            *(_score(means, CONSISTENCY, (cell,), cell) for cell in means.cells),
        ]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Consistency over the passes, and top-1 of all crops."""
        _, same = _same(table, run)
        is_evaluated = np.asarray(~np.isnan(same).all(axis=0))
        return (
            [mean_of(CONSISTENCY, same, is_evaluated), mean_of(TOP1, table.equals(RIGHT))] if is_evaluated.any() else []
        )


def _same(table: ImageTable, run: Run) -> tuple[list[int], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """The passes, and whether both crops of each got one answer, ``(N, passes)``; NaN where one was not evaluated."""
    shifts = list(dict.fromkeys(condition["shift"] for condition in run.conditions))
    same = np.full((len(table), len(shifts)), np.nan)
    for index, shift in enumerate(shifts):
        crops = [k for k, condition in enumerate(table.present) if condition["shift"] == shift]
        if len(crops) == 2:
            both = table.evaluated[:, crops].all(axis=1)
            first, second = table["answer"][:, crops].T
            same[:, index] = np.where(both, first == second, np.nan)
    return shifts, same


def _pairs(table: ImageTable, same: np.ndarray[tuple[int, int], np.dtype[np.float64]], shifts: list[int]) -> ImageTable:
    """A table whose cells are the passes, and whose right answers are the equal ones."""
    used = np.flatnonzero((~np.isnan(same)).any(axis=0))
    right = np.nan_to_num(same[:, used], nan=-1.0).astype(np.int8)
    conditions = tuple(Condition(shift=shift) for shift in shifts)
    return replace(table, conditions=conditions, cells=used.astype(np.int16), columns={RIGHT: right}, failures=())


def _score(means: CellMeans, metric: Metric, cells: tuple[Condition, ...], condition: Condition | None = None) -> Score:
    n = max(int(means.n[means.cells.index(cell)]) for cell in cells)
    return replace(means.score(metric, equal_weights(cells), condition), n=n)


@registry.add("shift-consistency")
@final
@dataclass(frozen=True)
class ShiftConsistency(OfAnySize):
    """How often two crops of one photograph get the same answer, right or wrong.

    Shorter side 256, centre crop 256, then two crops of 224 at offsets from 0 to 31 in each direction; five passes.

    Small pictures keep their size: both are shifted by -3 to 2 px in each direction, and what leaves them at one side
    enters at the other.

    Source: Zhang (2019), arXiv:1904.11486, and its published evaluation; for small pictures Chaman & Dokmanic (2021),
        arXiv:2011.14214, and its published evaluation on CIFAR-10.
    Differs: offsets are drawn for each picture, where the published code draws them once for a batch; the expectation
        is the same.
    """

    name: ClassVar[str] = "shift-consistency"
    question: ClassVar[str] = "Does the answer stay the same when the picture moves by a few pixels?"
    paper: ClassVar[str] = "Zhang 2019, arXiv:1904.11486"
    protocol: ClassVar[str] = "zhang2019"
    card: ClassVar[str] = "shift_consistency"

    passes: int = field(default=PASSES, metadata={"help": "pairs of crops a photograph, 1 to 5", "request": True})

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.passes <= PASSES:
            raise ArgumentError(f"shift-consistency:passes must be from 1 to {PASSES}, was {self.passes}")

    def selection(self) -> Selection:
        """Both crops of every pass; those of the passes that are asked for."""
        every = tuple(Condition(shift=shift, crop=crop) for shift in range(1, PASSES + 1) for crop in CROPS)
        return Selection(every, requested=tuple(condition for condition in every if condition["shift"] <= self.passes))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, then a crop, or a shift, for each condition."""
        picture = imaging.decode(item.file.read(), item.file.name)
        whole, side = picture if self.small else imaging.on_canvas(picture, WHOLE), CANVAS_224.crop_px
        limits = SHIFTS_PX if self.small else (0, OFFSETS)
        for condition in conditions:
            offsets = rng(seed, "shift_consistency", condition["shift"], item.id).integers(*limits, (len(CROPS), 2))
            top, left = offsets[CROPS.index(condition["crop"])].tolist()
            shifted = np.roll(whole, (top, left), (0, 1)) if self.small else whole[top : top + side, left : left + side]
            yield Expansion(condition, 0, (np.ascontiguousarray(shifted),))

    decide = staticmethod(decisions.argmax)
