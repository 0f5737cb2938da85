"""Sampling from one of 256 discrete distributions per value, at one random word and two table reads each."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled

Float64 = NDArray[np.float64]


class AliasTables(NamedTuple):
    """Walker's alias tables, one row per value of a pixel.

    Attributes:
        limits: ``uint32 (256, columns)``, below which the low bits of a word keep the column's own outcome.
        others: ``uint8 (256, columns)``, the outcome otherwise, as a column.
        outcomes: ``uint8 (columns,)``, the value that each column stands for.
        shift: how far a word is shifted right to give the column; ``columns`` is ``2 ** (32 - shift)``.
    """

    limits: NDArray[np.uint32]
    others: NDArray[np.uint8]
    outcomes: NDArray[np.uint8]
    shift: int


def alias_tables(probabilities: Float64, outcomes: NDArray[np.uint8]) -> AliasTables:
    """Tables for 256 distributions over the same outcomes.

    Args:
        probabilities: ``float64 (256, n)``, rows of sum 1; ``n`` is at most 256.
        outcomes: ``uint8 (n,)``.

    Source: Walker 1977; the construction in linear time is Vose's, 1991.
    """
    count = probabilities.shape[1]
    bits = max(1, math.ceil(math.log2(count)))
    columns = 1 << bits
    padded = np.zeros((256, columns))
    padded[:, :count] = probabilities
    limits, others = np.empty((256, columns), np.uint32), np.empty((256, columns), np.uint8)
    top = 1 << (32 - bits)
    for value in range(256):
        kept, other = _vose(padded[value] * columns)
        limits[value] = np.minimum(np.rint(kept * top), 2**32 - 1).astype(np.uint32)
        others[value] = other
    values = np.zeros(columns, np.uint8)
    values[:count] = outcomes
    return AliasTables(limits, others, values, 32 - bits)


def _vose(scaled: Float64) -> tuple[Float64, NDArray[np.int64]]:
    """Kept share and other column of each column, from probabilities times their number."""
    kept, other = np.ones(scaled.size), np.arange(scaled.size)
    rest = scaled.tolist()
    small = [i for i, share in enumerate(rest) if share < 1.0]
    large = [i for i, share in enumerate(rest) if share >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        kept[low], other[low] = rest[low], high
        rest[high] -= 1.0 - rest[low]
        if rest[high] < 1.0:
            small.append(large.pop())
    return kept, other


def poisson_tables(rate: float) -> AliasTables:
    """Tables for Poisson counts of mean ``rate * value / 255``, as grey levels ``255 count / rate`` cut at 255.

    Args:
        rate: mean count of a white pixel.
    """
    count = math.ceil(rate) + 1
    means = rate * np.arange(256) / 255.0
    counts = np.arange(count)
    factorials = np.array([math.lgamma(k + 1.0) for k in range(count)])
    probabilities = np.zeros((256, count))
    probabilities[0, 0] = 1.0  # black gives no photons, and has no logarithm
    probabilities[1:] = np.exp(counts * np.log(means[1:, None]) - means[1:, None] - factorials)
    probabilities[:, -1] = np.maximum(0.0, 1.0 - probabilities[:, :-1].sum(axis=1))
    levels = (np.clip(counts / rate, 0.0, 1.0) * 255.0).astype(np.uint8)
    outcomes, first = np.unique(levels, return_index=True)  # above 255 photons, several counts give one grey level
    return alias_tables(np.add.reduceat(probabilities, first, axis=1), outcomes)


@compiled
def sample(
    image: NDArray[np.uint8],
    words: NDArray[np.uint32],
    limits: NDArray[np.uint32],
    others: NDArray[np.uint8],
    outcomes: NDArray[np.uint8],
    shift: int,
) -> NDArray[np.uint8]:
    """Each value of the image replaced by a draw from its own distribution.

    Args:
        image: ``uint8``, any shape.
        words: ``uint32`` of the same shape, uniform over all 32 bits.
        limits, others, outcomes, shift: of `AliasTables`.
    """
    values, draws = image.ravel(), words.ravel()
    out = np.empty_like(image)
    flat = out.ravel()
    bits = np.uint32(shift)
    low = np.uint32((1 << shift) - 1)
    for i in range(values.size):
        value, word = np.uint64(values[i]), draws[i]
        column = np.uint64(word >> bits)
        other = np.uint64(others[value, column])  # read either way: a choice of two values needs no branch
        flat[i] = outcomes[column if (word & low) < limits[value, column] else other]
    return out
