"""Findings about an attack from other attacks, noise, copies and other logits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.check_wording import Values, percent, share_of, undecided
from hardiness.benchmarks.gradient_checks import FEW, MANY
from hardiness.core.result import Finding
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

_WHY_SQUARE_LEADS = {
    True: "gradients are masked, so the attack is too weak. Take the lower accuracy of attack=square, and find what "
    "hides the gradient.",
    False: "the attack itself is too weak, as Square goes without gradients, too. Take the lower accuracy of "
    "attack=square, or give the attack more steps and a better search.",
    None: "the attack is too weak, or follows gradients that are masked. Take the lower accuracy of attack=square, and "
    "look at what the checks of the gradients say.",
}
"""The meaning of Square getting further, and advice, by whether the attack follows gradients."""

LARGE_JUMP = 0.25
"""Part of the lead's way that it takes at once where the answer changes; of ordinary networks below a hundredth."""


def randomised(change: Values, samples: int) -> Finding:
    """Whether several passes of the same picture gave other logits.

    Args:
        change: largest difference over the largest logit, an entry an image; NaN where it was not asked again.
        samples: passes that the attack's gradients were means of.
    """
    name, changes = "randomised", change[np.isfinite(change)]
    if not len(changes):
        return undecided(name, "The network was asked once, so nothing is known of its chance.")
    if share_of(changes > REPEATED) > 0:
        text = f"Passes of one picture differ by up to {percent(float(changes.max()))} of the largest logit"
        if samples > 1:
            return Finding(name, False, f"{text}: the network draws at random; gradients were means of {samples}.")
        return Finding(
            name,
            True,
            f"{text}: the network draws at random, and an attack on one draw is no attack on the next. Use means of "
            "several passes: attack=pgd,samples=20, or autoattack:version=rand.",
        )
    return Finding(name, False, "Several passes of one picture give the same logits.")


def weaker_than_noise(clean: Values, attack: Values, noise: Values, follows_gradients: bool | None = True) -> Finding:
    """Whether noise of the same budget does as much: an attack that does not beat noise is no attack.

    Args:
        clean, attack, noise: an image's lead (negative once it has fallen) without attack, where the attack left it,
            and under the best draw of noise; NaN where nothing was drawn.
        follows_gradients: as of `square_takes_more`.
    """
    name = "weaker than noise"
    open_ = np.isfinite(clean) & np.isfinite(attack) & np.isfinite(noise) & (clean > 0)
    both = open_ & (attack <= 0) & (noise <= 0)
    compared = open_ & ~both
    if not compared.any():
        if both.any():
            return Finding(name, False, "Noise of the same budget takes every image as well.")
        return undecided(name, "No noise was tried.")
    wins = np.where(attack <= 0, noise > 0, (noise > 0) & (attack < noise))[compared]
    n, count = len(wins), int(wins.sum())
    text = f"The attack got further than the best of some random draws of the same budget on {count} of {n} images"
    if both.any():
        text += f" (and both took {int(both.sum())} more)"
    if count < BEATEN * n <= wilson(count, n).high * n:
        return Finding(name, False, f"{text}: {_too_few(n)} whether it is better than noise.")
    if wilson(count, n).high < BEATEN:
        return Finding(
            name,
            True,
            f"{text}: it is hardly better than noise, so what it leaves standing says nothing. "
            + (
                "Take the accuracy that another attack leaves (attack=square, attack=pgd)."
                if follows_gradients is False
                else "Look at the findings about gradients, and attack without them (attack=square)."
            ),
        )
    return Finding(name, False, f"{text}.")


def _too_few(n: int) -> str:
    """Words of a check that saw trouble, if it is no chance: the verdict goes by them."""
    return f"{n} image{'' if n == 1 else 's'} cannot tell"


def other_loss_takes_more(other: Values, images: int) -> Finding:
    """Whether Auto-PGD on differences of logits takes images that an attack on the cross-entropy left.

    Args:
        other: leads that it leaves on the images that stand; NaN where it was not run.
        images: how many were attacked in all.
    """
    name = "other loss takes more"
    leads = other[np.isfinite(other)]
    if not len(leads):
        return undecided(name, "No image stood, or the attack was not one on the cross-entropy for any wrong class.")
    n, broken = len(leads), int((leads <= 0).sum())
    text = f"Of {n} images that stand Auto-PGD on the differences of logits took {broken}"
    if wilson(broken, images).low > TAKEN:  # on robust networks losses differ by one or two points
        return Finding(
            name,
            True,
            f"{text}: the cross-entropy is a weak guide here, as where logits are scaled, or one of several networks "
            "answers. Take the accuracy that a better one leaves, of attack=apgd,loss=dlr or attack=pgd,loss=margin.",
        )
    if broken / images > WEAK_LOSS:
        return Finding(name, False, f"{text}: {_too_few(images)} whether the cross-entropy is a weak guide here.")
    return Finding(name, False, f"{text}: the cross-entropy leads about as far.")


