"""Verdicts of equivalence as sentences."""

from __future__ import annotations

from hardiness.core.result import IN_PERCENT
from hardiness.report.words import text
from hardiness.results.equivalence import PairEquivalence
from hardiness.statistics.comparison import Difference
from hardiness.statistics.verdicts import EQUIVALENCE_LEVEL, equivalence_outcome, least_margin


def equivalence_sentence(pair: PairEquivalence) -> str:
    """The verdict on two models with its margin and what it rests on."""
    return f"{pair.first} and {pair.second}: {verdict_text(pair.difference, pair.margin, pair.title, pair.unit)}"


def verdict_text(difference: Difference, margin: float, title: str, unit: str) -> str:
    """A verdict in words: the outcome, the margin, the difference and the interval that decides."""
    scale, points = (100.0, " points") if unit in IN_PERCENT else (1.0, "")
    spread, outcome = difference.spread, equivalence_outcome(difference.spread, margin)
    about = f"{outcome}: equivalent within {scale * margin:.3g}{points} by {title}?"
    if spread is None:
        return f"{about} No interval: {text(difference.lack)}"
    interval = spread.deciding_ends(EQUIVALENCE_LEVEL)
    ends = " … ".join(f"{scale * end:+z.2f}" for end in (interval.low, interval.high))
    over = f" in {difference.clusters:,} clusters" if difference.clusters else ""
    allowing = ", allowing for unseen losses" if spread.allows_for_unseen else ""
    told = (
        f"{about} Difference {scale * difference.value:+z.2f} (90 %{allowing}: {ends}), {difference.n:,} images{over}"
    )
    if spread.bound is None:
        told += "; nothing bounds how far one image moves it, so that it allows for no large losses which were not seen"
    if outcome == "cannot tell":
        told += f"; they show no margin below {scale * least_margin(spread):.2f}{points}"
    return told
