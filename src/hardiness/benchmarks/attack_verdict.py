"""The verdict on accuracy under attack, once all checks are in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.gradient_checks import raised_if
from hardiness.benchmarks.strength_checks import TOO_SHORT
from hardiness.core.codes import AttackCheck
from hardiness.core.fact import CheckOutcome, Fact, Trust, doubt_of
from hardiness.core.spread import Interval
from hardiness.statistics.intervals import wilson

NOT_ROBUST = 0.5
"""Part of its clean accuracy that a model must keep at the strongest mark not to be called not robust."""

HOLDS = 0.1
"""The most that a model which holds may lose, with 95 % confidence; with no image lost that takes 35 of them."""

LEFT_STANDING = (AttackCheck.STEPS, AttackCheck.BLACK_BOX)
"""Checks whose facts give the accuracy that an attack left."""


def lost(clean: NDArray[np.bool_], attacked: NDArray[np.bool_]) -> Interval:
    """The 95 % interval of the accuracy that an attack takes, from what each image was without and with it.

    Source: Newcombe (1998), method 10 for paired proportions, doi:10.1002/(SICI)1097-0258(19981130)17:22.
    """
    n = len(clean)
    cells = (clean & attacked, clean & ~attacked, ~clean & attacked)
    both, only, other = (int(np.count_nonzero(cell)) for cell in cells)
    neither = n - both - only - other
    p, q = (both + only) / n, (both + other) / n
    one, two = wilson(both + only, n), wilson(both + other, n)
    product = (both + only) * (other + neither) * (both + other) * (only + neither)
    phi = (both * neither - only * other) / math.sqrt(product) if product else 0.0
    if phi > 0:
        phi = max(both * neither - only * other - n / 2, 0) / math.sqrt(product)
    below = math.sqrt(max((p - one.low) ** 2 - 2 * phi * (p - one.low) * (two.high - q) + (two.high - q) ** 2, 0.0))
    above = math.sqrt(max((one.high - p) ** 2 - 2 * phi * (one.high - p) * (q - two.low) + (q - two.low) ** 2, 0.0))
    return Interval(max(p - q - below, -1.0), min(p - q + above, 1.0))


def at_chance(clean: NDArray[np.bool_], classes: int) -> Fact:
    """Whether clean accuracy is no better than drawing one of the classes."""
    interval, chance = wilson(int(clean.sum()), len(clean)), 1 / max(classes, 1)
    arguments = {"accuracy": float(clean.mean()), "low": interval.low, "high": interval.high, "chance": chance}
    return Fact(AttackCheck.AT_CHANCE, arguments, outcome=raised_if(interval.low <= chance))


def misclassified(clean: NDArray[np.bool_]) -> Fact:
    """How many images are wrong without any attack."""
    accuracy = float(clean.mean())
    return Fact(AttackCheck.MISCLASSIFIED, {"share": 1 - accuracy}, outcome=raised_if(accuracy < NOT_ROBUST))


def verdict(
    clean: NDArray[np.bool_],
    attacked: NDArray[np.bool_],
    facts: Sequence[Fact],
    about: Mapping[str, Any],
    unchecked: Mapping[str, str] | None = None,
) -> Fact:
    """The verdict on accuracy at the strongest mark; withdrawn where a check found the attack wanting.

    It is an upper bound where the attack was only too short.
    That a model falls is certain whatever the attack: its pictures are there, judged by the network itself.

    Args:
        clean, attacked: whether each image is right, without and with the attack.
        facts: about the attack; those that are raised cast doubt on it.
        about: arguments that say which attack it was: ``budget``, and where they apply ``steps``, ``targeted`` and
            ``failures_clean`` (whether failures of a targeted attack are scored clean).
        unchecked: the checks that did not run, each with how to run the model so that they do; empty where none did.
    """
    doubts = [fact for fact in facts if fact.is_raised and fact.code != AttackCheck.LOW_PRECISION]
    masks = [fact for fact in doubts if fact.code not in TOO_SHORT]
    unclear = tuple(fact.code for fact in facts if fact.outcome is CheckOutcome.CANNOT_TELL)
    before, after, n = float(clean.mean()), float(attacked.mean()), len(clean)
    interval = lost(clean, attacked)
    # That less than half is left is said of the model only where the interval lies below.
    most, half = wilson(int(attacked.sum()), n).high, NOT_ROBUST * before
    arguments = {
        **about,
        "before": before,
        "after": after,
        "images": n,
        "loss_low": interval.low,
        "loss_high": interval.high,
        "doubts": tuple(doubts),
        "unchecked": tuple((unchecked or {}).items()),
    }

    def given(trust: Trust, *, raised: bool = True, **beside: Any) -> Fact:
        return Fact(AttackCheck.VERDICT, {**arguments, **beside}, outcome=raised_if(raised), trust=trust)

    if any(fact.code == AttackCheck.AT_CHANCE for fact in doubts):
        return given(Trust.WITHDRAWN)
    if most < half and interval.low > 0:
        # The checks that did not run could only find that it falls further.
        return given(Trust.NOT_CHECKED if unchecked else Trust.BELIEVED, not_robust=True)
    if masks:
        return given(Trust.WITHDRAWN, doubts=(*masks, *(fact for fact in doubts if fact not in masks)))
    if unchecked:
        return given(Trust.NOT_CHECKED)
    if doubts:
        return given(Trust.UPPER_BOUND)
    if unclear:
        return given(Trust.CANNOT_TELL, unclear=unclear)
    if after < half:
        return given(Trust.CANNOT_TELL, most_left=most)
    if interval.low > 0:
        return given(Trust.BELIEVED, raised=False)
    holds = interval.high <= HOLDS
    return given(Trust.BELIEVED if holds else Trust.CANNOT_TELL, raised=not holds)


def with_doubt(facts: Sequence[Fact]) -> list[Fact]:
    """The facts; those with the accuracy that the attack left name the doubt where the verdict has one."""
    doubt = doubt_of(facts)
    if not doubt:
        return list(facts)
    return [
        replace(fact, arguments={**fact.arguments, "doubt": doubt})
        if fact.code in LEFT_STANDING and fact.outcome is not CheckOutcome.NOT_RUN
        else fact
        for fact in facts
    ]
