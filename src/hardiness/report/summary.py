"""Sentences on what was found of each model, folded below the overview of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.benchmarks.accuracy_warnings import is_part
from hardiness.core.fact import Trust
from hardiness.core.result import Result
from hardiness.report import format as formatting
from hardiness.report.marks import has_random_weights
from hardiness.report.section import ModelSentence
from hardiness.report.sections import BenchmarkSection
from hardiness.statistics.comparison import FEWEST

MOST = 6
"""Things that are said of a model at most."""

KIND = 10
"""Sections whose places share their tens are one kind of experiment."""


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
            if has_random_weights(results[saying.model]):
                by_model.setdefault(saying.model, {})[0] = "has random weights: its answers mean nothing"
                continue
            text = f"{saying.text} ({_footing(saying, results[saying.model])})"
            by_model.setdefault(saying.model, {}).setdefault(section.section.place // KIND, text)
    return [Sentence(model, _sentence_of(list(parts.values())[:MOST])) for model, parts in by_model.items()]


def _footing(saying: ModelSentence, result: Result) -> str:
    """How many images are behind what was found, whether they are a part, and what so few of them leave open."""
    score = saying.score
    n = score.n if score else result.counts.images
    parts = [f"n = {score.n_text if score else result.n_text}"]
    if is_part(result):
        parts.append("partial")
    if result.trust is Trust.CANNOT_TELL:
        parts.append("cannot tell")
    if n < FEWEST and score:
        bounds = formatting.interval(score.interval, score.unit) if score.interval else "unknown"
        parts.append(f"95 % interval of {saying.title}: {bounds}")
    return ", ".join(parts)


def _sentence_of(parts: Sequence[str]) -> str:
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{text}.".replace(" %", "\u00a0%").replace("ε ", "ε\u00a0").replace("n = ", "n\u00a0=\u00a0")
