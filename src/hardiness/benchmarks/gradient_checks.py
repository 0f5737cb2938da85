"""Checks of gradients: zero, not finite, saturated, shattered, or not the network's own, and whether logits show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import AttackCheck
from hardiness.core.fact import CheckOutcome, Fact

Values = NDArray[np.floating]

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

FORMATS = {2.0**-7: "bfloat16", 2.0**-10: "float16", 2.0**-23: "float32"}
"""Formats of numbers, by the distance from 1 to the next one."""


def share_of(hits: NDArray[np.bool_]) -> float:
    """The share of true entries; 0 of none."""
    return float(hits.mean()) if len(hits) else 0.0


def raised_if(is_raised: bool) -> CheckOutcome:
    """The outcome of a check that found something, or nothing."""
    return CheckOutcome.RAISED if is_raised else CheckOutcome.CLEAR


def zero_gradients(zeros: Values, at_image: Values, of_lead: Values, unseen: Values) -> Fact:
    """Whether exact zeros hide the way.

    Args:
        zeros: mean share of exact zeros in the gradients that an attack followed.
        at_image, of_lead: the same of the loss's and the lead's gradient at the clean image; NaN where it was not
            looked at.
        unseen: share of values whose gradient is zero though the network changes with them; NaN where that was not
            asked, and then every zero counts.
    """
    share = float(zeros.mean()) if len(zeros) else 0.0
    measured = unseen[np.isfinite(unseen)]
    arguments = {"share": share, "has_many": share > ZERO_GRADIENT}
    if len(measured):
        blind = share_of(measured > ZERO_GRADIENT)
        of_network = float(np.nanmean(of_lead)) if np.isfinite(of_lead).any() else 0.0
        raised = blind > FEW or share - of_network > ZERO_GRADIENT
        if blind > FEW:
            arguments["blind"] = blind
    else:
        hidden = share_of(at_image[np.isfinite(at_image)] > ALL_ZERO)
        raised = share > ZERO_GRADIENT or hidden > FEW
        if raised and share <= ZERO_GRADIENT:
            arguments["hidden"] = hidden
    return Fact(AttackCheck.ZERO_GRADIENTS, arguments, outcome=raised_if(raised))


def non_finite_gradients(finite: NDArray[np.bool_]) -> Fact:
    """Whether NaN or infinite gradients were met; ``finite`` says of each image that none was."""
    share = 1 - share_of(finite) if len(finite) else 0.0
    return Fact(AttackCheck.NON_FINITE_GRADIENTS, {"share": share}, outcome=raised_if(share > 0))


def saturated_logits(of_loss: Values, of_lead: Values, slope: Values) -> Fact:
    """Whether the cross-entropy, or the lead, has no gradient where the logits have one.

    Args:
        of_loss, of_lead: shares of exact zeros, at the clean image, in the gradient of the loss and of the lead.
        slope: of the lead, over that of the mean absolute value of all logits but the largest; NaN where neither has
            one, or where it was not looked at.
    """
    is_measured = np.isfinite(of_loss) & np.isfinite(of_lead)
    if not is_measured.any():
        return Fact(AttackCheck.SATURATED_LOGITS, outcome=CheckOutcome.NOT_RUN)
    large = share_of((of_loss[is_measured] > ALL_ZERO) & (of_lead[is_measured] <= ALL_ZERO))
    if large > FEW:
        return Fact(AttackCheck.SATURATED_LOGITS, {"large": large}, outcome=CheckOutcome.RAISED)
    bent = share_of(slope[is_measured] < FLAT)
    return Fact(AttackCheck.SATURATED_LOGITS, {"bent": bent}, outcome=raised_if(bent > FEW))


def gradient_mismatch(slopes: Mapping[str, Values]) -> Fact:
    """Whether the gradient is not the network's slope: a backward pass of its own making.

    Args:
        slopes: measured slope along the gradient's sign over what the gradient says, by the place where it was
            measured; NaN where it was not measured.
    """
    places = {place: ratios[np.isfinite(ratios)] for place, ratios in slopes.items()}
    shares = {place: share_of((ratios < SLOPE_LOW) | (ratios > SLOPE_HIGH)) for place, ratios in places.items()}
    place = max(shares, key=lambda where: shares[where])
    ratios, off = places[place], shares[place]
    if not any(map(len, places.values())):
        return Fact(AttackCheck.GRADIENT_MISMATCH, outcome=CheckOutcome.NOT_RUN)
    ends = {"median": float(np.median(ratios)), "least": float(ratios.min()), "most": float(ratios.max())}
    arguments = {"place": place, "off": off, **ends, "low": SLOPE_LOW, "high": SLOPE_HIGH}
    return Fact(AttackCheck.GRADIENT_MISMATCH, arguments, outcome=raised_if(off > MANY))


def shattered_gradients(wide: Values, jump: Values) -> Fact:
    """Whether the network jumps, or turns at once, so that a true gradient leads nowhere.

    Args:
        wide: as `gradient_mismatch`, over ten times the distance.
        jump: largest change along an eighth of that way, over what the gradient says.
    """
    is_measured = np.isfinite(wide) & np.isfinite(jump)
    if not is_measured.any():
        return Fact(AttackCheck.SHATTERED_GRADIENTS, outcome=CheckOutcome.NOT_RUN)
    jumps = share_of(jump[is_measured] > JUMP)
    if jumps > MANY:
        return Fact(AttackCheck.SHATTERED_GRADIENTS, {"jumps": jumps, "times": JUMP}, outcome=CheckOutcome.RAISED)
    turned = float(np.median(wide[is_measured]))
    return Fact(AttackCheck.SHATTERED_GRADIENTS, {"left": turned}, outcome=raised_if(turned < WIDE_SLOPE))


def with_precision(spacing: Values, is_blind: NDArray[np.bool_], slopes: Sequence[Fact]) -> list[Fact]:
    """The facts about slopes, after one on whether the logits are precise enough to show a slope.

    Where they are not, what is raised about slopes is a check that did not run: rounding looks the same.

    Args:
        spacing: the distance from 1 to the next number, in the coarsest format that holds an image's logits exactly;
            NaN where it was not looked at.
        is_blind: whether a step along an image's gradient would not show in its logits, at one of the places.
        slopes: the facts about slopes.
    """
    looked_at = spacing[np.isfinite(spacing)]
    if not len(looked_at):
        return [Fact(AttackCheck.LOW_PRECISION, outcome=CheckOutcome.NOT_RUN), *slopes]
    arguments = {"number_format": FORMATS[float(np.quantile(looked_at, 0.5, method="lower"))]}
    has_doubt = share_of(is_blind) > MANY or any(fact.is_raised for fact in slopes)
    if arguments["number_format"] == "float32" or not has_doubt:
        return [Fact(AttackCheck.LOW_PRECISION, arguments, outcome=CheckOutcome.CLEAR), *slopes]
    return [
        Fact(AttackCheck.LOW_PRECISION, arguments, outcome=CheckOutcome.RAISED),
        *(Fact(fact.code, arguments, outcome=CheckOutcome.NOT_RUN) for fact in slopes),
    ]
