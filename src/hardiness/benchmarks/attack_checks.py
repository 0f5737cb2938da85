"""Was the attack any good? The checks of a run under attack, and what its accuracy amounts to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import registry as attacks
from hardiness.core.attack_plan import Round, epsilon_text, usual_epsilon
from hardiness.core.condition import Condition
from hardiness.core.result import CANNOT_TELL, Finding, Interval, Score, doubt_of
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.statistics.intervals import wilson


def percent(share: float) -> str:
    """A fraction as people read it."""
    return f"{100 * share:.1f} %"


def share_of(hits: NDArray[np.bool_]) -> float:
    """The share of true entries; 0 of none."""
    return float(hits.mean()) if len(hits) else 0.0


def undecided(name: str, why: str) -> Finding:
    """A check that had nothing to look at, and so did not run."""
    return Finding(name, False, why, ran=False)


def bounds(interval: Interval) -> str:
    """An interval of fractions, as percentages."""
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"


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


WEAK_LOSS = 0.05
"""Share of the images that another loss must take to be told of where so few images are no proof of `TAKEN`."""


def other_loss_takes_more(other: Values, images: int) -> Finding:
    """Whether Auto-PGD on differences of logits takes images that an attack on the cross-entropy left.

    Args:
        other: leads that it leaves on the images that stand; NaN where it was not run.
        images: how many were attacked in all.
    """
    name = "other loss takes more"
    left = other[np.isfinite(other)]
    if not len(left):
        return undecided(name, "No image stood, or the attack was not one on the cross-entropy for any wrong class.")
    n, taken = len(left), int((left <= 0).sum())
    text = f"Of {n} images that stand Auto-PGD on the differences of logits took {taken}"
    if wilson(taken, images).low > TAKEN:  # on robust networks losses differ by one or two points
        return Finding(
            name,
            True,
            f"{text}: the cross-entropy is a weak guide here, as where logits are scaled, or one of several networks "
            "answers. Take the accuracy that a better one leaves, of attack=apgd,loss=dlr or attack=pgd,loss=margin.",
        )
    if taken / images > WEAK_LOSS:
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

    taken, further = compared(by_gradients)
    against_loss, ahead_of_loss = compared(attack)
    text = f"Of {n} images that stand Square, which sees no gradient, took {against_loss}"
    if (against_loss, ahead_of_loss) != (taken, further):
        text += (
            f", and got further on {ahead_of_loss}; of what Auto-PGD on the differences of logits leaves of them it "
            f"took {taken}, and got further than both on {further}"
        )
    else:
        text += f", and got further on {further}"
    interval = wilson(further, n)
    if (taken > 1 and taken / images > TAKEN) or interval.low > 0.5:
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


_WHY_SQUARE_LEADS = {
    True: "gradients are masked, so the attack is too weak. Take the lower accuracy of attack=square, and find what "
    "hides the gradient.",
    False: "the attack itself is too weak, as Square goes without gradients, too. Take the lower accuracy of "
    "attack=square, or give the attack more steps and a better search.",
    None: "the attack is too weak, or follows gradients that are masked. Take the lower accuracy of attack=square, and "
    "look at what the checks of the gradients say.",
}
"""What it means that Square gets further, and what to do, by whether the attack follows gradients."""


LARGE_JUMP = 0.25
"""Part of the lead's way that it takes at once where the answer changes; of ordinary networks below a hundredth."""


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


ZERO_GRADIENT = 0.1
"""Share of exact zeros in the gradients; networks with ReLUs have next to none."""

ALL_ZERO = 0.5
"""Share of exact zeros of one image's gradient above which it counts as hidden."""

FLAT = 0.01
"""Slope of the lead over that of the other logits' mean; ordinary networks of 10 to 1000 classes have 0.4 to 36."""

FEW, MANY = 0.1, 0.25
"""Shares of images at which a check is raised: FEW where ordinary networks have none, MANY where they have some."""

SLOPE_LOW, SLOPE_HIGH = 0.5, 2.0
"""A measured slope over the gradient's, at a ten-thousandth of the range; ordinary networks have 0.89 to 1.01."""

WIDE_SLOPE = 0.05
"""The same over a thousandth: an ordinary network's curves, down to 0.3, but does not turn back."""

JUMP = 5.0
"""A piece of the way along which the network moves so many times as far as its gradient says."""


