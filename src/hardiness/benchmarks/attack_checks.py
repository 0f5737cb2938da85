"""Was the attack any good? The checks of a run under attack, and what its accuracy amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.attack_curves import ENSEMBLES, UNITS, Curve, curves_of, longest_of
from hardiness.benchmarks.attack_verdict import at_chance, misclassified, verdict, with_doubt
from hardiness.benchmarks.cross_checks import (
    claimed_logits,
    hard_decision,
    memory,
    other_loss_takes_more,
    randomised,
    square_takes_more,
    weaker_than_noise,
)
from hardiness.benchmarks.gradient_checks import (
    gradient_mismatch,
    non_finite_gradients,
    saturated_logits,
    shattered_gradients,
    with_precision,
    zero_gradients,
)
from hardiness.benchmarks.strength_checks import enough_steps, loss, must_break, reach, restarts
from hardiness.core.codes import AttackCheck
from hardiness.core.condition import Condition
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records

UNITS |= {"spatial": "tries", "universal-patch": "tries"}
"""Names of the steps of attacks without gradients; those of all others are steps."""

SLOPES = ("slope_ratio", "away_slope_ratio", "halfway_slope_ratio", "end_slope_ratio")
"""Columns of measured slopes over what the gradient says, each at a place of its own."""


def attack_report(records: Records, run: Run, scores: Sequence[Score]) -> list[Fact]:
    """The checks of a run that attacks the model itself, each raised or not, and a verdict, last.

    Source: after Carlini et al. (2019), arXiv:1902.06705, Athalye et al. (2018), arXiv:1802.00420, and the flags of
        Croce et al. (2022), arXiv:2202.13711.
    """
    curves = curves_of(records, run)
    longest = longest_of(curves)
    if longest is None:
        return []
    strict = [curve for curve in curves if not curve.must_break]
    facts = [
        *_of_gradients(records, run, strict),
        *_of_crossing(records, run, longest),
        *([_breaking(records, curves)] if any(curve.must_break for curve in curves) else []),
        *_of_strength(records, strict, longest),
    ]
    conclusion = _conclusion(records, run, longest, facts, _unchecked(records, run, longest, facts))
    return with_doubt([*facts, *conclusion])


def _right(records: Records) -> NDArray[np.bool_]:
    return np.asarray(records["prediction"] == records["label"])


def _of_strength(records: Records, curves: Sequence[Curve], longest: Curve) -> list[Fact]:
    """Reach, steps, restarts and loss; of an ensemble, what its members took after each other."""
    right = _right(records)
    accuracies = [float(right[rows].mean()) for rows in longest.rows]
    if longest.round.attack in ENSEMBLES:
        return [longest.ensemble_check(accuracies)]
    stepped = [curve for curve in curves if curve.length is not None]
    facts = []
    if stepped:
        worst = max(stepped, key=lambda curve: curve.epsilon / (curve.steps[-1] * (curve.length or 1.0)))
        facts.append(reach(worst.budget, worst.epsilon, worst.steps[-1], worst.length or 1.0))
    late = (records["restart"] > 0) & records["success"] & longest.rows[-1]
    return [
        *facts,
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


def _of_gradients(records: Records, run: Run, curves: Sequence[Curve]) -> list[Fact]:
    last = np.any([curve.rows[-1] for curve in curves], axis=0)
    attacked, beside = last & (records["step"] != 0), _checked(records)
    loss_zeros = _column(records, "zero_loss_gradient", beside)
    lead_zeros = _column(records, "zero_lead_gradient", beside)
    facts = [
        non_finite_gradients(records["finite_gradient"][last]),  # first: what overflows looks like zeros, too
        saturated_logits(loss_zeros, lead_zeros, _column(records, "lead_slope", beside)),
        zero_gradients(
            records["zero_gradient"][attacked], loss_zeros, lead_zeros, _column(records, "hidden_gradient", beside)
        ),
    ]
    if module := run.benchmark.options.get("bpda"):
        return [
            *facts,
            Fact(AttackCheck.GRADIENT_MISMATCH, {"backward": str(module)}, outcome=CheckOutcome.NOT_RUN),
        ]
    if _random(records):
        return facts
    wide, jump = _column(records, "wide_slope_ratio", beside), _column(records, "slope_jump", beside)
    slopes = {name: _column(records, name, beside) for name in SLOPES}
    about_slopes = [gradient_mismatch(slopes), shattered_gradients(wide, jump)]
    is_measured = np.all([np.isfinite(ratios) for ratios in slopes.values()], axis=0)
    has_gradient = lead_zeros < 1
    return [
        *facts,
        *with_precision(_column(records, "logit_spacing", beside), has_gradient & ~is_measured, about_slopes),
    ]


def _random(records: Records) -> bool:
    """Whether the network draws at random: then no difference of two passes says anything about slopes."""
    return randomised(_column(records, "repeat_change", _checked(records)), 1).is_raised


def _of_crossing(records: Records, run: Run, curve: Curve) -> list[Fact]:
    beside = _checked(records)
    options = curve.round.options
    samples = 20 if options.get("variant") == "rand" else int(options.get("samples", 1))
    error = _column(records, "told_error", curve.rows[-1])
    clean, attack, noise, square, other, afresh = (
        _column(records, f"{name}_lead", beside)
        for name in ("clean", "attack", "noise", "square", "other_loss", "afresh")
    )
    facts = [
        randomised(_column(records, "repeat_change", beside), samples),
        weaker_than_noise(clean, np.fmin(attack, other), noise, curve.follows_gradients),
    ]
    if curve.round.attack not in ENSEMBLES:
        facts.append(other_loss_takes_more(other, len(attack)))
        facts.append(square_takes_more(attack, square, len(attack), other, curve.follows_gradients))
    if _random(records):
        return facts
    return [
        *facts,
        memory(_column(records, "afresh_change", beside), _right(records)[beside], afresh),
        hard_decision(_column(records, "decision_jump", beside)),
        claimed_logits(error[np.isfinite(error)]),
    ]


def _breaking(records: Records, curves: Sequence[Curve]) -> Fact:
    right = _right(records)
    standing: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for curve in curves:
        if curve.must_break:
            rows = curve.rows[-1]
            standing[curve.kind] = ~records["success"][rows] if curve.round.targeted else right[rows]
    return must_break(standing)


def _unchecked(records: Records, run: Run, curve: Curve, facts: Sequence[Fact]) -> dict[str, str]:
    """The checks of this kind of attack that did not run, each with the option or the precision that would run it.

    An option was given and is to be left out; a precision is to be asked for. Empty where nothing helps.
    """
    ways = {}
    if run.benchmark.options.get("must_break") is False and curve.round.attack not in UNITS:
        ways["must break"] = "must_break=false"
    if not _checked(records).any():
        square = ["Square"] if curve.round.attack not in ENSEMBLES else []
        ways |= dict.fromkeys(["noise", *square, "slopes", "repeated passes", "memory"], "cross_checks=false")
    elif not np.isfinite(records["afresh_change"]).any() and not _random(records):
        ways["memory"] = ""  # no copy of the network could be had, as of a plain function
    if any(fact.is_raised and fact.code == AttackCheck.LOW_PRECISION for fact in facts):
        ways["slopes"] = "float32"
    return ways


def _conclusion(
    records: Records, run: Run, curve: Curve, facts: Sequence[Fact], unchecked: Mapping[str, str]
) -> list[Fact]:
    """The facts about the model itself, and the verdict."""
    conditions = list(run.conditions)
    right, last = _right(records), curve.rows[-1]
    rows = records["condition"] == (conditions.index(Condition()) if Condition() in conditions else -1)
    clean, attacked = _paired(records["image"], right, rows, last)
    if not len(clean):
        return [
            Fact(AttackCheck.MISCLASSIFIED, outcome=CheckOutcome.NOT_RUN),
            Fact(AttackCheck.VERDICT, outcome=CheckOutcome.NOT_RUN, trust=Trust.NOT_CHECKED),
        ]
    beside = [misclassified(clean), at_chance(clean, run.data.num_classes)]
    about: dict[str, Any] = {"budget": curve.budget}
    if curve.round.attack not in ENSEMBLES:
        about["steps"] = curve.steps[-1]
    if curve.round.targeted:
        about |= {"targeted": True, "failures_clean": curve.round.failed == "clean"}
    return [*beside, verdict(clean, attacked, [*facts, beside[1]], about, unchecked)]


def _paired(
    image: NDArray[Any], right: NDArray[np.bool_], one: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each image that has a row of both kinds is right in each."""
    both, first, second = np.intersect1d(image[one], image[other], return_indices=True)
    del both
    return right[one][first], right[other][second]