def square_takes_more(
    attack: Values,
    square: Values,
    images: int,
    other: Values | None = None,
    follows_gradients: bool | None = True,
) -> Finding:
    """Whether a few hundred queries of Square take images that the attack left, or get further on most of them.

    Args:
        attack, square: leads on the images that stand, where each left them; NaN where Square was not run.
        images: how many were attacked in all.
        other: leads that Auto-PGD left on the differences of logits; NaN, or ``None``, where it was not run. What it
            can do, gradients can, whatever the attack's own loss made of them.
        follows_gradients: whether the attack asks for gradients, so that Square's lead is a sign of masked ones;
            ``None`` where it does not say.
    """
    name = "square takes more"
    is_tried = np.isfinite(square) & np.isfinite(attack)
    if not is_tried.any():
        return undecided(name, "No image stood, or Square was not run.")
    by_gradients = attack if other is None else np.fmin(attack, other)
    attack, square, by_gradients = attack[is_tried], square[is_tried], by_gradients[is_tried]
    n = len(square)

    def compared(leads: Values) -> tuple[int, int]:
        """How many images Square took that these leads say stand, and on how many it got further."""
        return int(((square <= 0) & (leads > 0)).sum()), int((square < leads).sum())

    broken, further = compared(by_gradients)
    against_loss, ahead_of_loss = compared(attack)
    text = f"Of {n} images that stand Square, which sees no gradient, took {against_loss}"
    if (against_loss, ahead_of_loss) != (broken, further):
        text += (
            f", and got further on {ahead_of_loss}; of what Auto-PGD on the differences of logits leaves of them it "
            f"took {broken}, and got further than both on {further}"
        )
    else:
        text += f", and got further on {further}"
    interval = wilson(further, n)
    if (broken > 1 and broken / images > TAKEN) or interval.low > 0.5:
        return Finding(
            name,
            True,
            f"{text}: {_WHY_SQUARE_LEADS[follows_gradients]}",
        )
    if further > n / 2:
        doubt = "gradients are masked" if follows_gradients else "the attack is too weak"
        return Finding(name, False, f"{text}: {_too_few(n)} whether {doubt}.")
    if interval.high >= 0.5:
        return Finding(name, False, f"{text}: neither is surely the stronger one.")
    stronger = "the attack with gradients" if follows_gradients else "the attack"
    return Finding(name, False, f"{text}: {stronger} is the stronger one.")


def hard_decision(jump: Values) -> Finding:
    """Whether logits jump where the answer changes, so that going along them does not lead there.

    Args:
        jump: the part of the lead's way, to a picture of something else, that it takes at once; NaN where none was
            tried.
    """
    name = "hard decision"
    jumps = jump[np.isfinite(jump)]
    if not len(jumps):
        return undecided(name, "No way to another answer was looked at.")
    share, middle = share_of(jumps > LARGE_JUMP), percent(float(np.median(jumps)))
    text = f"Where the answer changes, the lead of the label takes {middle} of its way at once (median)"
    if share > MANY:
        return Finding(
            name,
            True,
            f"{text}, and more than {percent(LARGE_JUMP)} on {percent(share)} of the images: the answer is decided by "
            "something that the logits do not show, and an attack on them goes astray. Attack what decides, or go by "
            "the answer alone (attack=hopskipjump).",
        )
    return Finding(name, False, f"{text}: the logits lead to it.")


def memory(change: Values, before: NDArray[np.bool_], after: Values) -> Finding:
    """Whether a copy of the network that has seen nothing else judges the attacked pictures otherwise.

    Args:
        change: largest difference of its logits, over the largest, an entry an image; NaN where no copy was had.
        before: whether the network under attack is right on each.
        after: the label's lead by the copy, above 0 where it is right.
    """
    name = "memory"
    has_copy = np.isfinite(change)
    if not has_copy.any():
        return undecided(
            name, "There was no copy of the network that has seen nothing else, so it may remember what it was shown."
        )
    was, now, moved = before[has_copy], after[has_copy] > 0, change[has_copy] > TOLD
    if share_of(moved) > FEW or bool((moved & (was != now)).any()):
        return Finding(
            name,
            True,
            f"A copy of the network that has seen nothing else is right on {percent(share_of(now))} of the same "
            f"attacked pictures, the network under attack on {percent(share_of(was))}: its answers depend on what it "
            "was shown before, and so does what an attack finds. Attack it without its memory.",
        )
    return Finding(name, False, "A copy of the network that has seen nothing else says the same of what was attacked.")


def claimed_logits(error: Values) -> Finding:
    """Whether an attack claimed logits that the judge does not find; the claim decides nothing, but its marks do.

    Args:
        error: largest difference over the largest logit, an entry an image.
    """
    if not len(error):
        return undecided("told logits", "The attack told no logits.")
    share = share_of(error > TOLD)
    if share > 0:
        return Finding(
            "told logits",
            True,
            f"On {percent(share)} of the images the attack told other logits than the network gives. Every score is by "
            "the network's. But an attack that misjudges itself may stop too early: report it to its author, unless "
            "the network answers otherwise now and then.",
        )
    return Finding("told logits", False, "What the attack told of its pictures is what the network says of them.")