def zero_gradients(zeros: Values, at_image: Values, of_lead: Values, unseen: Values) -> Finding:
    """Whether exact zeros hide the way.

    Args:
        zeros: mean share of exact zeros in the gradients that an attack followed.
        at_image, of_lead: the same of the loss's and the lead's gradient at the clean image; NaN where it was not
            looked at.
        unseen: share of values whose gradient is zero though the network changes with them; NaN where that was not
            asked, and then every zero counts.
    """
    share = float(zeros.mean()) if len(zeros) else 0.0
    text = f"{percent(share)} of the gradients' values were exactly zero"
    asked = unseen[np.isfinite(unseen)]
    if len(asked):
        blind = share_of(asked > ZERO_GRADIENT)
        of_network = float(np.nanmean(of_lead)) if np.isfinite(of_lead).any() else 0.0
        raised = blind > FEW or share - of_network > ZERO_GRADIENT
        if blind > FEW:
            where = (
                f"n {percent(blind)} of the images the network changes with many values that its gradient is zero for"
            )
            text = f"{text}; o{where}" if share > ZERO_GRADIENT else f"O{where}"
        elif share > ZERO_GRADIENT and not raised:
            text += ", but the network does not change with them either"
    else:
        hidden = share_of(at_image[np.isfinite(at_image)] > ALL_ZERO)
        raised = share > ZERO_GRADIENT or hidden > FEW
        if raised and share <= ZERO_GRADIENT:
            text = f"At {percent(hidden)} of the clean images most of the gradient is exactly zero"
    if raised:
        return Finding(
            "zero gradients",
            True,
            f"{text}: something hides the gradient (rounding, a threshold, a saturated loss), and the attack saw "
            "nothing. Give that step a backward pass (bpda=MODULE), or attack without gradients (attack=square).",
        )
    return Finding("zero gradients", False, f"{text}: the attack could see.")


def non_finite_gradients(finite: NDArray[np.bool_]) -> Finding:
    """Whether NaN or infinite gradients were met; ``finite`` says of each image that none was."""
    share = 1 - share_of(finite) if len(finite) else 0.0
    if share > 0:
        return Finding(
            "non-finite gradients",
            True,
            f"{percent(share)} of the attacks met NaN or infinite gradients, which were taken as zero. Find the "
            "operation that makes them (torch.autograd.set_detect_anomaly), or attack=square.",
        )
    return Finding("non-finite gradients", False, "Every gradient was finite.")


def saturated_logits(of_loss: Values, of_lead: Values, slope: Values) -> Finding:
    """Whether the cross-entropy, or the lead, has no gradient where the logits have one.

    Args:
        of_loss, of_lead: shares of exact zeros, at the clean image, in the gradient of the loss and of the lead.
        slope: of the lead, over that of the mean absolute value of all logits but the largest; NaN where neither has
            one, or where it was not looked at.
    """
    name = "saturated logits"
    is_measured = np.isfinite(of_loss) & np.isfinite(of_lead)
    if not is_measured.any():
        return undecided(name, "Gradients at the clean images were not looked at.")
    large = share_of((of_loss[is_measured] > ALL_ZERO) & (of_lead[is_measured] <= ALL_ZERO))
    if large > FEW:
        return Finding(
            name,
            True,
            f"At {percent(large)} of the images the logits have a gradient and the cross-entropy has none: logits this "
            "large saturate the softmax. Use a loss that does not see their scale: attack=apgd,loss=dlr or "
            "attack=pgd,loss=margin.",
        )
    bent = share_of(slope[is_measured] < FLAT)
    if bent > FEW:
        return Finding(
            name,
            True,
            f"At {percent(bent)} of the images the largest logits have next to no gradient and others have one: "
            "something bends or clips them, and the attack does not see how to change their order. Attack what stands "
            "before that step, give it a backward pass (bpda=MODULE), or attack without gradients (attack=square).",
        )
    return Finding(name, False, "The loss and the largest logits have a gradient wherever the logits have one.")


