"""Errors under corruptions: their means, and their ratios to a baseline's, as scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.statistics.cells import CellMeans, equal_weights
from hardiness.statistics.clusters import basis_of_share
from hardiness.statistics.measures import corruption_weights, relative_corruption_weights
from hardiness.statistics.spreads.shares import ShareOfImages

MCE = Metric(
    "mce",
    "mCE",
    "ratio",
    higher_is_better=False,
    explanation="the error under 15 corruptions at five severities, for each corruption divided by AlexNet's, then "
    "averaged: below 100 is better than AlexNet.",
)

RELATIVE_MCE = Metric(
    "relative_mce",
    "relative mCE",
    "ratio",
    higher_is_better=False,
    signed=True,
    explanation="mCE after each network's clean error is subtracted from its errors: how much is lost, not how much is "
    "wrong.",
)

CE = Metric(
    "ce", "CE", "ratio", higher_is_better=False, explanation="the error under one corruption, divided by AlexNet's."
)

RELATIVE_CE = Metric(
    "relative_ce",
    "relative CE",
    "ratio",
    higher_is_better=False,
    signed=True,
    explanation="CE after each network's clean error is subtracted from its error.",
)

MEAN_ERROR = Metric(
    "mean_error", higher_is_better=False, explanation="the share of wrong answers, the mean over all corruptions."
)

MEAN_ACCURACY = Metric(
    "mean_accuracy",
    explanation="the share of right answers, the mean over all corruptions, as RobustBench prints it. One less is the "
    "mean error, which papers on CIFAR call mCE, although nothing is divided by a baseline's.",
)

CLEAN_ERROR = Metric(
    "clean_error", higher_is_better=False, explanation="the share of wrong answers to undisturbed photographs."
)

ERROR = Metric("error", higher_is_better=False, explanation="the share of wrong answers.")

BESIDE = Metric(
    "imagenet_c_mean_error",
    "ImageNet-C mean error",
    higher_is_better=False,
    explanation="the same model's mean error on ImageNet-C, for comparison with this set.",
)

ERRORS = (MCE, RELATIVE_MCE, CE, RELATIVE_CE, MEAN_ERROR, MEAN_ACCURACY, BESIDE, CLEAN_ERROR, ERROR)


def _cell(errors: CellMeans, metric: Metric, condition: Condition) -> Score:
    """The error of one cell: a proportion, so with Wilson's interval."""
    column = errors.cells.index(condition)
    n = int(errors.n[column])
    wrong = round(errors.means[column] * n)
    basis = basis_of_share(errors.image_ids, errors.values[:, column])
    return metric.score(wrong / n, n, ShareOfImages(wrong, n), condition, basis=basis)


def ratio_scores(
    errors: CellMeans,
    present: Sequence[Condition],
    names: Sequence[str],
    whole: bool,
    baseline: Baseline | None,
) -> list[Score]:
    """The mCE and the relative mCE with their parts, or why they are undefined."""
    n = len(errors.values)
    if baseline is None or not names:
        lack = Fact(Lack.NO_BASELINE) if baseline is None else Fact(Lack.NONE_RUN, {"what": "the set's corruptions"})
        return [whole_or_partial(metric, whole).score(None, n, lack=lack) for metric in (MCE, RELATIVE_MCE)]

    def weights(members: Sequence[str], relative: bool) -> Mapping[Condition, float]:
        """Weights of the cells of some corruptions in a ratio; none where the baseline has no error to divide by."""
        counted = [k for k, cell in enumerate(errors.cells) if cell.get("corruption") in members]
        values = ratio_weights(errors.cells, counted, baseline, relative)
        pairs = () if values is None else zip(errors.cells, values.tolist(), strict=True)
        return {cell: weight for cell, weight in pairs if weight}

    scores, parts = [], []
    for metric, part, relative in ((MCE, CE, False), (RELATIVE_MCE, RELATIVE_CE, True)):
        is_unknown = relative and Condition() not in errors.cells
        by_name = {name: of_name for name in names if (of_name := weights((name,), relative))}
        if lacking := [name for name in names if name not in by_name]:
            arguments = {"metric": "error", "condition": lacking[0], "beyond_clean": relative}
            lack = Fact(Lack.CLEAN_UNKNOWN) if is_unknown else Fact(Lack.BASELINE_ZERO, arguments)
            scores.append(whole_or_partial(metric, whole).score(None, n, lack=lack))
        else:
            scores.append(errors.score(whole_or_partial(metric, whole), weights(names, relative)))
        parts += [errors.score(part, of, Condition(corruption=name)) for name, of in by_name.items()]
    return scores + parts


def error_scores(
    errors: CellMeans,
    present: Sequence[Condition],
    names: Sequence[str],
    mean_and_groups: tuple[Metric, Mapping[str, tuple[str, ...]]],
) -> list[Score]:
    """Unnormalised errors: over all members that were run, clean, by corruption, group, severity and cell.

    Args:
        errors: of all cells.
        present: the cells but for clean.
        names: members of the set that were run.
        mean_and_groups: the metric of the mean over all, and the groups of the set.
    """
    mean_error, groups = mean_and_groups
    common = [cell for cell in present if cell["corruption"] in names]

    def mean(cells: Sequence[Condition], condition: Condition) -> Score:
        return errors.score(ERROR, equal_weights(cells), condition)

    scores = []
    if common:
        scores.append(errors.score(mean_error, equal_weights(common)))
    if Condition() in errors.cells:
        scores.append(_cell(errors, CLEAN_ERROR, Condition()))
    scores.extend(
        mean([cell for cell in present if cell["corruption"] == name], Condition(corruption=name))
        for name in dict.fromkeys(cell["corruption"] for cell in present)
    )
    for group, members in groups.items():
        if cells := [cell for cell in common if cell["corruption"] in members]:
            scores.append(mean(cells, Condition(group=group)))
    for severity in sorted({cell["severity"] for cell in common}):
        cells = [cell for cell in common if cell["severity"] == severity]
        scores.append(mean(cells, Condition(severity=severity)))
    return scores + [_cell(errors, ERROR, cell) for cell in present]


def error_scores_of_cells(errors: CellMeans) -> list[Score]:
    """The error of each cell by itself."""
    return [_cell(errors, ERROR, cell) for cell in errors.cells]


def whole_or_partial(metric: Metric, whole: bool) -> Metric:
    """The metric, or that of a part."""
    return metric if whole else metric.partial


def ratio_weights(
    present: Sequence[Condition], members: Sequence[int], baseline: Baseline | None, relative: bool
) -> NDArray[np.float64] | None:
    """The weight of each cell's error in the mCE or, with the clean error taken off, in the relative mCE, ``(M,)``.

    Scores, what runs are compared by, and what they stop by all take them from here. ``None`` where there is no
    baseline or it has no error to divide by, and where clean pictures are needed and were not run.

    Args:
        present: the cells.
        members: places of those that count; the others weigh nothing, but for clean pictures.
        baseline: whose errors are divided by.
        relative: whether the clean error is taken off.
    """
    if not baseline or (relative and Condition() not in present):
        return None
    names, levels = ([present[k][key] for k in members] for key in ("corruption", "severity"))
    weights, errors, places = np.zeros(len(present)), baseline["error_by_severity"], list(members)
    try:
        if relative:
            places.append(present.index(Condition()))
            weights[places] = relative_corruption_weights(names, levels, baseline["clean_error"], errors)
        else:
            weights[places] = corruption_weights(names, levels, errors)
    except ArgumentError:
        return None
    return weights
