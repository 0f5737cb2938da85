"""Was the attack any good? The checks of a run under attack, from its records, and what its accuracy amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Finding, Records, Run, Score
from hardiness.scoring.attack_checks import cross, gradients, strength, untold, verdict
from hardiness.scoring.attack_rounds import ENSEMBLE, UNITS, Curve, curves_of, longest_of


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
    found = [
        *_of_gradients(records, run, strict),
        *_of_crossing(records, run, longest),
        *([_breaking(records, curves)] if any(curve.must_break for curve in curves) else []),
        *_of_strength(records, strict, longest),
    ]
    conclusion = _conclusion(records, run, longest, found, _unchecked(records, run, longest))
    return verdict.with_doubt([*found, *conclusion])


def _right(records: Records) -> NDArray[np.bool_]:
    return np.asarray(records["prediction"] == records["label"])


def _of_strength(records: Records, curves: Sequence[Curve], longest: Curve) -> list[Finding]:
    """Reach, steps, restarts and loss; of an ensemble, what its members took after each other."""
    right = _right(records)
    accuracies = [float(right[rows].mean()) for rows in longest.rows]
    if longest.round.attack == ENSEMBLE:
        return [_members(longest, accuracies)]
    stepped = [curve for curve in curves if curve.length is not None]
    found = []
    if stepped:
        worst = max(stepped, key=lambda curve: curve.epsilon / (curve.steps[-1] * (curve.length or 1.0)))
        found.append(strength.reach(worst.budget, worst.epsilon, worst.steps[-1], worst.length or 1.0))
    late = (records["restart"] > 0) & records["success"] & longest.rows[-1]
    return [
        *found,
        strength.steps(longest.budget, longest.steps, accuracies),
        strength.restarts(late[longest.rows[-1]], longest.round.restarts),
        strength.loss(_losses(records, longest), _near(records, longest)),
    ]


def _members(curve: Curve, accuracies: Sequence[float]) -> Finding:
    """Whether FAB or Square, on who is left, took more than the leader of gradient attacks should leave."""
    name = "ensemble members"
    lost = {member: accuracies[i] - accuracies[i + 1] for i, member in enumerate(curve.members[1:])}
    square, fab, images = (
        lost.get("+ square", 0.0),
        max(lost.get("+ fab-t", 0.0), lost.get("+ fab", 0.0)),
        int(curve.rows[-1].sum()),
    )
    text = f"After APGD, FAB took {100 * fab:.1f} % and Square {100 * square:.1f} % of {images} images"
    if max(fab, square) > cross.TAKEN and round(max(fab, square) * images) > 1:
        which = "Square, which sees no gradient," if square >= fab else "FAB"
        return Finding(
            name,
            True,
            f"{text}: {which} finds what APGD does not, so gradients are masked and the rest may fall too. Adapt the "
            "attack to the model (bpda=MODULE, samples=20).",
        )
    return Finding(name, False, f"{text}: APGD leads, as it should.")


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
    """The logarithm of the label's odds against all other classes, of each image that stands, by image."""
    kept = rows & ~records["success"]
    odds = -np.log(np.expm1(np.clip(records["nll"][kept].astype(np.float64), 1e-12, 700)))
    return dict(zip(records["image"][kept].tolist(), odds.tolist(), strict=True))


def _column(records: Records, name: str, rows: NDArray[np.bool_]) -> NDArray[np.floating]:
    """A column's values, NaN where a run has none of that name."""
    values = records[name] if name in records else np.full(len(records), np.nan, np.float32)
    found: NDArray[np.floating] = values[rows].astype(np.float64)
    return found


def _checked(records: Records) -> NDArray[np.bool_]:
    """The rows beside which something else was tried."""
    found: NDArray[np.bool_] = np.isfinite(_column(records, "clean_lead", np.ones(len(records), np.bool_)))
    return found