def gradient_mismatch(near: Values, away: Values) -> Finding:
    """Whether the gradient is not the network's slope: a backward pass of its own making.

    Args:
        near: measured slope along the gradient's sign over what the gradient says; NaN where it was not measured.
        away: the same off the levels of files, where an attack walks.
    """
    name = "gradient mismatch"
    places = {"at the image": near[np.isfinite(near)], "between the levels of files": away[np.isfinite(away)]}
    shares = {place: share_of((ratios < SLOPE_LOW) | (ratios > SLOPE_HIGH)) for place, ratios in places.items()}
    place = max(shares, key=lambda each: shares[each])
    ratios, off = places[place], shares[place]
    if not any(map(len, places.values())):
        return undecided(name, "There was no gradient to hold against a finite difference.")
    middle = float(np.median(ratios))
    text = f"A step along the gradient {place} changes the logits by {middle:.2f} of what it says (median)"
    if off > MANY:
        if SLOPE_LOW <= middle <= SLOPE_HIGH:
            text = (
                f"On {percent(off)} of the images a step along the gradient {place} changes the logits by less than "
                f"{SLOPE_LOW:g} or more than {SLOPE_HIGH:g} of what it says ({ratios.min():.3g} to {ratios.max():.3g})"
            )
        if middle < -SLOPE_LOW:
            kind = "the gradient points the wrong way"
        elif abs(middle) < SLOPE_LOW:
            kind = "the gradient is not that of the network (a straight-through step, or one that shatters it)"
        else:
            kind = "there the network does not do what its gradient says"
        return Finding(
            name,
            True,
            f"{text}: {kind}. Attack with a backward pass that fits (bpda=MODULE) and without gradients "
            "(attack=square), and compare.",
        )
    return Finding(name, False, f"{text}: the gradient is the network's slope.")


def shattered_gradients(wide: Values, jump: Values) -> Finding:
    """Whether the network jumps, or turns at once, so that a true gradient leads nowhere.

    Args:
        wide: as `gradient_mismatch`, over ten times the distance.
        jump: largest change along an eighth of that way, over what the gradient says.
    """
    name = "shattered gradients"
    is_measured = np.isfinite(wide) & np.isfinite(jump)
    if not is_measured.any():
        return undecided(name, "There was no gradient to follow.")
    jumps = share_of(jump[is_measured] > JUMP)
    turned = float(np.median(wide[is_measured]))
    todo = "Gradients of such a network mislead: smooth it (samples=20) or attack without them (attack=square)."
    if jumps > MANY:
        return Finding(
            name,
            True,
            f"On {percent(jumps)} of the images the logits jump by more than {JUMP:g} times what the gradient says "
            f"within a thousandth of the range: the network is discontinuous (k-winners, quantised inside). {todo}",
        )
    if turned < WIDE_SLOPE:
        return Finding(
            name,
            True,
            f"A thousandth of the range along the gradient the logits have moved by {turned:.2f} of what it says "
            f"(median): it turns at once. {todo}",
        )
    return Finding(name, False, f"Over a thousandth of the range {turned:.2f} of it is left: the surface is smooth.")


STILL_FALLING = 0.01
"""Share of images that may fall between the last two marks before the attack is called unfinished."""

LOSS_FALLING = 0.05
"""Part of the loss's whole way that may lie between the last two marks."""

LEAST_WAY = 1e-3
"""A whole way shorter than this part of the loss's size is no way."""

MOST_LEFT = 0.01
"""Share of images that may survive a budget that holds every image."""


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
        told = "one image" if near else "no image"
        return Finding(
            "loss",
            False,
            f"{text}, {percent(part)} of it between the last two marks; by as much again {told} would fall.",
        )
    if part > LOSS_FALLING:
        return Finding(
            "loss",
            True,
            f"{text}, and {percent(part)} of its fall lies between the last two marks: go on. "
            "Take more steps (steps=).",
        )
    return Finding("loss", False, f"{text}, and hardly moved between the last two marks.")


def must_break(standing: Sequence[tuple[str, float]]) -> Finding:
    """Whether images stand at budgets that hold any picture; how many, for each kind of attack there."""
    worst = max(standing, key=lambda each: each[1])
    told = ", ".join(f"{percent(share)} {kind}" for kind, share in standing)
    text = f"Where any picture can become any other there still stand: {told}"
    if worst[1] > MOST_LEFT:
        return Finding(
            "must break",
            True,
            f"{text}: the attack fails where it cannot fail, so no curve of it is a limit. "
            "Look at what the checks of the gradients say, and attack without them (attack=square).",
        )
    return Finding("must break", False, f"{text}: the attack works where it must.")


NOT_ROBUST = 0.5
"""Part of its clean accuracy that a model must keep at the strongest mark not to be called not robust."""

