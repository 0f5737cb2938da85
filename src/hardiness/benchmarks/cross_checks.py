"""Facts about an attack from other attacks, noise, copies and other logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.gradient_checks import FEW, MANY, Values, raised_if, share_of
from hardiness.core.codes import AttackCheck
from hardiness.core.fact import CheckOutcome, Fact
from hardiness.statistics.intervals import wilson

REPEATED = 1e-4
"""Largest difference of several passes' logits, as a share of the largest; rounding on one device gives none at all."""

TOLD = 1e-2
"""Largest such difference between the logits that an attack had and those that the judge computed."""

BEATEN = 0.75
"""Share of images on which an attack must do better than noise; ordinary and robust networks are above 0.88."""

TAKEN = 0.02
"""Share of the images that an attack without gradients may take from those that stand."""

WEAK_LOSS = 0.05
"""Share of the images that another loss must take to be told of where so few images are no proof of `TAKEN`."""

LARGE_JUMP = 0.25
"""Part of the lead's way that it takes at once where the answer changes; of ordinary networks below a hundredth."""


def randomised(change: Values, samples: int) -> Fact:
    """Whether several passes of the same picture gave other logits.

    Args:
        change: largest difference over the largest logit, an entry an image; NaN where it was not asked again.
        samples: passes that the attack's gradients were means of.
    """
    changes = change[np.isfinite(change)]
    if not len(changes):
        return Fact(AttackCheck.RANDOMISED, outcome=CheckOutcome.NOT_RUN)
    if share_of(changes > REPEATED) == 0:
        return Fact(AttackCheck.RANDOMISED, outcome=CheckOutcome.CLEAR)
    arguments = {"change": float(changes.max()), "samples": samples}
    return Fact(AttackCheck.RANDOMISED, arguments, outcome=raised_if(samples <= 1))


def weaker_than_noise(clean: Values, attack: Values, noise: Values, follows_gradients: bool | None = True) -> Fact:
    """Whether noise of the same budget does as much: an attack that does not beat noise is no attack.

    Args:
        clean, attack, noise: an image's lead (negative once it has fallen) without attack, where the attack left it,
            and under the best draw of noise; NaN where nothing was drawn.
        follows_gradients: as of `square_takes_more`.
    """
    open_ = np.isfinite(clean) & np.isfinite(attack) & np.isfinite(noise) & (clean > 0)
    both = open_ & (attack <= 0) & (noise <= 0)
    compared = open_ & ~both
    if not compared.any():
        took_all = bool(both.any())
        return Fact(AttackCheck.WEAKER_THAN_NOISE, outcome=CheckOutcome.CLEAR if took_all else CheckOutcome.NOT_RUN)
    wins = np.where(attack <= 0, noise > 0, (noise > 0) & (attack < noise))[compared]
    n, count = len(wins), int(wins.sum())
    arguments = {"wins": count, "images": n, "both": int(both.sum()), "follows_gradients": follows_gradients}
    highest = wilson(count, n).high
    outcome = raised_if(highest < BEATEN)
    if count < BEATEN * n and highest >= BEATEN:
        outcome = CheckOutcome.CANNOT_TELL
    return Fact(AttackCheck.WEAKER_THAN_NOISE, arguments, outcome=outcome)


def other_loss_takes_more(other: Values, images: int) -> Fact:
    """Whether Auto-PGD on differences of logits takes images that an attack on the cross-entropy left.

    Args:
        other: leads that it leaves on the images that stand; NaN where it was not run.
        images: how many were attacked in all.
    """
    leads = other[np.isfinite(other)]
    if not len(leads):
        return Fact(AttackCheck.OTHER_LOSS, outcome=CheckOutcome.NOT_RUN)
    broken = int((leads <= 0).sum())
    outcome = raised_if(wilson(broken, images).low > TAKEN)  # on robust networks losses differ by one or two points
    if outcome is CheckOutcome.CLEAR and broken / images > WEAK_LOSS:
        outcome = CheckOutcome.CANNOT_TELL
    return Fact(AttackCheck.OTHER_LOSS, {"standing": len(leads), "taken": broken, "images": images}, outcome=outcome)


