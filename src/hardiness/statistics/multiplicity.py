"""P-values and levels of many tests at once, adjusted so that few verdicts are false."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that, of those below a level, at most that share are expected to be false.

    Args:
        p: ``(M,)``; NaN where there was no test, which then counts nowhere.

    Source: Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x, for independent tests; Benjamini &
        Yekutieli (2001), doi:10.1214/aos/1013699998, for such as depend positively on each other (by regression).
        Two-sided tests on the same images are near to that, and not proven to be so.
    """
    values, order = _rank_tested(p)
    scaled = values[order] * len(order) / np.arange(1, len(order) + 1)
    return _place_back(values, order, np.minimum.accumulate(scaled[::-1])[::-1])


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that the chance of a single false one below a level is at most that level.

    Args:
        p: ``(M,)``; NaN where there was no test, which then counts nowhere.

    Source: Holm (1979), https://www.jstor.org/stable/4615733; it holds whatever the tests have to do with each other.
    """
    values, order = _rank_tested(p)
    return _place_back(values, order, np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)))


def _rank_tested(p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values, and the places of those that were tested, smallest first."""
    values = np.asarray(p, np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    return values, tested[np.argsort(values[tested], kind="stable")]


def _place_back(
    values: NDArray[np.float64], order: NDArray[np.int64], adjusted: NDArray[np.float64]
) -> NDArray[np.float64]:
    placed = np.full(values.shape, np.nan)
    placed[order] = np.minimum(adjusted, 1.0)
    return placed


def holm_levels(p: ArrayLike, level: float = 0.05) -> NDArray[np.float64]:
    """The level at which Holm's procedure tests each of several hypotheses, ``(M,)``; NaN where there was no test.

    A p-value lies below its own level exactly where `holm` brings it below ``level``: an interval of that level leaves
    out the hypothesis exactly where the procedure does.
    """
    values, order = _rank_tested(p)
    refused = int(np.count_nonzero(holm(p) < level))
    levels = np.full(values.shape, np.nan)
    levels[order] = level / (len(order) - np.minimum(np.arange(len(order)), refused))
    return levels
