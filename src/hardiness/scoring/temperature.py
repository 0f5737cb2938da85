"""Temperature scaling from stored rows: what logits are best divided by, and what calibration is after that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core import RIGHT, Condition, ImageTable, Records, Score, rng
from hardiness.scoring.intervals import centred, resampled_means
from hardiness.scoring.shares import confidence_scores

Floats = NDArray[np.float64]

STEPS = 8
INVERSE_TEMPERATURES = tuple(float(2.0 ** (step / STEPS - 2)) for step in range(3 * STEPS + 1))
"""Factors of the logits at which rows hold log-sum-exps: 1/4 to 2, eight to an octave; 1 and 2 are among them."""

ONE, TWO = 2 * STEPS, 3 * STEPS
"""Their places."""

COLUMN = "log_sums"
"""Of rows: float32 ``(N, 25)``, 0 or more: for each factor the log-sum-exp of the logits, less the largest of them,
times it. Without the largest it keeps its digits where a model is sure."""

FITTED_SHARE = 5
"""One in so many images is fitted on; the others are scored."""

LEAST = 50
"""Images below which nothing is fitted."""

SMALLEST = 1e-16
"""Taken for the log of a sum that is 1 to the last digit."""

SCALED = "temperature-scaled"
NAMES = tuple(f"log_sum_{step}" for step in range(len(INVERSE_TEMPERATURES)))


def nll_column(records: Records, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """``nll`` of each row, float32 ``(N,)``, in nats; nothing where rows hold no likelihood of the label."""
    if f"{prefix}logsumexp" not in records or f"{prefix}label_logit" not in records:
        return {}
    total, label = (records[f"{prefix}{name}"].astype(np.float64) for name in ("logsumexp", "label_logit"))
    return {"nll": (total - label).astype(np.float32)}


def loss_columns(records: Records, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """`nll_column`; where rows hold what it takes, also ``brier`` and what a temperature is fitted to.

    The sum of all squared probabilities is ``exp(lse(2 z) - 2 lse(z))``, so that the Brier score over all classes needs
    no logit but the label's. Rows of earlier versions lack some of it: what they cannot say is left out.

    Args:
        records: rows.
        prefix: of the names of the columns, where they are of some classes alone.
    """
    found = nll_column(records, prefix)
    if not found or f"{prefix}{COLUMN}" not in records:
        return found
    label = records[f"{prefix}label_logit"].astype(np.float64)
    total = records[f"{prefix}logsumexp"].astype(np.float64)
    sums = records[f"{prefix}{COLUMN}"].astype(np.float64)
    more = {"brier": np.exp(sums[:, TWO] - 2.0 * sums[:, ONE]) - 2.0 * np.exp(label - total) + 1.0}
    more |= {name: sums[:, step] for step, name in enumerate(NAMES)}
    more["label_gap"] = total - sums[:, ONE] - label  # the largest logit less the label's
    return {**found, **{name: values.astype(np.float32) for name, values in more.items()}}


def temperature_scores(table: ImageTable) -> list[Score]:
    """The temperature that a fifth of the images asks for, and ECE, Brier score and NLL of the others after it.

    The fifth is drawn by seed from the sorted ids; the negative log-likelihood is smallest there. Nothing is given
    where rows do not hold the log-sum-exp at other temperatures.

    Source: Guo et al. (2017), arXiv:1706.04599, section 4.2.
    """
    if NAMES[0] not in table:
        return []
    n = len(table)
    if n < LEAST:
        return [_undefined(n, f"a temperature needs {LEAST} images, had {n}")]
    chosen = np.zeros(n, bool)
    chosen[rng(0, "temperature", n).permutation(n)[: n // FITTED_SHARE]] = True
    curves = np.column_stack([table[name] for name in NAMES]).astype(np.float64)
    gap = table["label_gap"].astype(np.float64)
    parts = np.column_stack([curves, gap])[chosen]
    draws = np.vstack([parts.mean(axis=0), resampled_means(parts, "temperature")])
    found = best_inverse(draws[:, :-1], draws[:, -1])
    inverse = float(found[0])
    low, high = INVERSE_TEMPERATURES[0], INVERSE_TEMPERATURES[-1]
    if not low < inverse < high:
        return [_undefined(n, f"the best one lies outside {1 / high:g} to {1 / low:g}")]
    interval = centred(1.0 / found[1:], 1.0 / inverse)
    rest = curves[~chosen]
    confidence = np.exp(-at(rest, inverse))
    right = table[RIGHT][~chosen, 0] == 1
    nll = at(rest, inverse) + inverse * gap[~chosen]
    scaled = confidence_scores(confidence, right, {"nll": nll})
    return [
        Score("temperature", 1.0 / inverse, "temperature", int(chosen.sum()), interval, higher_is_better=False),
        *(
            Score(s.metric, s.value, s.unit, s.n, s.interval, False, Condition(**s.condition, decision=SCALED))
            for s in scaled
            if s.metric in ("ece", "brier_top1", "nll")
        ),
    ]


def at(curves: Floats, inverse: float) -> Floats:
    """The log-sum-exp, less the largest, of logits times a factor, ``(N,)``.

    Args:
        curves: ``(N, 25)`` at each of `INVERSE_TEMPERATURES`.
        inverse: the factor, between the first and the last of them.

    A cubic spline of the logarithms; off by 1e-4 at most on logits of networks, by 1e-6 in the mean.
    """
    return np.asarray(np.exp(_spline(curves)(np.log(inverse))))


def best_inverse(curves: Floats, gap: Floats) -> Floats:
    """The factor at which each mean negative log-likelihood is smallest, ``(R,)``.

    Args:
        curves: ``(R, 25)`` means of what `at` takes.
        gap: ``(R,)`` means of the largest logit less the label's.

    The likelihood is convex in the factor, so the best of a fine grid is the best of all.
    """
    grid = np.linspace(np.log(INVERSE_TEMPERATURES[0]), np.log(INVERSE_TEMPERATURES[-1]), 2081)
    values = np.exp(_spline(curves)(grid)) + np.exp(grid) * gap[:, None]
    return np.asarray(np.exp(grid[values.argmin(axis=1)]))


def _spline(curves: Floats):  # type: ignore[no-untyped-def]  # scipy brings no types
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.log(INVERSE_TEMPERATURES), np.log(np.maximum(curves, SMALLEST)), axis=1)


def _undefined(n: int, reason: str) -> Score:
    return Score("temperature", None, "temperature", n, higher_is_better=False, reason=reason)
