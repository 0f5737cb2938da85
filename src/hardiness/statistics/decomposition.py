"""Where the difference of two models comes from: its parts, and the images that tell most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import (
    ClusterDifferences,
    Difference,
    Moments,
    cell_differences,
    difference,
    mean_difference,
)
from hardiness.statistics.confidence import BIN_SIZE
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.measures import calibration_pull
from hardiness.statistics.multiplicity import benjamini_hochberg

FEWEST_OF_CLASS = 10
"""Images of a class below which nothing is said of it."""

Answers = tuple[NDArray[np.floating], NDArray[np.bool_]]
"""Confidence in each answer, and whether it is right, ``(N,)`` each."""


def class_parts(
    labels: NDArray[np.integer], namer: Callable[[int], str] = str
) -> tuple[NDArray[np.int64], list[str], int]:
    """The parts of images by class: each class that says something, in the order of the labels, then all others.

    Args:
        labels: ``(N,)`` class of each image.
        namer: the name of a class by its index.

    Returns:
        ``(N,)`` the part of each image; the parts' names, none where every class has fewer than ten images; how many
        classes the last part holds together, each of fewer than ten images, 0 where there is no such part.
    """
    names, place, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    large = sizes >= FEWEST_OF_CLASS
    large_classes, small = np.flatnonzero(large), int(np.count_nonzero(~large))
    places = np.full(len(names), len(large_classes))  # small classes share one place behind all others
    places[large_classes] = np.arange(len(large_classes))
    large_names = [namer(int(label)) for label in names[large_classes].tolist()]
    if not large_names:
        return places[place], [], 0
    rest = [f"{small:,} class{'es' if small > 1 else ''} of fewer than {FEWEST_OF_CLASS} images"] if small else []
    return places[place], large_names + rest, small


@dataclass(frozen=True, slots=True)
class DifferencePart:
    """One part of a difference.

    Attributes:
        name: the corruption, severity, class, kind of error, or the condition.
        difference: what this part adds, with the interval that it has alone.
        adjusted: its p-value after Benjamini & Hochberg over all parts; ``None`` where it has none.
    """

    name: str | Condition
    difference: Difference
    adjusted: float | None


def by_cell(
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    conditions: Sequence[Condition],
    codes: NDArray[np.int64] | None = None,
) -> list[DifferencePart]:
    """The difference of two models' errors under each condition.

    Args:
        first, second: ``(N, M)`` whether each answer of the two models is right.
        conditions: of the M cells.
        codes: ``(N,)``, the cluster of each image; ``None`` where each stands alone.
    """
    return _adjust_parts(list(zip(conditions, cell_differences(first, second, codes), strict=True)))


def by_cells(
    first: NDArray[np.generic],
    second: NDArray[np.generic],
    weights: NDArray[np.float64],
    groups: Sequence[object],
    codes: NDArray[np.int64] | None = None,
) -> list[DifferencePart]:
    """The parts of a weighted difference of errors by group of cells, in the order in which groups first come.

    The parts add up to the difference.

    Args:
        first, second: ``(N, M)`` errors of two models on the same images and cells.
        weights: ``(M,)`` of each cell in the whole, e.g. `corruption_weights` for the mCE, 1/M for the mean error.
        groups: the group of each cell, e.g. its corruption, or its severity.
        codes: ``(N,)``, the cluster of each image; ``None`` where each stands alone.

    Raises:
        ArgumentError: the shapes differ.
    """
    if first.shape != second.shape or first.shape[1:] != weights.shape or len(groups) != len(weights):
        raise ArgumentError(
            f"a decomposition needs equal tables, had {first.shape}, {second.shape} and {len(weights)} weights"
        )
    differences, parts = first.astype(np.float64) - second.astype(np.float64), []
    for group in dict.fromkeys(groups):
        in_group = np.array([name == group for name in groups])
        span = float(np.abs(weights[in_group]).sum())
        parts.append((str(group), mean_difference(differences[:, in_group] @ weights[in_group], span, codes)))
    return _adjust_parts(parts)


def by_class(
    differences: NDArray[np.float64],
    labels: NDArray[np.integer],
    span: float = 1.0,
    namer: Callable[[int], str] = str,
    codes: NDArray[np.int64] | None = None,
) -> list[DifferencePart]:
    """The parts of a mean difference by class, the largest first; none where every class has fewer than ten images.

    A class adds the sum of its images' differences, over all images; the parts add up to the whole, and classes of
    fewer than ten images are one part together, the last. The order says where to look, the adjusted p what to believe.

    Args:
        differences: ``(N,)`` of each image, e.g. its error under one model minus that under the other.
        labels: ``(N,)`` class of each image.
        span: the most that an image can put them apart.
        namer: the name of a class by its index.
        codes: ``(N,)``, the cluster of each image; ``None`` where each stands alone.
    """
    group, names, small = class_parts(labels, namer)
    parts = _test_classes(differences, group, len(names), span, codes)
    order = sorted(range(len(names)), key=lambda k: (small and k == len(names) - 1, -abs(parts[k].value), k))
    return _adjust_parts([(names[k], parts[k]) for k in order])


def _test_classes(
    differences: NDArray[np.float64],
    group: NDArray[np.int64],
    groups: int,
    span: float,
    codes: NDArray[np.int64] | None,
) -> list[Difference]:
    """The part of each group of images in a mean difference; arguments as for `by_class`, ``group`` of each image."""
    if not groups:
        return []
    apart = np.flatnonzero(differences)
    in_order = apart[np.argsort(group[apart], kind="stable")]
    places_of = np.split(in_order, np.cumsum(np.bincount(group[apart], minlength=groups))[:-1])
    if codes is not None:
        _, places = np.unique(codes, return_inverse=True)
        sizes = np.bincount(places)
        of_groups = ((np.bincount(places[at], differences[at], len(sizes)), differences[at]) for at in places_of)
        return [
            ClusterDifferences(sums.astype(np.float64, copy=False), sizes, float(own @ own)).test(span)
            for sums, own in of_groups
        ]
    powers = (
        np.maximum(differences, 0),
        np.maximum(-differences, 0),
        differences**2,
        differences**3,
        differences**4,
    )
    sums = zip(*(np.bincount(group, power, groups).tolist() for power in powers), strict=True)
    return [
        Moments(len(differences), ahead, behind, squares, cubes, fourths, differences[places]).test(span)
        for (ahead, behind, squares, cubes, fourths), places in zip(sums, places_of, strict=True)
    ]


def by_calibration(first: Answers, second: Answers, codes: NDArray[np.int64] | None = None) -> list[DifferencePart]:
    """The parts of the difference of two Brier scores: by calibration, and by refinement; see `brier`.

    Args:
        first, second: answers of two models to the same images.
        codes: ``(N,)``, the cluster of each image; ``None`` where each stands alone.

    Raises:
        ArgumentError: there are fewer than 100 images.
    """
    ids, sides = np.arange(len(first[0])), []
    clusters = None if codes is None else Clusters(ids, codes)
    for confidence, right in (first, second):
        calibration = Estimate(brier(confidence, right).calibration, ids, calibration_pull(confidence, right))
        sides.append((calibration, mean(ids, (confidence.astype(np.float64) - right) ** 2) - calibration))
    parts = zip(("calibration", "refinement"), *sides, strict=True)
    return _adjust_parts([(name, difference(one, other, clusters=clusters)) for name, one, other in parts])


@dataclass(frozen=True, slots=True)
class Brier:
    """The mean squared distance of confidence from right or wrong, and its two parts.

    Attributes:
        score: mean of (confidence - right)^2.
        calibration: what confidences that are off, bin by bin, cost.
        refinement: what is left: that right and wrong are not told apart.
    """

    score: float
    calibration: float
    refinement: float


def brier(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> Brier:
    """The Brier score of the confidence in the answer, split in calibration and refinement.

    Bins are those of the RMS calibration error: 100 images of neighbouring confidence, the rest in the last.

    Args:
        confidence: ``(N,)`` in [0, 1].
        right: ``(N,)``.

    Raises:
        ArgumentError: there are fewer than 100 images.

    Source: Murphy (1973), doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; DeGroot & Fienberg (1983).
    """
    n = len(confidence)
    if n < BIN_SIZE:
        raise ArgumentError(f"a split by calibration needs {BIN_SIZE} images, had {n}")
    order = np.argsort(confidence, kind="stable")
    sure, hit = confidence[order].astype(np.float64), right[order].astype(np.float64)
    starts = np.arange(0, n // BIN_SIZE * BIN_SIZE, BIN_SIZE)
    sizes = np.diff(np.append(starts, n))
    gap = np.add.reduceat(sure - hit, starts) / sizes
    score, off = float(np.mean((sure - hit) ** 2)), float(np.sum(sizes / n * gap**2))
    return Brier(score, off, score - off)


def _adjust_parts(parts: Sequence[tuple[str | Condition, Difference]]) -> list[DifferencePart]:
    p = np.array([np.nan if difference.p is None else difference.p for _, difference in parts])
    adjusted = benjamini_hochberg(p)
    return [
        DifferencePart(name, difference, None if np.isnan(value) else float(value))
        for (name, difference), value in zip(parts, adjusted, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image that one model answers better than the other.

    Attributes:
        image: its id.
        ahead: by how much the first model's score on this image is above the second's, in [-1, 1].
        cells: under how many conditions one of the two alone is right.
        sureness: how sure the one that is wrong was, and the one that is right, together, in [0, 2]; 0 if not known.
    """

    image: str
    ahead: float
    cells: int
    sureness: float