HOLDS = 0.1
"""What it may lose, with 95 % confidence, for a model to be said to hold; with no image lost that takes 35 of them."""


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


def at_chance(clean: NDArray[np.bool_], classes: int) -> Finding:
    """Whether clean accuracy is no better than drawing one of the classes."""
    interval, chance = wilson(int(clean.sum()), len(clean)), 1 / max(classes, 1)
    text = f"Without attack {percent(float(clean.mean()))} are right ({bounds(interval)}); chance is {percent(chance)}"
    if interval.low <= chance:
        return Finding(
            "at chance", True, f"{text}: a model that knows nothing loses nothing. Check weights, labels and view."
        )
    return Finding("at chance", False, f"{text}.")


def misclassified(clean: NDArray[np.bool_]) -> Finding:
    """How many images are wrong without any attack."""
    share = 1 - float(clean.mean())
    return Finding(
        "already misclassified",
        1 - share < NOT_ROBUST,
        f"{percent(share)} of the images are wrong without any attack, and count as wrong throughout.",
    )


def verdict(
    where: str,
    clean: NDArray[np.bool_],
    attacked: NDArray[np.bool_],
    findings: Sequence[Finding],
    steps: str = "",
    rules: str = "",
    unchecked: Mapping[str, str] | None = None,
) -> Finding:
    """What accuracy at the strongest mark amounts to; withdrawn where a check found the attack wanting.

    That a model falls is certain whatever the attack: its pictures are there, judged by the network itself.

    Args:
        where: the budget, as read.
        clean, attacked: whether each image is right, without and with the attack.
        findings: about the attack; those that are raised cast doubt on it.
        steps: how far the attack went, as read.
        rules: what of the protocol leaves more images standing than the usual attack would, as read.
        unchecked: the checks that did not run, each with the option that turned it off; empty where none did.
    """
    doubts = [each for each in findings if each.raised]
    before, after, n = float(clean.mean()), float(attacked.mean()), len(clean)
    interval = lost(clean, attacked)
    falls = "falls to" if percent(after) != percent(before) else "stays at"
    text = f"{where} accuracy {falls} {percent(after)}{steps}, from {percent(before)} clean{rules}"
    off = _listed(list(unchecked or {}))
    # That less than half is left is a finding about the model, so it is said only where the interval lies below.
    most, half = wilson(int(attacked.sum()), n).high, NOT_ROBUST * before
    names = ", ".join(each.name for each in doubts)
    if any(each.name == "at chance" for each in doubts):
        others = [each for each in doubts if each.name != "at chance"]  # of saturated logits many tie, and are nobody's
        more = f" What to do: {_advice(others[0])}" if others else ""
        return Finding("verdict", True, f"Withdrawn: {text}, and a model at chance has nothing to lose.{more}")
    if most < half and interval.low > 0:
        more = f" What was found ({names}) can only mean that it falls further." if doubts else ""
        more += f" Not checked: {off} did not run, so it may fall further." if off else ""
        return Finding("verdict", True, f"{text}: not robust (less than half is left).{more}")
    if doubts:
        todo = _advice(doubts[0])
        more = f"; not checked: {off}" if off else ""
        return Finding(
            "verdict", True, f"Withdrawn: {text}, but the attack cannot be trusted ({names}){more}. What to do: {todo}"
        )
    if unchecked:
        return Finding("verdict", True, f"Not checked: {text}, but {off} did not run, {_consequence(unchecked)}")
    if unclear := [each.name for each in findings if CANNOT_TELL in each.sentence]:
        return Finding(
            "verdict",
            True,
            f"{text}: cannot tell. {n} images are too few for what was seen ({', '.join(unclear)}) to be told from "
            "chance, and the attack may be too weak; more images (--limit) would say.",
        )
    if after < half:
        return Finding(
            "verdict",
            True,
            f"{text}: cannot tell whether less than half is left. With {n} images it may be up to {percent(most)}; "
            "more images (--limit) would say.",
        )
    if interval.low > 0:
        return Finding("verdict", False, f"{text}: it falls in part, by {bounds(interval)}.")
    if interval.high > HOLDS:
        return Finding(
            "verdict",
            True,
            f"{text}: cannot tell. With {n} images the loss may be up to {percent(max(interval.high, 0.0))}; more "
            "images (--limit) would say.",
        )
    return Finding("verdict", False, f"{text}: it holds, within {percent(max(interval.high, 0.0))}.")


