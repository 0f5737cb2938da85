"""Scores of a set of corruptions: corruption errors against a baseline, their means, and errors by cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Score
from hardiness.scoring.card import Baseline
from hardiness.scoring.cells import CellMeans, MadeOf
from hardiness.scoring.intervals import wilson


def corruption_error(
    error: NDArray[np.floating],
    baseline: NDArray[np.floating],
    clean: NDArray[np.floating] | float = 0.0,
    baseline_clean: float = 0.0,
) -> NDArray[np.float64]:
    """The CE of one corruption, ``(…)``: summed error over the baseline's; with clean errors, the relative CE.

    Args:
        error: ``(…, S)`` errors by severity, fractions of 1; means over severities will do, with S = 1.
        baseline: ``(S,)``, the baseline's.
        clean: ``(…, 1)`` or a number, subtracted from ``error``; 0 for the plain CE.
        baseline_clean: subtracted from ``baseline``.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261, section 4.2.
    """
    return np.asarray(np.sum(error - clean, axis=-1) / np.sum(baseline - baseline_clean))


def _cell(errors: CellMeans, metric: str, condition: Condition) -> Score:
    """The error of one cell: a proportion, so with Wilson's interval."""
    column = errors.cells.index(condition)
    n = int(errors.n[column])
    wrong = round(errors.means[0, column] * n)
    return Score(metric, wrong / n, "fraction", n, wilson(wrong, n), higher_is_better=False, condition=condition)


def ratio_scores(
    errors: CellMeans,
    present: Sequence[Condition],
    names: Sequence[str],
    whole: bool,
    baseline: Baseline | None,
) -> list[Score]:
    """The mCE and the relative mCE with their parts, or why they are undefined."""
    suffix = "" if whole else "_partial"
    n = int(errors.n.max())
    if baseline is None or not names:
        no_member = "none of the set's corruptions was run"
        reason = "there is no baseline for these classes" if baseline is None else no_member
        return [_undefined(f"{metric}{suffix}", n, reason) for metric in ("mce", "relative_mce")]
    clean = errors.of(Condition()) if Condition() in errors.cells else None
    ce, relative, made_of = {}, {}, {}
    for name in names:
        cells = [cell for cell in present if cell["corruption"] == name]
        divisor = np.array([baseline["error_by_severity"][name][cell["severity"] - 1] for cell in cells])
        if divisor.sum() > 0:
            ce[name] = corruption_error(errors.of(*cells), divisor)
            made_of[name] = MadeOf(cells, len(cells) / float(divisor.sum()))
        if clean is not None and (divisor - baseline["clean_error"]).sum() > 0:
            relative[name] = corruption_error(errors.of(*cells), divisor, clean, baseline["clean_error"])
    unknown = "clean error is unknown: the same images without corruption (imagenet/val) were not run"
    scores = []
    highest = float(np.mean([each.highest for each in made_of.values()])) if made_of else 1.0
    every = [cell for each in made_of.values() for cell in each.cells]
    above_clean = MadeOf([*every, *([Condition()] if clean is not None else [])], math.inf)
    lacking_clean = unknown if clean is None else ""
    for metric, found, reason, of in (
        ("mce", ce, "", MadeOf(every, highest)),
        ("relative_mce", relative, lacking_clean, above_clean),
    ):
        if lacking := [name for name in names if name not in found]:
            reason = reason or f"the baseline has no (more than its clean) error under {lacking[0]}"
            scores.append(_undefined(f"{metric}{suffix}", n, reason))
        else:
            scores.append(errors.score(f"{metric}{suffix}", np.mean(list(found.values()), axis=0), "ratio", None, of))
    for name, values in ce.items():
        scores.append(errors.score("ce", values, "ratio", Condition(corruption=name), made_of[name]))
    for name, values in relative.items():
        own = [Condition(), *(cell for cell in present if cell["corruption"] == name)]
        scores.append(errors.score("relative_ce", values, "ratio", Condition(corruption=name), MadeOf(own, math.inf)))
    return scores


def error_scores(
    errors: CellMeans,
    present: Sequence[Condition],
    names: Sequence[str],
    told: tuple[str, Mapping[str, tuple[str, ...]]],
) -> list[Score]:
    """Unnormalised errors: over all members that were run, clean, by corruption, group, severity and cell.

    Args:
        errors, present: of the cells, and which they are but for clean.
        names: members of the set that were run.
        told: what the mean over all is called, and the groups of the set.
    """
    mean_error, groups = told
    common = [cell for cell in present if cell["corruption"] in names]

    def mean(cells: Sequence[Condition], condition: Condition) -> Score:
        return errors.score("error", errors.of(*cells).mean(axis=1), "fraction", condition, MadeOf(cells))

    scores = []
    if common:
        overall = errors.of(*common).mean(axis=1)
        scores.append(errors.score(mean_error, overall, "fraction", None, MadeOf(common)))
    if Condition() in errors.cells:
        scores.append(_cell(errors, "clean_error", Condition()))
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
    return scores + [_cell(errors, "error", cell) for cell in present]


def _undefined(metric: str, n: int, reason: str) -> Score:
    return Score(metric, None, "ratio", n, higher_is_better=False, reason=reason)
