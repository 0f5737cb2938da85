"""The verdict on accuracy under attack, once all checks are in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.check_wording import bounds, percent
from hardiness.benchmarks.gradient_checks import LOW_PRECISION
from hardiness.benchmarks.strength_checks import TOO_SHORT
from hardiness.core.result import CANNOT_TELL, Finding, doubt_of
from hardiness.core.spread import Interval
from hardiness.statistics.intervals import wilson

NOT_ROBUST = 0.5
"""Part of its clean accuracy that a model must keep at the strongest mark not to be called not robust."""

HOLDS = 0.1
"""The most that a model which holds may lose, with 95 % confidence; with no image lost that takes 35 of them."""

_LEFT = re.compile(
    r"(accuracy goes from [\d.]+ % to [\d.]+ %|the white box [\d.]+ %)(?! \((?:withdrawn|not checked|upper bound)\))"
)
"""The places in other findings than the verdict that give the accuracy which an attack left."""


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
    """The verdict on accuracy at the strongest mark; withdrawn where a check found the attack wanting.

    It is an upper bound where the attack was only too short.
    That a model falls is certain whatever the attack: its pictures are there, judged by the network itself.

    Args:
        where: the budget, as read.
        clean, attacked: whether each image is right, without and with the attack.
        findings: about the attack; those that are raised cast doubt on it.
        steps: how far the attack went, as read.
        rules: of the protocol that leave more images standing than the usual attack would, as read.
        unchecked: the checks that did not run, each with how to run the model so that they do; empty where none did.
    """
    doubts = [finding for finding in findings if finding.raised and finding.name != LOW_PRECISION]
    masks = [finding for finding in doubts if finding.name not in TOO_SHORT]
    before, after, n = float(clean.mean()), float(attacked.mean()), len(clean)
    interval = lost(clean, attacked)
    falls = "falls to" if percent(after) != percent(before) else "stays at"
    text = f"{where} accuracy {falls} {percent(after)}{steps}, from {percent(before)} clean{rules}"
    off = _listed(list(unchecked or {}))
    # That less than half is left is a finding about the model, so it is said only where the interval lies below.
    most, half = wilson(int(attacked.sum()), n).high, NOT_ROBUST * before
    names = ", ".join(finding.name for finding in doubts)
    if any(finding.name == "at chance" for finding in doubts):
        others = [
            finding for finding in doubts if finding.name != "at chance"
        ]  # of saturated logits many tie, and are nobody's
        more = f" What to do: {_advice(others[0])}" if others else ""
        return Finding("verdict", True, f"Withdrawn: {text}, and a model at chance has nothing to lose.{more}")
    if most < half and interval.low > 0:
        more = f" What was found ({names}) can only mean that it falls further." if doubts else ""
        more += f" Not checked: {off} did not run, so it may fall further." if off else ""
        return Finding("verdict", True, f"{text}: not robust (less than half is left).{more}")
    if masks:
        todo = _advice(masks[0])
        more = f"; not checked: {off}" if off else ""
        return Finding(
            "verdict", True, f"Withdrawn: {text}, but the attack cannot be trusted ({names}){more}. What to do: {todo}"
        )
    if unchecked:
        return Finding("verdict", True, f"Not checked: {text}, but {off} did not run, {_consequence(unchecked)}")
    if doubts:
        return Finding(
            "verdict",
            True,
            f"Upper bound: {text}, and a longer attack would take more ({names}). What to do: {_advice(doubts[0])}",
        )
    if unclear := [finding.name for finding in findings if CANNOT_TELL in finding.sentence]:
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
    ways = list(dict.fromkeys(filter(None, unchecked.values())))
    if not ways:
        return (
            "so a network that remembers what it was shown would not show. What to do: give the model by a name that "
            "can be loaded again, as py:FILE.py:NAME."
        )
    return f"so hidden gradients would not show. What to do: run it {' and '.join(ways)}."


def with_doubt(findings: Sequence[Finding]) -> list[Finding]:
    """The findings; those with the accuracy that the attack left name the doubt where the verdict has one."""
    doubt = doubt_of(findings)
    if not doubt:
        return list(findings)
    return [replace(finding, sentence=_LEFT.sub(rf"\1 ({doubt})", finding.sentence)) for finding in findings]


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def _advice(doubt: Finding) -> str:
    """The last sentence of a finding, or what stands behind its colon: the advice that each of them ends with."""
    return doubt.sentence.rstrip(".").rpartition(". ")[2].rpartition(": ")[2] + "."