def square_takes_more(
    attack: Values,
    square: Values,
    images: int,
    other: Values | None = None,
    follows_gradients: bool | None = True,
) -> Fact:
    """Whether a few hundred queries of Square take images that the attack left, or get further on most of them.

    Args:
        attack, square: leads on the images that stand, where each left them; NaN where Square was not run.
        images: how many were attacked in all.
        other: leads that Auto-PGD left on the differences of logits; NaN, or ``None``, where it was not run. What it
            can do, gradients can, whatever the attack's own loss made of them.
        follows_gradients: whether the attack asks for gradients, so that Square's lead is a sign of masked ones;
            ``None`` where it does not say.
    """
    is_tried = np.isfinite(square) & np.isfinite(attack)
    if not is_tried.any():
        return Fact(AttackCheck.SQUARE, outcome=CheckOutcome.NOT_RUN)
    by_gradients = attack if other is None else np.fmin(attack, other)
    attack, square, by_gradients = attack[is_tried], square[is_tried], by_gradients[is_tried]
    n = len(square)

    def compared(leads: Values) -> tuple[int, int]:
        """How many images Square took that these leads say stand, and on how many it got further."""
        return int(((square <= 0) & (leads > 0)).sum()), int((square < leads).sum())

    broken, further = compared(by_gradients)
    arguments = {
        "images": n,
        "against_loss": compared(attack),
        "against_both": (broken, further),
        "follows_gradients": follows_gradients,
    }
    interval = wilson(further, n)
    outcome = raised_if((broken > 1 and broken / images > TAKEN) or interval.low > 0.5)
    if outcome is CheckOutcome.CLEAR and further > n / 2:
        outcome = CheckOutcome.CANNOT_TELL
    if outcome is CheckOutcome.CLEAR:
        arguments["is_surely_weaker"] = interval.high < 0.5
    return Fact(AttackCheck.SQUARE, arguments, outcome=outcome)


def hard_decision(jump: Values) -> Fact:
    """Whether logits jump where the answer changes, so that going along them does not lead there.

    Args:
        jump: the part of the lead's way, to a picture of something else, that it takes at once; NaN where none was
            tried.
    """
    jumps = jump[np.isfinite(jump)]
    if not len(jumps):
        return Fact(AttackCheck.HARD_DECISION, outcome=CheckOutcome.NOT_RUN)
    share = share_of(jumps > LARGE_JUMP)
    arguments = {"median": float(np.median(jumps)), "share": share, "large": LARGE_JUMP}
    return Fact(AttackCheck.HARD_DECISION, arguments, outcome=raised_if(share > MANY))


def memory(change: Values, before: NDArray[np.bool_], after: Values) -> Fact:
    """Whether a copy of the network that has seen nothing else judges the attacked pictures otherwise.

    Args:
        change: largest difference of its logits, over the largest, an entry an image; NaN where no copy was had.
        before: whether the network under attack is right on each.
        after: the label's lead by the copy, above 0 where it is right.
    """
    has_copy = np.isfinite(change)
    if not has_copy.any():
        return Fact(AttackCheck.MEMORY, outcome=CheckOutcome.NOT_RUN)
    was, now, moved = before[has_copy], after[has_copy] > 0, change[has_copy] > TOLD
    differs = share_of(moved) > FEW or bool((moved & (was != now)).any())
    arguments = {"by_copy": share_of(now), "by_network": share_of(was)}
    return Fact(AttackCheck.MEMORY, arguments, outcome=raised_if(differs))


def claimed_logits(error: Values) -> Fact:
    """Whether an attack claimed logits that the judge does not find; the claim decides nothing, but its marks do.

    Args:
        error: largest difference over the largest logit, an entry an image.
    """
    if not len(error):
        return Fact(AttackCheck.TOLD_LOGITS, outcome=CheckOutcome.NOT_RUN)
    share = share_of(error > TOLD)
    return Fact(AttackCheck.TOLD_LOGITS, {"share": share}, outcome=raised_if(share > 0))
