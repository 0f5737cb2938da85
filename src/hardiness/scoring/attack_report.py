"""Was the attack any good? Named checks of a white-box run, and what its accuracy amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Condition, Finding, Records, Round, Run, Score, epsilon_text
from hardiness.scoring.intervals import disjoint

STILL_FALLING = 0.01
"""Share of images that may fall between the last two marks before the attack is called unfinished."""

LOSS_FALLING = 0.05
"""Part of the loss's whole way that may lie between the last two marks."""

ZERO_GRADIENT = 0.1
"""Share of exact zeros in the gradients; networks with ReLUs have next to none."""

MUST_BREAK = 0.01
"""Share of images that may survive a budget that holds every image."""

NOT_ROBUST = 0.5
"""Part of its clean accuracy that a model must keep at the strongest mark not to be called not robust."""

PAPER, LEADERBOARD = 0.06, 4 / 255
"""Epsilon of Orhan's sweep over steps, and of RobustBench's ImageNet leaderboard."""


@dataclass(frozen=True)
class Curve:
    """One round's records by mark.

    Attributes:
        round: the round.
        steps: its marks that have rows, ascending.
        rows: boolean mask over all records for each of them.
    """

    round: Round
    steps: tuple[int, ...]
    rows: tuple[NDArray[np.bool_], ...]

    @property
    def epsilon(self) -> float:
        """Its budget."""
        return self.round.epsilon

    @property
    def budget(self) -> str:
        """The same as people write it."""
        return epsilon_text(self.epsilon)

    @property
    def usual(self) -> float:
        """The budget that results are usually compared at: the paper's step sweep, or the leaderboards'."""
        return PAPER if self.round.targeted else LEADERBOARD

    @property
    def step(self) -> float:
        """Length of one of its steps."""
        options = self.round.options
        fixed = options.get("step")
        return float(fixed if fixed is not None else options.get("relative_step", 0.25) * self.epsilon)


def attack_report(records: Records, run: Run, scores: Sequence[Score]) -> list[Finding]:
    """The checks of a white-box run, each raised or not, and a verdict; nothing for attacks by other models.

    Source: after Carlini et al. (2019), arXiv:1902.06705, and Athalye et al. (2018), arXiv:1802.00420.
    """
    if run.surrogate or "step" not in records:
        return []
    curves = _curves(records, run)
    strict = [curve for curve in curves if not _must_break(curve)]
    if not strict:
        return []
    longest = max(strict, key=lambda curve: (len(curve.steps), curve.steps[-1], -abs(curve.epsilon - curve.usual)))
    found = [
        _reach(strict),
        _steps(records, longest),
        _restarts(records, longest),
        _loss(records, longest),
        _zero_gradients(records, strict),
        _finite_gradients(records, strict),
        *(_broken(records, curve) for curve in curves if _must_break(curve)),
        _misclassified(scores),
    ]
    doubts = [finding.name for finding in found if finding.raised and finding.name != "already misclassified"]
    return [*found, _verdict(scores, longest, doubts)]


def _curves(records: Records, run: Run) -> list[Curve]:
    conditions = list(run.conditions)
    curves = []
    for each in run.attack:
        if each.attack not in ("pgd", "apgd"):
            continue
        marks = {steps: conditions.index(at) for steps, at in each.marks.items()}
        rows = {steps: np.asarray(records["condition"] == marks[steps]) for steps in sorted(marks)}
        filled = {steps: mask for steps, mask in rows.items() if mask.any()}
        if filled and each.epsilon > 0:
            curves.append(Curve(each, tuple(filled), tuple(filled.values())))
    return curves


def _must_break(curve: Curve) -> bool:
    return any(at.get("group") == "must break" for at in curve.round.marks.values())


def _reach(curves: Sequence[Curve]) -> Finding:
    short = [curve for curve in curves if curve.steps[-1] * curve.step < curve.epsilon * (1 - 1e-9)]
    if not short:
        return Finding("reach", False, "The steps of every attack together are longer than its epsilon.")
    worst = max(short, key=lambda curve: curve.epsilon / (curve.steps[-1] * curve.step))
    steps = worst.steps[-1]
    return Finding(
        "reach",
        True,
        f"At epsilon {worst.budget}, {steps} steps of {worst.step:.3g} reach {steps * worst.step:.3g}: less than "
        "epsilon, so a curve that flattens there does so for want of steps, not of budget.",
    )


def _steps(records: Records, curve: Curve) -> Finding:
    if len(curve.steps) < 2:
        return Finding("steps", False, "One number of steps was recorded, so nothing is known of more.")
    before, last = (float(_right(records)[rows].mean()) for rows in curve.rows[-2:])
    text = f"From {curve.steps[-2]} to {curve.steps[-1]} steps at epsilon {curve.budget} accuracy goes from "
    text += f"{_percent(before)} to {_percent(last)}"
    if before - last > STILL_FALLING:
        return Finding("steps", True, f"{text}: it still falls at the last step, and more steps would take more.")
    return Finding("steps", False, f"{text}: more steps would hardly take more.")


