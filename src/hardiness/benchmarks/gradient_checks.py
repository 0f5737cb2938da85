"""Checks of gradients: zero, not finite, saturated, shattered, or not the network's own, and whether logits show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.check_wording import Values, percent, share_of, undecided
from hardiness.core.result import Finding

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
"""Such a slope over a thousandth of the range: an ordinary network curves, down to 0.3, but does not turn back."""

JUMP = 5.0
"""A piece of the way along which the network moves so many times as far as its gradient says."""

LOW_PRECISION = "low precision"

FORMATS = {2.0**-7: "bfloat16", 2.0**-10: "float16", 2.0**-23: "float32"}
"""Formats of numbers, by the distance from 1 to the next one."""


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
    measured = unseen[np.isfinite(unseen)]
    if len(measured):
        blind = share_of(measured > ZERO_GRADIENT)
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


def gradient_mismatch(slopes: Mapping[str, Values]) -> Finding:
    """Whether the gradient is not the network's slope: a backward pass of its own making.

    Args:
        slopes: measured slope along the gradient's sign over what the gradient says, by the place where it was
            measured, as people read it; NaN where it was not measured.
    """
    name = "gradient mismatch"
    places = {place: ratios[np.isfinite(ratios)] for place, ratios in slopes.items()}
    shares = {place: share_of((ratios < SLOPE_LOW) | (ratios > SLOPE_HIGH)) for place, ratios in places.items()}
    place = max(shares, key=lambda where: shares[where])
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


def with_precision(spacing: Values, is_blind: NDArray[np.bool_], slopes: Sequence[Finding]) -> list[Finding]:
    """The findings about slopes, after one on whether the logits are precise enough to show a slope.

    Where they are not, what is raised about slopes is a check that did not run: rounding looks the same.

    Args:
        spacing: the distance from 1 to the next number, in the coarsest format that holds an image's logits exactly;
            NaN where it was not looked at.
        is_blind: whether a step along an image's gradient would not show in its logits, at one of the places.
        slopes: the findings about slopes.
    """
    looked_at = spacing[np.isfinite(spacing)]
    if not len(looked_at):
        return [undecided(LOW_PRECISION, "The precision of the logits was not looked at."), *slopes]
    number_format = FORMATS[float(np.quantile(looked_at, 0.5, method="lower"))]
    has_doubt = share_of(is_blind) > MANY or any(finding.raised for finding in slopes)
    if number_format == "float32" or not has_doubt:
        return [Finding(LOW_PRECISION, False, f"The logits have the precision of {number_format}."), *slopes]
    text = f"The network computes in {number_format}, too coarse to tell rounding from a gradient that is not its slope"
    return [
        Finding(LOW_PRECISION, True, f"{text}. Run it in float32."),
        *(undecided(s.name, f"{text}.") for s in slopes),
    ]
