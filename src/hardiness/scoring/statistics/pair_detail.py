"""Two models on the same images in detail: agreement of errors, cells, parts of their difference, telling images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.scoring.calibration import BIN_SIZE
from hardiness.scoring.kappa import Consistency, error_consistency
from hardiness.scoring.statistics.comparison import CellDifference, by_cell
from hardiness.scoring.statistics.decomposition import DifferencePart, by_calibration, by_cells, by_class
from hardiness.scoring.statistics.disagreements import Disagreement, disagreements
from hardiness.scoring.statistics.measurable import Places
from hardiness.scoring.statistics.measured import Measured
from hardiness.scoring.statistics.resamples import Resamples

SHOWN_IMAGES = 10


@dataclass(frozen=True)
class PairDetail:
    """Two models on the same images, in detail.

    Attributes:
        first, second: which.
        kappa: how far they err on the same images, over all conditions; ``None`` where nothing is right or wrong.
        cells: errors by condition.
        parts: of the difference of mean errors, by ``corruption``, ``severity`` and ``class``; of the difference of the
            Brier scores of the confidence, by ``calibration``, where there is one condition.
        images: where they differ, most telling first.
    """

    first: str
    second: str
    kappa: Consistency | None
    cells: tuple[CellDifference, ...]
    parts: Mapping[str, Sequence[DifferencePart]]
    images: tuple[Disagreement, ...]


@dataclass(frozen=True)
class Side:
    """One of the two: its name, its run, and where the shared images stand among its own."""

    name: str
    run: Measured
    places: Places

    def right(self, columns: Sequence[int]) -> NDArray[np.bool_]:
        """``(N, M)`` whether each answer to the shared images is right."""
        return np.asarray(self.run.right[self.places][:, columns])

    def confidence(self, columns: Sequence[int]) -> NDArray[np.floating]:
        """``(N, M)`` of each answer to them."""
        return np.asarray(self.run.confidence[self.places][:, columns])


def pair_detail(first: Side, second: Side, resamples: Resamples) -> PairDetail:
    """The detail of two models on the images of ``resamples``."""
    both = [condition for condition in first.run.conditions if condition in second.run.conditions]
    if not both:
        return PairDetail(first.name, second.name, None, (), {}, ())
    columns = [[side.run.conditions.index(condition) for condition in both] for side in (first, second)]
    right = [side.right(at) for side, at in zip((first, second), columns, strict=True)]
    sure = [side.confidence(at) for side, at in zip((first, second), columns, strict=True)]
    corrupted = [k for k, condition in enumerate(both) if "corruption" in condition]
    counted = corrupted or list(range(len(both)))
    wrong = [~side[:, counted] for side in right]
    parts: dict[str, Sequence[DifferencePart]] = {}
    if corrupted:
        weights = np.full(len(corrupted), 1 / len(corrupted))
        for key in ("corruption", "severity"):
            groups = [both[k].get(key, "") for k in corrupted]
            parts[key] = by_cells(wrong[0], wrong[1], weights, groups, resamples)
    apart = wrong[0].mean(axis=1) - wrong[1].mean(axis=1)
    parts["class"] = by_class(apart, first.run.label[first.places], namer=first.run.class_namer)
    if len(both) == 1 and len(apart) >= BIN_SIZE and all(side.any() for side in sure):
        parts["calibration"] = by_calibration(
            (sure[0][:, 0], right[0][:, 0]), (sure[1][:, 0], right[1][:, 0]), resamples
        )
    return PairDetail(
        first.name,
        second.name,
        error_consistency(right[0], right[1]),
        tuple(by_cell(right[0], right[1], both)),
        parts,
        tuple(disagreements(resamples.ids, right[0], right[1], (sure[0], sure[1]))[:SHOWN_IMAGES]),
    )
