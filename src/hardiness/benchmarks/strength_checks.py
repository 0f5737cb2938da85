"""Checks of how hard an attack tried: reach, steps, restarts, loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.check_wording import percent, undecided
from hardiness.core.result import Finding
from hardiness.statistics.intervals import wilson

STILL_FALLING = 0.01
"""Share of images that may fall between the last two marks before the attack is called unfinished."""

LOSS_FALLING = 0.05
"""Part of the loss's whole way that may lie between the last two marks."""

LEAST_WAY = 1e-3
"""A whole way shorter than this part of the loss's size is no way."""

MOST_LEFT = {"untargeted": 0.01, "targeted": 0.05}
"""Share of images that may survive a budget that holds every image, without a target and with one.

A target may be far: of honest networks a clamped one left 5 % of 40 images, of masks each that this check alone would
find more than a third.
"""

TOO_SHORT = ("reach", "steps", "restarts", "loss")
"""Checks that say of an attack that it could go on, so that what it leaves is an upper bound."""


def reach(budget: str, epsilon: float, steps: int, length: float) -> Finding:
    """Whether so many steps of that length are shorter together than epsilon."""
    if steps * length >= epsilon * (1 - 1e-9):
        return Finding("reach", False, "The steps of every attack together are longer than its epsilon.")
    return Finding(
        "reach",
        True,
        f"At epsilon {budget}, {steps} steps of {length:.3g} reach {steps * length:.3g}: less than epsilon, so a curve "
        "that flattens there does so for want of steps, not of budget. Take more steps, or longer ones "
        "(step=, relative_step=).",
    )


def enough_steps(budget: str, marks: Sequence[int], accuracies: Sequence[float]) -> Finding:
    """Whether accuracy still falls between the last two numbers of steps."""
    if len(marks) < 2:
        return undecided("steps", "One number of steps was recorded, so nothing is known of more.")
    before, last = accuracies[-2:]
    text = f"From {marks[-2]} to {marks[-1]} steps at epsilon {budget} accuracy goes from "
    text += f"{percent(before)} to {percent(last)}"
    if before - last > STILL_FALLING:
        return Finding(
            "steps",
            True,
            f"{text}: it still falls at the last step, and more steps would take more. Take more (steps=).",
        )
    return Finding("steps", False, f"{text}: more steps would hardly take more.")


def restarts(late: NDArray[np.bool_], count: int) -> Finding:
    """Whether later starts took images, of ``count``; ``late`` says which."""
    if count == 1:
        return undecided("restarts", "One start was tried; restarts=5 would say whether others break more.")
    share = float(late.mean())
    text = f"{percent(share)} of the images fell to a later start than the first (of {count})"
    if share > STILL_FALLING:
        return Finding("restarts", True, f"{text}: one start is not enough for this model. Take more (restarts=).")
    return Finding("restarts", False, f"{text}: the start hardly matters.")


def loss(losses: Sequence[float], near: int | None = None) -> Finding:
    """Whether the attack's loss still moves at the last of three marks or more, on the images that stand.

    Args:
        losses: mean loss at each mark.
        near: how many of the images would fall if they moved once more as far as between the last two marks; ``None``
            where that is not known. Where it is one or none, the loss moves but nothing comes of it.
    """
    if len(losses) < 3:
        return undecided("loss", "Too few numbers of steps were recorded to say whether the loss still moves.")
    if not np.isfinite(losses).all():
        return undecided("loss", "Every image has fallen, so there is no loss left to lower.")
    first, before, last = losses[0], losses[-2], losses[-1]
    text = f"Of the images that stand, the attack's loss went from {first:.3g} to {last:.3g}"
    way = max(losses) - last
    if way <= LEAST_WAY * max(map(abs, losses)):
        return Finding("loss", False, f"{text}: it did not fall at all.")
    part = min(max((before - last) / way, 0.0), 1.0)
    if part > LOSS_FALLING and near is not None and near <= 1:
        count = "one image" if near else "no image"
        return Finding(
            "loss",
            False,
            f"{text}, {percent(part)} of it between the last two marks; by as much again {count} would fall.",
        )
    if part > LOSS_FALLING:
        return Finding(
            "loss",
            True,
            f"{text}, and {percent(part)} of its fall lies between the last two marks: go on. "
            "Take more steps (steps=).",
        )
    return Finding("loss", False, f"{text}, and hardly moved between the last two marks.")


def must_break(standing: Mapping[str, NDArray[np.bool_]]) -> Finding:
    """Whether images stand at budgets that hold any picture.

    Args:
        standing: which images stand, ``(N,)``, for each kind of attack there, as people read it.
    """
    listed = ", ".join(f"{percent(float(stands.mean()))} {kind}" for kind, stands in standing.items())
    text = f"Where any picture can become any other there still stand: {listed}"
    surely = [
        kind for kind, stands in standing.items() if wilson(int(stands.sum()), len(stands)).low > _most_left(kind)
    ]
    if surely:
        return Finding(
            "must break",
            True,
            f"{text}: the attack fails where it cannot fail ({', '.join(surely)}), so no curve of it is a limit. "
            "Look at what the checks of the gradients say, and attack without them (attack=square).",
        )
    few = "so few that " if any(stands.any() for stands in standing.values()) else ""
    return Finding("must break", False, f"{text}: {few}the attack works where it must.")


def _most_left(kind: str) -> float:
    return MOST_LEFT[kind.partition(" ")[0]]
