"""Does something that needs no gradient do as well? Noise, Square, a second pass, and what the attack told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Finding
from hardiness.scoring.attack_checks import percent, share_of, untold
from hardiness.scoring.intervals import wilson

Values = NDArray[np.floating]

REPEATED = 1e-4
"""Largest difference of several passes' logits, as a share of the largest; rounding on one device gives none at all."""

TOLD = 1e-2
"""The same of what an attack told and what the judge found."""

BEATEN = 0.75
"""Share of images on which an attack must do better than noise; ordinary and robust networks are above 0.88."""

TAKEN = 0.02
"""Share of the images that an attack without gradients may take from those that stand."""


def randomised(change: Values, samples: int) -> Finding:
    """Whether several passes of the same picture gave other logits.

    Args:
        change: largest difference over the largest logit, an entry an image; NaN where it was not asked again.
        samples: passes that the attack's gradients were means of.
    """
    name, known = "randomised", change[np.isfinite(change)]
    if not len(known):
        return untold(name, "The network was asked once, so nothing is known of its chance.")
    if share_of(known > REPEATED) > 0:
        text = f"Passes of one picture differ by up to {percent(float(known.max()))} of the largest logit"
        if samples > 1:
            return Finding(name, False, f"{text}: the network draws at random; gradients were means of {samples}.")
        return Finding(
            name,
            True,
            f"{text}: the network draws at random, and an attack on one draw is no attack on the next. Use means of "
            "several passes: attack=pgd,samples=20, or autoattack:version=rand.",
        )
    return Finding(name, False, "Several passes of one picture give the same logits.")


def weaker_than_noise(clean: Values, attack: Values, noise: Values) -> Finding:
    """Whether noise of the same budget does as much: an attack that does not beat noise is no attack.

    Args:
        clean, attack, noise: an image's lead (negative once it has fallen) without attack, where the attack left it,
            and under the best draw of noise; NaN where nothing was drawn.
    """
    name = "weaker than noise"
    open_ = np.isfinite(clean) & np.isfinite(attack) & np.isfinite(noise) & (clean > 0)
    both = open_ & (attack <= 0) & (noise <= 0)
    compared = open_ & ~both
    if not compared.any():
        if both.any():
            return Finding(name, False, "Noise of the same budget takes every image as well.")
        return untold(name, "No noise was tried.")
    wins = np.where(attack <= 0, noise > 0, (noise > 0) & (attack < noise))[compared]
    n, count = len(wins), int(wins.sum())
    text = f"The attack got further than the best of some random draws of the same budget on {count} of {n} images"
    if both.any():
        text += f" (and both took {int(both.sum())} more)"
    if wilson(count, n).high < BEATEN:
        return Finding(
            name,
            True,
            f"{text}: it is hardly better than noise, so what it leaves standing says nothing. Look at the findings "
            "about gradients, and attack without them (attack=square).",
        )
    return Finding(name, False, f"{text}.")


def square_takes_more(attack: Values, square: Values, images: int) -> Finding:
    """Whether a few hundred queries of Square take images that the attack left, or get further on most of them.

    Args:
        attack, square: leads on the images that stand, where each left them; NaN where Square was not run.
        images: how many were attacked in all.
    """
    name = "square takes more"
    known = np.isfinite(square) & np.isfinite(attack)
    if not known.any():
        return untold(name, "No image stood, or Square was not run.")
    attack, square = attack[known], square[known]
    n, taken, further = len(square), int((square <= 0).sum()), int((square < attack).sum())
    text = f"Of {n} images that stand Square, which sees no gradient, took {taken}, and got further on {further}"
    if (taken > 1 and taken / images > TAKEN) or wilson(further, n).low > 0.5:
        return Finding(
            name,
            True,
            f"{text}: gradients are masked, so the attack is too weak. Take the lower accuracy of attack=square, and "
            "find what hides the gradient.",
        )
    return Finding(name, False, f"{text}: the attack with gradients is the stronger one.")


def told_logits(error: Values) -> Finding:
    """Whether an attack told logits that the judge does not find; what it says decides nothing, but its marks do.

    Args:
        error: largest difference over the largest logit, an entry an image.
    """
    if not len(error):
        return untold("told logits", "The attack told no logits.")
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
