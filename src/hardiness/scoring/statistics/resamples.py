"""The same draws of images for every model and every benchmark of one data set, so that differences are paired."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, rng
from hardiness.scoring.intervals import RESAMPLES, exact_grid

_BLOCK = 100


class Resamples:
    """How often each image is drawn in each of 1,000 resamples; a function of the seed and the set of images alone.

    Args:
        ids: ``(N,)`` names of the images, sorted, each once.
        seed: another seed draws others.

    Raises:
        ArgumentError: there is no image, or the names are not sorted, or one comes twice.

    Source: Efron & Tibshirani (1993), the multinomial bootstrap. A byte is kept for each image and resample.
    """

    def __init__(self, ids: NDArray[Any], seed: int = 0) -> None:
        if not len(ids):
            raise ArgumentError("resampling needs at least one image, had none")
        if not bool(np.all(ids[:-1] < ids[1:])):
            raise ArgumentError("resampling needs image ids that are sorted and each there once; sort the table by id")
        self.ids, self.n = ids, len(ids)
        self.key = hashlib.blake2b("\x1f".join(ids.tolist()).encode(), digest_size=16).hexdigest()
        self._generator = rng(seed, "resamples", self.key)
        self._counts: list[NDArray[np.uint8]] = []

    def counts(self) -> Iterator[NDArray[np.uint8]]:
        """Blocks of ``uint8 (B, N)``: how often each image is in each resample; drawn once, then kept."""
        n = self.n
        for place in range(RESAMPLES // _BLOCK):
            if place == len(self._counts):
                draws = [np.bincount(self._generator.integers(0, n, n), minlength=n) for _ in range(_BLOCK)]
                self._counts.append(np.minimum(np.stack(draws), 255).astype(np.uint8))
            yield self._counts[place]

    def means(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """Column means, ``float64 (1 + R, M)``: of all images, then of each resample.

        Equal columns have equal means to the last bit, whatever stands beside them and whichever processor adds.

        Args:
            values: ``(N, M)``; NaN where an image has no value, which then counts nowhere. A mean of no value is NaN.
        """
        present = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
        grid, scale = exact_grid(np.where(present, values, 0), self.n)
        held = None if present.all() else present.astype(np.float32)
        whole = np.ones((1, self.n), np.uint8)
        sums, counts = [], []
        for block in (whole, *self.counts()):
            sums.append((block.astype(grid.dtype) @ grid) / scale)
            counts.append(block.astype(np.float32) @ held if held is not None else np.full(sums[-1].shape, self.n))
        total, found = np.concatenate(counts), np.concatenate(sums)
        return np.where(total > 0, found / np.maximum(total, 1), np.nan)

    def of_images(
        self, statistic: Callable[[NDArray[np.int64]], float], order: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """A statistic of images, ``float64 (1 + R,)``: of all, then of each resample.

        Args:
            statistic: takes ``int64 (N,)`` places of images, with repeats, in the order of ``order``.
            order: ``(N,)`` every place once.
        """
        drawn = (statistic(np.repeat(order, row[order])) for block in self.counts() for row in block)
        return np.array([statistic(order), *drawn])