def _of_gradients(records: Records, run: Run, curves: Sequence[Curve]) -> list[Finding]:
    last = np.any([curve.rows[-1] for curve in curves], axis=0)
    attacked, beside = last & (records["step"] != 0), _checked(records)
    loss_zeros = _column(records, "zero_loss_gradient", beside)
    lead_zeros = _column(records, "zero_lead_gradient", beside)
    found = [
        gradients.saturated_logits(loss_zeros, lead_zeros, _column(records, "lead_slope", beside)),
        gradients.zero_gradients(
            records["zero_gradient"][attacked], loss_zeros, lead_zeros, _column(records, "hidden_gradient", beside)
        ),
        gradients.non_finite_gradients(records["finite_gradient"][last]),
    ]
    near = _column(records, "slope_ratio", beside)
    if given := run.benchmark.options.get("bpda"):
        return [
            *found,
            untold(
                "gradient mismatch",
                f"The backward pass of {given} is a given one, not its slope.",
            ),
        ]
    if _random(records):
        return found
    wide, jump = _column(records, "wide_slope_ratio", beside), _column(records, "slope_jump", beside)
    away = _column(records, "away_slope_ratio", beside)
    return [*found, gradients.gradient_mismatch(near, away), gradients.shattered_gradients(wide, jump)]


def _random(records: Records) -> bool:
    """Whether the network draws at random: then no difference of two passes says anything about slopes."""
    return cross.randomised(_column(records, "repeat_change", _checked(records)), 1).raised


def _of_crossing(records: Records, run: Run, curve: Curve) -> list[Finding]:
    beside = _checked(records)
    options = curve.round.options
    samples = 20 if options.get("variant") == "rand" else int(options.get("samples", 1))
    error = _column(records, "told_error", curve.rows[-1])
    clean, attack, noise, square = (
        _column(records, f"{name}_lead", beside) for name in ("clean", "attack", "noise", "square")
    )
    found = [
        cross.randomised(_column(records, "repeat_change", beside), samples),
        cross.weaker_than_noise(clean, attack, noise),
    ]
    if curve.round.attack != ENSEMBLE:
        found.append(cross.square_takes_more(attack, square, len(attack)))
    return found if _random(records) else [*found, cross.told_logits(error[np.isfinite(error)])]


def _breaking(records: Records, curves: Sequence[Curve]) -> Finding:
    right, standing = _right(records), []
    for curve in curves:
        if curve.must_break:
            rows = curve.rows[-1]
            left = ~records["success"][rows] if curve.round.targeted else right[rows]
            standing.append((curve.kind, float(left.mean())))
    return strength.must_break(standing)


def _unchecked(records: Records, run: Run, curve: Curve) -> dict[str, str]:
    """The checks of this kind of attack that did not run, each with the option that turned it off."""
    found = {}
    if run.benchmark.options.get("must_break") is False and curve.round.attack not in UNITS:
        found["must break"] = "must_break=false"
    if not _checked(records).any():
        square = ["Square"] if curve.round.attack != ENSEMBLE else []
        found |= dict.fromkeys(["noise", *square, "slopes", "repeated passes"], "cross_checks=false")
    return found


def _rules(curve: Curve) -> str:
    """What of a round leaves more images standing than an attack for any wrong class would, in words."""
    if not curve.round.targeted:
        return ""
    if curve.round.failed == "clean":
        return ", by a targeted attack whose failures are scored clean (protocol=standard does neither)"
    return ", by a targeted attack"


def _conclusion(
    records: Records, run: Run, curve: Curve, found: Sequence[Finding], unchecked: Mapping[str, str]
) -> list[Finding]:
    """What stands beside the verdict about the model itself, and the verdict."""
    where = f"At epsilon {curve.budget}"
    steps = "" if curve.round.attack == ENSEMBLE else f" at {curve.steps[-1]} steps"
    conditions = list(run.conditions)
    right, last = _right(records), curve.rows[-1]
    rows = records["condition"] == (conditions.index(Condition()) if Condition() in conditions else -1)
    clean, attacked = _paired(records["image"], right, rows, last)
    if not len(clean):
        text = "The clean images were not evaluated"
        return [untold("already misclassified", f"{text}."), untold("verdict", f"{text}, so there is no verdict.")]
    beside = [verdict.misclassified(clean)]
    beside.append(verdict.at_chance(clean, run.data.num_classes))
    doubts = [each for each in (*found, *beside[1:]) if each.raised]
    return [*beside, verdict.verdict(where, clean, attacked, doubts, steps, _rules(curve), unchecked)]


def _paired(
    image: NDArray[Any], right: NDArray[np.bool_], one: NDArray[np.bool_], other: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each image that has a row of both kinds is right in each."""
    both, first, second = np.intersect1d(image[one], image[other], return_indices=True)
    del both
    return right[one][first], right[other][second]
