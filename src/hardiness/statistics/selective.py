"""Answers that are withheld where the model is least sure: risks, coverages, and conformal sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.core.random import rng
from hardiness.statistics.confidence import ascending
from hardiness.statistics.estimate import Estimate, mean

COVERAGE, RISK, PROMISED = 0.8, 0.05, 0.9
"""Shares at which a risk and a coverage are read off, and how often a conformal set is to hold the label."""

FEWEST_KEPT = 20
"""Images below which a share of kept answers says nothing."""


def selective_prediction(
    ids: NDArray[Any], confidence: NDArray[np.floating], right: NDArray[np.bool_]
) -> Mapping[str, Estimate]:
    """Estimates of how answers fare of which only the k surest are kept, k = 1 … n.

    Args:
        ids: ``(n,)`` names of the images, or their places, sorted.
        confidence: ``(n,)`` of each answer; of equal ones the first are kept first.
        right: ``(n,)`` whether each is right.

    Returns:
        ``aurc``, the mean error among the kept (AURRA is 1 minus it); ``augrc``, the mean share of all that are kept
        and wrong; ``risk_at_80_coverage``, the error among the surest 80 %, left out below twenty images.

    Raises:
        ArgumentError: there is no image.

    Source: Geifman et al. (2019), arXiv:1805.08206, AURC; Traub et al. (2024), arXiv:2407.01032, AUGRC; Geifman &
        El-Yaniv (2017), arXiv:1705.08500, risk at a coverage. The influence on AURC is what leaving the image out
        changes; the others are by the functional delta method.
    """
    n = len(confidence)
    if not n:
        raise ArgumentError("selective prediction needs at least one image, had none")
    order = ascending(-confidence)
    wrong = (~right[order]).astype(np.float64)
    counts = np.arange(1, n + 1)
    errors = np.cumsum(wrong)
    risk = errors / counts
    aurc, augrc = float(risk.mean()), float((errors / n).mean())
    # Without an image the risks before it stay as they are, and each later one is of one answer less.
    weights = 1 / np.maximum(counts - 1, 1)
    later_errors, later_weights = (
        np.append(np.cumsum(terms[:0:-1])[::-1], 0.0) for terms in (errors * weights, weights)
    )
    of_aurc = wrong * later_weights - later_errors - (np.cumsum(risk) - risk)
    of_augrc = errors / n + wrong * (n - counts + 1) / n - 2 * augrc
    curves = {"aurc": (aurc, of_aurc), "augrc": (augrc, of_augrc)}
    if n >= FEWEST_KEPT:
        last = math.ceil(COVERAGE * n)
        is_among_surest = counts <= last
        at_end = _near(wrong, last)
        value = float(risk[last - 1])
        curves["risk_at_80_coverage"] = value, (is_among_surest * (wrong - at_end)) * (n / last) - (value - at_end)
    places = np.empty(n, np.int64)
    places[order] = np.arange(n)
    return {
        name: Estimate(value, ids, (influence - influence.mean())[places])
        for name, (value, influence) in curves.items()
    }


def coverage_at_risk(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """The largest share of answers, the surest first, of which at most 5 % are wrong.

    Args:
        confidence, right: ``(n,)``, at least one.

    Source: Geifman & El-Yaniv (2017), arXiv:1705.08500.
    """
    errors = np.cumsum(~right[ascending(-confidence)])
    places = np.flatnonzero(errors <= RISK * np.arange(1, len(errors) + 1))
    return float(places[-1] + 1) / len(errors) if len(places) else 0.0


def _near(wrong: NDArray[np.float64], last: int) -> float:
    """The error rate of the answers about a place in their order, by a tenth of all of them."""
    half = max(len(wrong) // 20, 5)
    return float(wrong[max(last - half, 0) : last + half].mean())


def calibration_half(ids: NDArray[np.object_]) -> NDArray[np.bool_]:
    """``(n,)`` which images a conformal threshold is taken of: half of them, drawn by seed from the sorted ids."""
    chosen = np.zeros(len(ids), bool)
    chosen[rng(0, "conformal", len(ids)).permutation(len(ids))[: len(ids) // 2]] = True
    return chosen


def conformal_threshold(losses: NDArray[np.floating]) -> float:
    """The loss of the label up to which classes belong to a set that holds it in 90 % of photographs like these.

    Args:
        losses: ``(n,)`` negative log-likelihoods of the labels of the calibration half.

    Source: Vovk et al. (2005); Sadinle et al. (2019), arXiv:1609.00451: classes whose probability is high enough. Of n
        images the ``ceil(0.9 (n + 1))``-th smallest; infinite where n is below 9.
    """
    place = math.ceil(PROMISED * (len(losses) + 1))
    return float(np.sort(losses)[place - 1]) if place <= len(losses) else math.inf


def conformal_coverage(ids: NDArray[np.object_], losses: NDArray[np.floating], threshold: float) -> Estimate:
    """How often the set holds the label: the share of losses, ``(n,)`` or ``(n, m)`` by cell, within the threshold."""
    table = np.asarray(losses, np.float64)
    return mean(ids, np.where(np.isnan(table), np.nan, table <= threshold))