def _consequence(unchecked: Mapping[str, str]) -> str:
    """The end of a sentence about what does not show without some checks, and a sentence about what to do."""
    options = list(dict.fromkeys(filter(None, unchecked.values())))
    if not options:
        return (
            "so a network that remembers what it was shown would not show. What to do: give the model by a name that "
            "can be loaded again, as py:FILE.py:NAME."
        )
    return f"so hidden gradients would not show. What to do: run it without {' and '.join(options)}."


_LEFT = re.compile(
    r"(accuracy goes from [\d.]+ % to [\d.]+ %|the white box [\d.]+ %)(?! \((?:withdrawn|not checked)\))"
)
"""Where other findings than the verdict say what an attack left."""


def with_doubt(findings: Sequence[Finding]) -> list[Finding]:
    """The findings; those that say what the attack left have the word where the verdict does not stand by it."""
    doubt = doubt_of(findings)
    if not doubt:
        return list(findings)
    return [replace(each, sentence=_LEFT.sub(rf"\1 ({doubt})", each.sentence)) for each in findings]


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def _advice(doubt: Finding) -> str:
    """The last sentence of a finding, or what stands behind its colon: the advice that each of them ends with."""
    return doubt.sentence.rstrip(".").rpartition(". ")[2].rpartition(": ")[2] + "."


MUST_BREAK = "must break"
ENSEMBLE = "autoattack"
LAST_MEMBER = {"standard": "+ square", "rand": "+ apgd-dlr", "plus": "+ fab-t"}
"""The member of each version after which the condition of the whole ensemble stands."""

UNITS = {"square": "queries", "sparse-rs": "queries", "hopskipjump": "queries"}
UNITS |= {"spatial": "tries", "universal-patch": "tries"}
"""What the steps of attacks without gradients are; those of all others are steps."""


@dataclass(frozen=True)
class Curve:
    """One round's rows by mark.

    Attributes:
        round: the round.
        steps: its marks that have rows, ascending.
        rows: boolean mask over all records for each of them.
        groups: the group of each mark's condition, or empty.
    """

    round: Round
    steps: tuple[int, ...]
    rows: tuple[NDArray[np.bool_], ...]
    groups: tuple[str, ...]

    @property
    def epsilon(self) -> float:
        """Its budget."""
        return float(self.round.epsilon)

    @property
    def budget(self) -> str:
        """The same as people write it."""
        return epsilon_text(self.epsilon)

    @property
    def length(self) -> float | None:
        """Length of one of its steps; ``None`` where the attack has no fixed one."""
        if self.round.attack != "pgd":
            return None
        options = self.round.options
        fixed = options.get("step")
        return float(fixed if fixed is not None else options.get("relative_step", 0.25) * self.epsilon)

    @property
    def rank(self) -> tuple[int, int, float]:
        """How well it stands for the run: most marks, most steps, nearest to the usual budget."""
        return len(self.steps), self.steps[-1], -abs(self.epsilon - usual_epsilon(self.round.targeted))

    @property
    def unit(self) -> str:
        """What its steps are."""
        return "members of the ensemble" if self.members else UNITS.get(self.round.attack, "steps")

    @property
    def members(self) -> tuple[str, ...]:
        """Of an ensemble, what had been run at each mark; empty for other attacks."""
        if self.round.attack != ENSEMBLE:
            return ()
        return tuple(group or LAST_MEMBER[self.round.options.get("variant", "standard")] for group in self.groups)

    @property
    def follows_gradients(self) -> bool | None:
        """Whether its attack asks for gradients; ``None`` where it does not say, or is not there to be asked."""
        if self.members:
            return True
        attack = attacks.get(self.round.attack) if self.round.attack in attacks else None
        return getattr(attack, "gradients", None)

    @property
    def must_break(self) -> bool:
        """Whether its budget holds any picture."""
        return self.groups[-1].startswith(MUST_BREAK)

    @property
    def kind(self) -> str:
        """In which way a budget that holds everything was used."""
        norm = {"linf": "", "l2": " in L2"}.get(self.round.norm, f" in {self.round.norm}")
        return ("targeted" if self.round.targeted else "untargeted") + norm

    def ensemble_finding(self, accuracies: Sequence[float]) -> Finding:
        """Whether FAB or Square, on who is left, took more than the leader of gradient attacks should leave."""
        name = "ensemble members"
        lost = {member: accuracies[i] - accuracies[i + 1] for i, member in enumerate(self.members[1:])}
        square, fab, images = (
            lost.get("+ square", 0.0),
            max(lost.get("+ fab-t", 0.0), lost.get("+ fab", 0.0)),
            int(self.rows[-1].sum()),
        )
        text = f"After APGD, FAB took {100 * fab:.1f} % and Square {100 * square:.1f} % of {images} images"
        if max(fab, square) > TAKEN and round(max(fab, square) * images) > 1:
            which = "Square, which sees no gradient," if square >= fab else "FAB"
            return Finding(
                name,
                True,
                f"{text}: {which} finds what APGD does not, so gradients are masked and the rest may fall too. Adapt "
                "the attack to the model (bpda=MODULE, samples=20).",
            )
        return Finding(name, False, f"{text}: APGD leads, as it should.")

    def rules(self) -> str:
        """What of a round leaves more images standing than an attack for any wrong class would, in words."""
        if not self.round.targeted:
            return ""
        if self.round.failed == "clean":
            return ", by a targeted attack whose failures are scored clean (protocol=standard does neither)"
        return ", by a targeted attack"


