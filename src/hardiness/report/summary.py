"""The sentences with which a page begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hardiness.core.result import Result, Score, trust
from hardiness.report import format as formatting
from hardiness.report.section import ModelSentence
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.statistics.comparison import FEWEST

MOST = 6
"""Things that are said of a model at most."""

KIND = 10
"""Sections whose places share their tens are one kind of experiment."""

RULE = (
    "Each sentence takes, of every kind of experiment in the order of the paper, what its first section found, with "
    f"the number of images and, below {FEWEST}, the 95 % interval. "
    "The last words compare the model with the next one by the score that stands first in the overview. "
    "A lead is called within chance where a paired test on the same images does not tell the two apart (at 5 %)."
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Findings about one model: the rest of a sentence that begins with its name."""

    model: str
    text: str


def summary(shown: Sequence[BenchmarkSection]) -> list[Sentence]:
    """A sentence for each model of which anything was found, in the order of their first section."""
    by_model: dict[str, dict[int, str]] = {}
    for section in shown:
        results = {result.name: result for result in section.results}
        for saying in section.section.sayings:
            text = (
                f"{saying.text} ({_footing(saying, results[saying.model])}){f'; {saying.more}' if saying.more else ''}"
            )
            by_model.setdefault(saying.model, {}).setdefault(section.section.place // KIND, text)
    leads = _leads(shown[0], len(shown) > 1) if shown else {}
    return [
        Sentence(model, _sentence_of(list(parts.values())[:MOST], leads.get(model, "")))
        for model, parts in by_model.items()
    ]


def _footing(saying: ModelSentence, result: Result) -> str:
    """How many images are behind what was found, whether they are a part, and what so few of them leave open."""
    score = saying.score
    n = score.n if score else result.counts.images
    parts = [f"n = {n:,}"]
    if not result.counts.complete:
        parts.append("partial")
    if trust(result.findings) == "cannot tell":
        parts.append("cannot tell")
    if n < FEWEST and score:
        bounds = formatting.interval(score.interval, score.unit) if score.interval else "unknown"
        parts.append(f"95 % interval of {saying.title}: {bounds}")
    return ", ".join(parts)


def _sentence_of(parts: Sequence[str], lead: str) -> str:
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return (
        f"{text}{f'; {lead}' if lead else ''}.".replace(" %", "\u00a0%")
        .replace("ε ", "ε\u00a0")
        .replace("n = ", "n\u00a0=\u00a0")
    )


def _leads(shown: BenchmarkSection, is_one_of_several: bool) -> dict[str, str]:
    """A comparison of each model but the last with the next one: whether its lead is more than chance.

    The score is named, as the numbers before may be of others, and the section where there are more.
    """
    column = shown.section.headline
    if column is None:
        return {}
    scores = [(result, score) for result in shown.results if (score := score_of(result, column))]
    scored = [(result, score) for result, score in scores if score.interval and not score.doubt]
    scored.sort(key=lambda each: _value(each[1]), reverse=column.higher_is_better)
    leads = {}
    where = f" on {shown.results[0].benchmark}" if is_one_of_several else ""
    for (better, score), (worse, other) in pairwise(scored):
        if _value(score) == _value(other):
            continue
        how = "more than chance" if shown.is_told_apart(column, better, worse) else "within chance"
        leads[better.name] = f"by {column.title}{where}, its lead over {worse.name} is {how}"
    return leads


def _value(score: Score) -> float:
    return score.value if score.value is not None else 0.0
