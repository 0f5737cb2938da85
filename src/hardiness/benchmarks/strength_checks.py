"""Checks of how hard an attack tried: reach, steps, restarts, loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.gradient_checks import raised_if
from hardiness.core.codes import AttackCheck
from hardiness.core.fact import CheckOutcome, Fact
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

TOO_SHORT = (AttackCheck.REACH, AttackCheck.STEPS, AttackCheck.RESTARTS, AttackCheck.LOSS)
"""Checks that say of an attack that it could go on, so that what it leaves is an upper bound."""


def reach(budget: str, epsilon: float, steps: int, length: float) -> Fact:
    """Whether so many steps of that length are shorter together than epsilon."""
    arguments = {"budget": budget, "steps": steps, "length": length}
    return Fact(AttackCheck.REACH, arguments, outcome=raised_if(steps * length < epsilon * (1 - 1e-9)))


def enough_steps(budget: str, marks: Sequence[int], accuracies: Sequence[float]) -> Fact:
    """Whether accuracy still falls between the last two numbers of steps."""
    if len(marks) < 2:
        return Fact(AttackCheck.STEPS, outcome=CheckOutcome.NOT_RUN)
    before, last = accuracies[-2:]
    arguments = {"budget": budget, "steps": tuple(marks[-2:]), "before": before, "last": last}
    return Fact(AttackCheck.STEPS, arguments, outcome=raised_if(before - last > STILL_FALLING))


def restarts(late: NDArray[np.bool_], count: int) -> Fact:
    """Whether later starts took images, of ``count``; ``late`` says which."""
    if count == 1:
        return Fact(AttackCheck.RESTARTS, outcome=CheckOutcome.NOT_RUN)
    share = float(late.mean())
    return Fact(AttackCheck.RESTARTS, {"share": share, "starts": count}, outcome=raised_if(share > STILL_FALLING))


def loss(losses: Sequence[float], near: int | None = None) -> Fact:
    """Whether the attack's loss still moves at the last of three marks or more, on the images that stand.

    Args:
        losses: mean loss at each mark.
        near: how many of the images would fall if they moved once more as far as between the last two marks; ``None``
            where that is not known. Where it is one or none, the loss moves but nothing comes of it.
    """
    if len(losses) < 3 or not np.isfinite(losses).all():
        return Fact(AttackCheck.LOSS, {"marks": len(losses)}, outcome=CheckOutcome.NOT_RUN)
    first, before, last = losses[0], losses[-2], losses[-1]
    ends = {"first": first, "last": last}
    way = max(losses) - last
    if way <= LEAST_WAY * max(map(abs, losses)):
        return Fact(AttackCheck.LOSS, ends, outcome=CheckOutcome.CLEAR)
    part = min(max((before - last) / way, 0.0), 1.0)
    if part <= LOSS_FALLING:
        return Fact(AttackCheck.LOSS, {**ends, "fell": True}, outcome=CheckOutcome.CLEAR)
    is_nothing = near is not None and near <= 1
    beside = {"near": near} if is_nothing else {}
    return Fact(AttackCheck.LOSS, {**ends, "fell": True, "part": part, **beside}, outcome=raised_if(not is_nothing))


def must_break(standing: Mapping[tuple[str, str], NDArray[np.bool_]]) -> Fact:
    """Whether images stand at budgets that hold any picture.

    Args:
        standing: which images stand, ``(N,)``, by ``"targeted"`` or ``"untargeted"`` and the norm of each attack there.
    """
    shares = tuple((*kind, float(stands.mean())) for kind, stands in standing.items())
    surely = tuple(
        kind for kind, stands in standing.items() if wilson(int(stands.sum()), len(stands)).low > MOST_LEFT[kind[0]]
    )
    return Fact(AttackCheck.MUST_BREAK, {"shares": shares, "surely": surely}, outcome=raised_if(bool(surely)))
