"""Runs of which each image has some random cells: compared on the cells of each image that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, ImageTable
from hardiness.scoring.card import card_of, published_baseline
from hardiness.scoring.statistics.comparison import shared_images
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measured import Measured
from hardiness.scoring.statistics.measures import OfMeans, weighted
from hardiness.scoring.stopping.cells import FEWEST_PER_CELL
from hardiness.scoring.stopping.weighted_sum import WeightedSum


def in_shared_cells(runs: Mapping[str, Measured]) -> dict[str, Measured]:
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
    there = np.ones((len(ids), len(cells)), bool)
    for table in tables.values():
        there &= table.evaluated[table.rows_of(ids)][:, [table.present.index(cell) for cell in cells]]
    if there.any():
        tables = {name: _only(table, ids, there, cells) for name, table in tables.items()}
    return {name: _measured_again(runs[name], table) for name, table in tables.items()}


def _only(
    table: ImageTable, ids: NDArray[np.object_], there: NDArray[np.bool_], cells: Sequence[Condition]
) -> ImageTable:
    """The table of some images and, of each, of those cells that are there, ``(len(ids), len(cells))``."""
    index = np.array([table.conditions.index(cell) for cell in cells], int)
    return table.only({image: index[row].tolist() for image, row in zip(ids.tolist(), there, strict=True)})


def _measured_again(run: Measured, table: ImageTable) -> Measured:
    sums = card_of(run.run).sums(table, run.run, run.baseline or published_baseline(run.run))
    scores = tuple(map(_measurable, sums))
    return replace(run, ids=table.ids, label=table.label, left_out=0, scores=scores)


def _measurable(of: WeightedSum) -> Measurable:
    weights = of.weights[of.weights != 0]

    def on(at: NDArray[np.int64]) -> OfMeans:
        values = of.weighty[at]
        fewest = int(np.count_nonzero(~np.isnan(values), axis=0).min())
        few = f"a cell has {fewest} shared images, and {FEWEST_PER_CELL} are needed"
        return replace(
            weighted(values, weights),
            undefined="a cell has no shared image" if not fewest else "",
            thin=few if fewest < FEWEST_PER_CELL else "",
        )

    return Measurable(of.metric, of.condition, of.higher_is_better, on)
