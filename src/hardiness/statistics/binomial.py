"""The binomial distribution: exact p-values of a share of images, and how many hits as many new images may have."""

from __future__ import annotations

import math


def next_hits(hits: int, n: int, side: int, level: float) -> int:
    """The furthest number of hits of ``n`` new images that is not rarer than ``level``.

    Args:
        hits: of as many images, with the same share behind them.
        side: 1 for the most of the new hits, -1 for the fewest.
        level: how seldom, at most, the new hits are beyond it, whatever the share.

    Source: Thatcher (1964), Journal of the Royal Statistical Society B 26, 176-192: those that Fisher's exact test does
        not tell apart.
    """
    if side > 0:
        return n - next_hits(n - hits, n, -1, level)
    few, many = -1, hits
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _tail_of_two(hits, middle, n) > level else (middle, many)
    return many


def _tail_of_two(hits: int, fewer: int, n: int) -> float:
    """How likely the first of two samples of ``n`` has ``hits`` or more of all that both have, by luck alone."""
    every = hits + fewer
    size = 2 * math.lgamma(n + 1) + math.lgamma(every + 1) + math.lgamma(2 * n - every + 1) - math.lgamma(2 * n + 1)
    for count in (hits, n - hits, fewer, n - fewer):
        size -= math.lgamma(count + 1)
    term = total = math.exp(size)
    for count in range(hits, min(n, every)):
        term *= (n - count) * (every - count) / ((count + 1) * (n - every + count + 1))
        total += term
        if term < 1e-17 * total:
            break
    return total


def binomial_p(hits: float, n: float, limit: float, side: int) -> float:
    """The one-sided p-value of a share of images on the wrong side of a limit, exact for any number of images.

    How likely so many hits, or more, are where the share is the limit; so many or fewer where ``side`` is -1.

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404; the tail as an incomplete beta function, Abramowitz &
        Stegun (1964), 26.5.24.
    """
    from scipy.special import betainc

    if side < 0:
        return binomial_p(n - hits, n, 1 - limit, 1)
    if hits == 0 or limit >= 1:
        return 1.0
    return float(betainc(hits, n - hits + 1, limit)) if limit > 0 else 0.0
