"""Many tests at once: which of them still tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that, of those below a level, at most that share are expected to be false.

    Args:
        p: ``(M,)``; NaN where there was no test, which then counts nowhere.

    Source: Benjamini & Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x. It holds for tests on the same images
        too, which go up and down together: Benjamini & Yekutieli (2001), doi:10.1214/aos/1013699998.
    """
    values, order = _ranked(p)
    scaled = values[order] * len(order) / np.arange(1, len(order) + 1)
    return _placed(values, order, np.minimum.accumulate(scaled[::-1])[::-1])


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that the chance of a single false one below a level is at most that level.

    Args:
        p: ``(M,)``; NaN where there was no test, which then counts nowhere.

    Source: Holm (1979), https://www.jstor.org/stable/4615733; it holds whatever the tests have to do with each other.
    """
    values, order = _ranked(p)
    return _placed(values, order, np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)))


def _ranked(p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values, and the places of those that were tested, smallest first."""
    values = np.asarray(p, np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    return values, tested[np.argsort(values[tested], kind="stable")]


def _placed(
    values: NDArray[np.float64], order: NDArray[np.int64], adjusted: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = np.full(values.shape, np.nan)
    found[order] = np.minimum(adjusted, 1.0)
    return found