def _restarts(records: Records, curve: Curve) -> Finding:
    if curve.round.restarts == 1:
        return Finding("restarts", False, "One start was tried; restarts=5 would say whether others break more.")
    late = (records["restart"] > 0) & records["success"] & curve.rows[-1]
    share = float(late.sum() / curve.rows[-1].sum())
    text = f"{_percent(share)} of the images fell to a later start than the first (of {curve.round.restarts})"
    if share > STILL_FALLING:
        return Finding("restarts", True, f"{text}: one start is not enough for this model.")
    return Finding("restarts", False, f"{text}: the start hardly matters.")


def _loss(records: Records, curve: Curve) -> Finding:
    if len(curve.steps) < 3:
        return Finding("loss", False, "Too few numbers of steps were recorded to say whether the loss still moves.")
    standing = ~records["success"]
    same = standing & np.isin(records["image"], np.unique(records["image"][curve.rows[-1] & standing]))
    if not same.any():
        return Finding("loss", False, "Every image has fallen, so there is no loss left to lower.")
    first, before, last = (float(np.nanmean(records["loss"][curve.rows[i] & same])) for i in (0, -2, -1))
    share = (before - last) / max(first - last, 1e-12)
    text = f"Of the images that stand, the attack's loss went from {first:.3g} to {last:.3g}"
    if share > LOSS_FALLING and first > last:
        return Finding("loss", True, f"{text}, and {_percent(share)} of that lies between the last two marks: go on.")
    return Finding("loss", False, f"{text}, and hardly moved between the last two marks.")


def _zero_gradients(records: Records, curves: Sequence[Curve]) -> Finding:
    rows = np.any([curve.rows[-1] for curve in curves], axis=0) & (records["step"] != 0)
    share = float(records["zero_gradient"][rows].mean()) if rows.any() else 0.0
    text = f"{_percent(share)} of the gradients' values were exactly zero"
    if share > ZERO_GRADIENT:
        return Finding("zero gradients", True, f"{text}: something hides the gradient, and the attack saw nothing.")
    return Finding("zero gradients", False, f"{text}: the attack could see.")


def _finite_gradients(records: Records, curves: Sequence[Curve]) -> Finding:
    rows = np.any([curve.rows[-1] for curve in curves], axis=0)
    share = 1 - float(records["finite_gradient"][rows].mean())
    if share > 0:
        return Finding(
            "non-finite gradients",
            True,
            f"{_percent(share)} of the attacks met NaN or infinite gradients, which were taken as zero.",
        )
    return Finding("non-finite gradients", False, "Every gradient was finite.")


def _broken(records: Records, curve: Curve) -> Finding:
    rows = curve.rows[-1]
    share = float(_right(records)[rows].mean())
    text = f"At epsilon {curve.budget}, where any picture can become any other, {_percent(share)} still stand"
    if share > MUST_BREAK:
        return Finding(
            "must break", True, f"{text}: the attack fails where it cannot fail, so no curve of it is a limit."
        )
    return Finding("must break", False, f"{text}: the attack works where it must.")


def _misclassified(scores: Sequence[Score]) -> Finding:
    clean = next((score for score in scores if score.metric == "clean_accuracy"), None)
    if clean is None or clean.value is None:
        return Finding("already misclassified", False, "The clean images were not evaluated.")
    return Finding(
        "already misclassified",
        clean.value < NOT_ROBUST,
        f"{_percent(1 - clean.value)} of the images are wrong without any attack, and count as wrong throughout.",
    )


def _verdict(scores: Sequence[Score], curve: Curve, doubts: Sequence[str]) -> Finding:
    """What accuracy at the strongest mark of the longest curve amounts to, by `NOT_ROBUST` and the intervals."""
    at = {(score.metric, score.condition): score for score in scores}
    steps = curve.steps[-1]
    attacked = at[("accuracy", curve.round.marks[steps])]
    clean = at.get(("clean_accuracy", Condition()))
    assert attacked.value is not None
    text = f"At epsilon {curve.budget} accuracy falls to {_percent(attacked.value)} at {steps} steps"
    if clean is None or clean.value is None:
        return Finding("verdict", False, f"{text}; the clean images were not evaluated, so there is no verdict.")
    if attacked.value < NOT_ROBUST * clean.value:
        return Finding(
            "verdict", True, f"{text}, from {_percent(clean.value)} clean: not robust (less than half is left)."
        )
    apart = attacked.interval and clean.interval and disjoint(attacked.interval, clean.interval)
    held = f"{text}, from {_percent(clean.value)} clean: " + (
        "it falls in part" if apart else "it holds within the interval"
    )
    if doubts:
        return Finding("verdict", True, f"{held}, but the attack cannot be trusted ({', '.join(doubts)}).")
    return Finding("verdict", False, f"{held}.")


def _right(records: Records) -> NDArray[np.bool_]:
    return np.asarray(records["prediction"] == records["label"])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