def disagreements(
    ids: NDArray[Any],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    confidences: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> list[Disagreement]:
    """The images that one of two models answers better, most telling first.

    First by how far they are apart over all conditions, then by how sure both were where they are: a picture that one
    gets confidently right and the other confidently wrong says more than a toss-up. Ties are in the order of ids.

    Args:
        ids: ``(N,)``.
        first, second: ``(N,)`` or ``(N, M)`` whether each answer is right.
        confidences: of either model, in the shape of ``first``.

    Raises:
        ArgumentError: the shapes differ.
    """
    if first.shape != second.shape or len(ids) != len(first):
        raise ArgumentError(f"two models to compare must have equal tables, had {first.shape} and {second.shape}")
    a, b = (side.reshape(len(ids), -1).astype(np.int8) for side in (first, second))
    ahead, is_unlike = (a - b) @ np.full(a.shape[1], 1 / a.shape[1]), a != b
    sureness = np.zeros(len(ids))
    if confidences is not None:
        both = sum(side.reshape(a.shape).astype(np.float64) for side in confidences)
        sureness = np.where(is_unlike, both, 0).sum(axis=1) / np.maximum(is_unlike.sum(axis=1), 1)
    order = np.lexsort((np.arange(len(ids)), -np.round(sureness, 6), -np.round(np.abs(ahead), 9)))
    return [
        Disagreement(str(ids[i]), float(ahead[i]), int(is_unlike[i].sum()), float(sureness[i]))
        for i in order
        if is_unlike[i].any()
    ]
