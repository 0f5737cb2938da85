"""Was the attack any good? The checks of a run under attack, and what its accuracy amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.attack_curves import ENSEMBLES, UNITS, Curve, curves_of, longest_of
from hardiness.benchmarks.attack_verdict import at_chance, misclassified, verdict, with_doubt
from hardiness.benchmarks.check_wording import undecided
from hardiness.benchmarks.cross_check_findings import (
    claimed_logits,
    hard_decision,
    memory,
    other_loss_takes_more,
    randomised,
    square_takes_more,
    weaker_than_noise,
)
from hardiness.benchmarks.gradient_checks import (
    LOW_PRECISION,
    gradient_mismatch,
    non_finite_gradients,
    saturated_logits,
    shattered_gradients,
    with_precision,
    zero_gradients,
)
from hardiness.benchmarks.strength_checks import enough_steps, loss, must_break, reach, restarts
from hardiness.core.condition import Condition
from hardiness.core.result import Finding, Score
from hardiness.core.run import Run
from hardiness.core.table import Records

UNITS |= {"spatial": "tries", "universal-patch": "tries"}
"""Names of the steps of attacks without gradients; those of all others are steps."""

SLOPES = {
    "slope_ratio": "at the image",
    "away_slope_ratio": "between the levels of files",
    "halfway_slope_ratio": "half way to where the attack ended",
    "end_slope_ratio": "where the attack ended",
}
"""Columns of measured slopes over what the gradient says, and the place of each as people read it."""


def attack_report(records: Records, run: Run, scores: Sequence[Score]) -> list[Finding]:
    """The checks of a run that attacks the model itself, each raised or not, and a verdict, last.

    Source: after Carlini et al. (2019), arXiv:1902.06705, Athalye et al. (2018), arXiv:1802.00420, and the flags of
        Croce et al. (2022), arXiv:2202.13711.
    """
    curves = curves_of(records, run)
    longest = longest_of(curves)
    if longest is None:
        return []
    strict = [curve for curve in curves if not curve.must_break]
    findings = [
        *_of_gradients(records, run, strict),
        *_of_crossing(records, run, longest),
        *([_breaking(records, curves)] if any(curve.must_break for curve in curves) else []),
        *_of_strength(records, strict, longest),
    ]
    conclusion = _conclusion(records, run, longest, findings, _unchecked(records, run, longest, findings))
    return with_doubt([*findings, *conclusion])


def _right(records: Records) -> NDArray[np.bool_]:
    return np.asarray(records["prediction"] == records["label"])


def _of_strength(records: Records, curves: Sequence[Curve], longest: Curve) -> list[Finding]:
    """Reach, steps, restarts and loss; of an ensemble, what its members took after each other."""
    right = _right(records)
    accuracies = [float(right[rows].mean()) for rows in longest.rows]
    if longest.round.attack in ENSEMBLES:
        return [longest.ensemble_finding(accuracies)]
    stepped = [curve for curve in curves if curve.length is not None]
    findings = []
    if stepped:
        worst = max(stepped, key=lambda curve: curve.epsilon / (curve.steps[-1] * (curve.length or 1.0)))
        findings.append(reach(worst.budget, worst.epsilon, worst.steps[-1], worst.length or 1.0))
    late = (records["restart"] > 0) & records["success"] & longest.rows[-1]
    return [
        *findings,
        enough_steps(longest.budget, longest.steps, accuracies),
        restarts(late[longest.rows[-1]], longest.round.restarts),
        loss(_losses(records, longest), _near(records, longest)),
    ]


def _losses(records: Records, curve: Curve) -> list[float]:
    """The attack's mean loss at each mark, on the images that stand at the last."""
    standing = ~records["success"]
    same = standing & np.isin(records["image"], np.unique(records["image"][curve.rows[-1] & standing]))
    if not same.any():
        return [float("nan")] * max(len(curve.rows), 3)
    return [float(np.nanmean(records["loss"][rows & same])) for rows in curve.rows]


def _near(records: Records, curve: Curve) -> int | None:
    """How many of the images that stand would fall by as much again as they moved between the last two marks.

    An image that falls has a label of less odds than one to one. ``None`` where rows are not of the attacked pictures
    or say nothing of odds.
    """
    if "nll" not in records or len(curve.rows) < 2 or curve.round.targeted or curve.round.failed != "last":
        return None
    before, last = (_odds(records, rows) for rows in curve.rows[-2:])
    gains = [(odds, before[image] - odds) for image, odds in last.items() if image in before]
    return sum(gain > 0 and odds <= gain for odds, gain in gains)


def _odds(records: Records, rows: NDArray[np.bool_]) -> dict[Any, float]:
    """The logarithm of the label's odds against all other classes, of each image that stands; NaN where unknown."""
    standing = rows & ~records["success"]
    likelihood = records["nll"][standing].astype(np.float64)
    is_finite = likelihood > 0  # at 0 the odds are larger than can be told
    odds = np.full(len(likelihood), np.nan)
    odds[is_finite] = -np.log(np.expm1(np.minimum(likelihood[is_finite], 700)))
    return dict(zip(records["image"][standing].tolist(), odds.tolist(), strict=True))


def _column(records: Records, name: str, rows: NDArray[np.bool_]) -> NDArray[np.floating]:
    column: NDArray[np.floating] = records[name][rows].astype(np.float64)
    return column


def _checked(records: Records) -> NDArray[np.bool_]:
    """The rows beside which something else was tried."""
    is_checked: NDArray[np.bool_] = np.isfinite(_column(records, "clean_lead", np.ones(len(records), np.bool_)))
    return is_checked