def curves_of(records: Records, run: Run) -> list[Curve]:
    """A curve for each round that has rows; none of a run that attacks another model."""
    if run.surrogate or "step" not in records:
        return []
    conditions = list(run.conditions)
    curves = []
    for each in run.attack:
        rows = {s: np.asarray(records["condition"] == conditions.index(each.marks[s])) for s in sorted(each.marks)}
        filled = {steps: mask for steps, mask in rows.items() if mask.any()}
        if filled and each.epsilon > 0:
            groups = tuple(str(each.marks[steps].get("group", "")) for steps in filled)
            curves.append(Curve(each, tuple(filled), tuple(filled.values()), groups))
    return curves


def longest_of(curves: Sequence[Curve]) -> Curve | None:
    """The curve that the verdict is about: most marks, most steps, nearest to the usual budget."""
    return max((curve for curve in curves if not curve.must_break), key=lambda curve: curve.rank, default=None)


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
    conclusion = _conclusion(records, run, longest, findings, _unchecked(records, run, longest))
    return with_doubt([*findings, *conclusion])


def _right(records: Records) -> NDArray[np.bool_]:
    return np.asarray(records["prediction"] == records["label"])


def _of_strength(records: Records, curves: Sequence[Curve], longest: Curve) -> list[Finding]:
    """Reach, steps, restarts and loss; of an ensemble, what its members took after each other."""
    right = _right(records)
    accuracies = [float(right[rows].mean()) for rows in longest.rows]
    if longest.round.attack == ENSEMBLE:
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
    """A column's values, NaN where a run has none of that name."""
    values = records[name] if name in records else np.full(len(records), np.nan, np.float32)
    column: NDArray[np.floating] = values[rows].astype(np.float64)
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
    near = _column(records, "slope_ratio", beside)
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
    away = _column(records, "away_slope_ratio", beside)
    return [*findings, gradient_mismatch(near, away), shattered_gradients(wide, jump)]


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
    if curve.round.attack != ENSEMBLE:
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
    right, standing = _right(records), []
    for curve in curves:
        if curve.must_break:
            rows = curve.rows[-1]
            left = ~records["success"][rows] if curve.round.targeted else right[rows]
            standing.append((curve.kind, float(left.mean())))
    return must_break(standing)


def _unchecked(records: Records, run: Run, curve: Curve) -> dict[str, str]:
    """The checks of this kind of attack that did not run, each with the option that turned it off, if one did."""
    options = {}
    if run.benchmark.options.get("must_break") is False and curve.round.attack not in UNITS:
        options["must break"] = "must_break=false"
    if not _checked(records).any():
        square = ["Square"] if curve.round.attack != ENSEMBLE else []
        options |= dict.fromkeys(["noise", *square, "slopes", "repeated passes", "memory"], "cross_checks=false")
    elif "afresh_change" in records and not np.isfinite(records["afresh_change"]).any() and not _random(records):
        options["memory"] = ""  # rows of before this check say nothing of it
    return options


def _conclusion(
    records: Records, run: Run, curve: Curve, findings: Sequence[Finding], unchecked: Mapping[str, str]
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
