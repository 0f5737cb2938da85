"""Means by condition over images, each with the same of resampled images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, ImageTable, Interval, Score
from hardiness.scoring.intervals import effective_wilson, resampled_means, student, variance_of, within
from hardiness.scoring.stopping.cells import is_drawn

FEWEST_TELLING = 2
"""Images with an error, and with a right answer, without which nothing is known of how much a sum varies."""


@dataclass(frozen=True)
class CellMeans:
    """Means of one quantity by condition, and the same of each resample; lower is better.

    Attributes:
        cells: the conditions that have a value.
        means: float64 ``(1 + R, M)``: the estimate, then the resamples.
        n: images behind each cell, ``(M,)``.
        values: ``(N, M)`` of which they are the means; NaN where an image was not evaluated.
        top: the largest that a value can be; the smallest is 0.
    """

    cells: tuple[Condition, ...]
    means: NDArray[np.float64]
    n: NDArray[np.int64]
    values: NDArray[np.float64]
    top: float = 1.0

    def of(self, *cells: Condition) -> NDArray[np.float64]:
        """Float64 ``(1 + R, len(cells))``."""
        return self.means[:, [self.cells.index(cell) for cell in cells]]

    def score(
        self,
        metric: str,
        values: NDArray[np.float64],
        unit: str,
        condition: Condition | None,
        made_of: MadeOf,
    ) -> Score:
        """A score from its estimate and resamples, ``(1 + R,)``.

        Args:
            metric, unit, condition: of the score.
            values: the estimate, then the resamples.
            made_of: what it is a weighted mean, or sum, of, so that its interval holds also where few images have an
                error.
        """
        if np.count_nonzero(np.isnan(values[1:])) > len(values) / 2:
            interval, reason = None, "a cell has so few images that most resamples have none of them"
        elif math.isinf(made_of.highest) and self._telling(made_of) < FEWEST_TELLING:
            interval, reason = None, f"it needs {FEWEST_TELLING} images with errors and {FEWEST_TELLING} without"
        else:
            found = self._interval(values, made_of)
            interval, reason = within(found) if unit == "fraction" else found, ""
        return Score(
            metric=metric,
            value=float(values[0]),
            unit=unit,
            n=int(self.n.max()),
            interval=interval,
            higher_is_better=False,
            condition=condition or Condition(),
            interval_reason=reason,
        )

    def _interval(self, values: NDArray[np.float64], made_of: MadeOf) -> Interval:
        """Of a weighted mean, which varies at most as a share of as many images does; else by how much it varies."""
        at = [self.cells.index(cell) for cell in made_of.cells]
        n, highest = int(self.n[at].min()), made_of.highest
        telling = self._telling(made_of)
        if math.isinf(highest):
            return student(float(values[0]), variance_of(values[1:], n), telling)
        share = min(float(values[0]) / highest, 1.0)
        found = effective_wilson(share, variance_of(values[1:], n) / highest**2, telling, n)
        return Interval(found.low * highest, found.high * highest)

    def _telling(self, made_of: MadeOf) -> int:
        """How many images have an error in some cell, or a right answer in some where these are fewer."""
        at = [self.cells.index(cell) for cell in made_of.cells]
        sides = (self.values[:, at] > 0, self.values[:, at] < self.top)
        return min(int(np.any(side, axis=1).sum()) for side in sides)


def interval_of_mean(values: NDArray[np.float64], draws: NDArray[np.float64]) -> Interval:
    """The interval of a mean over cells of values in [0, 1], which holds also where few images differ.

    Args:
        values: ``(N, M)``, NaN where an image was not evaluated; each cell weighs alike.
        draws: the mean of resampled images, ``(R,)``.
    """
    n = int(np.count_nonzero(~np.isnan(values), axis=0).min())
    value = min(max(float(np.nanmean(values, axis=0).mean()), 0.0), 1.0)
    telling = min(int(np.any(side, axis=1).sum()) for side in (values > 0, values < 1))
    return effective_wilson(value, variance_of(draws, n), telling, n)


@dataclass(frozen=True, slots=True)
class MadeOf:
    """The cells that a score is a weighted mean of, and what it would be if each had its largest value; infinite where
    some count against others, so that the score is no mean."""

    cells: Sequence[Condition]
    highest: float = 1.0


def means_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each cell over the images that have a value there, ``(M,)``; NaN means none."""
    return np.asarray(np.nanmean(values, axis=0))


def cell_means(table: ImageTable, values: NDArray[np.float64], purpose: str, top: float = 1.0) -> CellMeans:
    """The mean of ``values`` in each cell, and its resamples.

    Args:
        table: whose cells they are.
        values: float64 ``(N, M)``, NaN where an image was not evaluated.
        purpose: keys the resampling; equal keys and numbers of images resample alike.
        top: the largest that a value can be.
    """
    means = np.vstack([means_of(values), resampled_means(values, purpose)])
    return CellMeans(table.present, means, np.count_nonzero(table.evaluated, axis=0), values, top)


def is_whole(table: ImageTable, needed: set[Condition], seed: int) -> bool:
    """Whether all needed cells were run and none failed, on the same images or each image in random ones of them.

    Args:
        table: of the run.
        needed: the cells.
        seed: of the run, which keys the random order of each image's cells.
    """
    counts = np.count_nonzero(table.evaluated, axis=0).tolist()
    images = {n for cell, n in zip(table.present, counts, strict=True) if cell in needed}
    failed = {table.conditions[index] for failure in table.failures for index in failure.conditions}
    if not needed.issubset(table.present) or failed & needed:
        return False
    return len(images) == 1 or is_drawn(table, seed)