def _of_gradients(records: Records, run: Run, curves: Sequence[Curve]) -> list[Finding]:
    last = np.any([curve.rows[-1] for curve in curves], axis=0)
    attacked, beside = last & (records["step"] != 0), _checked(records)
    loss_zeros = _column(records, "zero_loss_gradient", beside)
    lead_zeros = _column(records, "zero_lead_gradient", beside)
    findings = [
        non_finite_gradients(records["finite_gradient"][last]),  # first: what overflows looks like zeros, too
        saturated_logits(loss_zeros, lead_zeros, _column(records, "lead_slope", beside)),
        zero_gradients(
            records["zero_gradient"][attacked], loss_zeros, lead_zeros, _column(records, "hidden_gradient", beside)
        ),
    ]
    if module := run.benchmark.options.get("bpda"):
        return [
            *findings,
            undecided(
                "gradient mismatch",
                f"The backward pass of {module} is a given one, not its slope.",
            ),
        ]
    if _random(records):
        return findings
    wide, jump = _column(records, "wide_slope_ratio", beside), _column(records, "slope_jump", beside)
    slopes = {place: _column(records, name, beside) for name, place in SLOPES.items()}
    about_slopes = [gradient_mismatch(slopes), shattered_gradients(wide, jump)]
    is_measured = np.all([np.isfinite(ratios) for ratios in slopes.values()], axis=0)
    has_gradient = lead_zeros < 1
    return [
        *findings,
        *with_precision(_column(records, "logit_spacing", beside), has_gradient & ~is_measured, about_slopes),
    ]


def _random(records: Records) -> bool:
    """Whether the network draws at random: then no difference of two passes says anything about slopes."""
    return randomised(_column(records, "repeat_change", _checked(records)), 1).raised


def _of_crossing(records: Records, run: Run, curve: Curve) -> list[Finding]:
    beside = _checked(records)
    options = curve.round.options
    samples = 20 if options.get("variant") == "rand" else int(options.get("samples", 1))
    error = _column(records, "told_error", curve.rows[-1])
    clean, attack, noise, square, other, afresh = (
        _column(records, f"{name}_lead", beside)
        for name in ("clean", "attack", "noise", "square", "other_loss", "afresh")
    )
    findings = [
        randomised(_column(records, "repeat_change", beside), samples),
        weaker_than_noise(clean, np.fmin(attack, other), noise, curve.follows_gradients),
    ]
    if curve.round.attack not in ENSEMBLES:
        findings.append(other_loss_takes_more(other, len(attack)))
        findings.append(square_takes_more(attack, square, len(attack), other, curve.follows_gradients))
    if _random(records):
        return findings
    return [
        *findings,
        memory(_column(records, "afresh_change", beside), _right(records)[beside], afresh),
        hard_decision(_column(records, "decision_jump", beside)),
        claimed_logits(error[np.isfinite(error)]),
    ]


def _breaking(records: Records, curves: Sequence[Curve]) -> Finding:
    right, standing = _right(records), {}
    for curve in curves:
        if curve.must_break:
            rows = curve.rows[-1]
            standing[curve.kind] = ~records["success"][rows] if curve.round.targeted else right[rows]
    return must_break(standing)


def _unchecked(records: Records, run: Run, curve: Curve, findings: Sequence[Finding]) -> dict[str, str]:
    """The checks of this kind of attack that did not run, each with how to run it so that they do, where that helps."""
    ways = {}
    if run.benchmark.options.get("must_break") is False and curve.round.attack not in UNITS:
        ways["must break"] = "without must_break=false"
    if not _checked(records).any():
        square = ["Square"] if curve.round.attack not in ENSEMBLES else []
        ways |= dict.fromkeys(["noise", *square, "slopes", "repeated passes", "memory"], "without cross_checks=false")
    elif not np.isfinite(records["afresh_change"]).any() and not _random(records):
        ways["memory"] = ""  # no copy of the network could be had, as of a plain function
    if any(finding.raised and finding.name == LOW_PRECISION for finding in findings):
        ways["slopes"] = "in float32"
    return ways


def _conclusion(
    records: Records, run: Run, curve: Curve, findings: Sequence[Finding], unchecked: Mapping[str, str]
) -> list[Finding]:
    """The findings about the model itself, and the verdict."""
    where = f"At epsilon {curve.budget}"
    steps = "" if curve.round.attack in ENSEMBLES else f" at {curve.steps[-1]} steps"
    conditions = list(run.conditions)
    right, last = _right(records), curve.rows[-1]
    rows = records["condition"] == (conditions.index(Condition()) if Condition() in conditions else -1)
    clean, attacked = _paired(records["image"], right, rows, last)
    if not len(clean):
        text = "The clean images were not evaluated"
        return [
            undecided("already misclassified", f"{text}."),
            undecided("verdict", f"{text}, so there is no verdict."),
        ]
    beside = [misclassified(clean)]
    beside.append(at_chance(clean, run.data.num_classes))
    about_the_attack = [*findings, *beside[1:]]
    return [*beside, verdict(where, clean, attacked, about_the_attack, steps, curve.rules(), unchecked)]


def _paired(
    image: NDArray[Any], right: NDArray[np.bool_], one: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each image that has a row of both kinds is right in each."""
    both, first, second = np.intersect1d(image[one], image[other], return_indices=True)
    del both
    return right[one][first], right[other][second]
