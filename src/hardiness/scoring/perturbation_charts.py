"""What a page shows of perturbation sequences: how often answers flip, beside the published models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness.core import Chart, Interval, Observer, Result, Score
from hardiness.core.section import Dots
from hardiness.scoring.leaderboard import published_on, series_beside
from hardiness.scoring.superlatives import ends_apart, in_words, mean_intervals, words

METRIC = "flip_probability"

LIMITS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where the axis may end: quarters of these are round."""


def flips(results: Sequence[Result]) -> list[Chart]:
    """Flip probability by perturbation, the most unsettling first."""
    observers = tuple(_observer(result) for result in results if result.scores)
    scores: dict[str, list[Score]] = {}
    for each in observers:
        for name, score in each.by_row.items():
            scores.setdefault(name, []).append(score)
    if not scores:
        return []
    means = {name: sum(score.value or 0.0 for score in each) / len(each) for name, each in scores.items()}
    rows = tuple(sorted(means, key=lambda name: (-means[name], name)))
    published = _published(results, rows)
    every = [score.value for each in (*observers, *published) for score in each.by_row.values() if score.value]
    every += [each.overall.interval.high for each in observers if each.overall and each.overall.interval]
    limit = next(end for end in LIMITS if end >= min(1.0, max(every, default=1.0)))
    caption = "Share of steps from frame to frame (for noises: from the first frame) at which the answer changes."
    title = _title({name: means[name] for name in rows}, mean_intervals(scores))
    return [
        Dots(
            "flip_probability",
            title,
            caption,
            "flip probability ↓ better",
            ("steadier", ""),
            "all that were run",
            rows,
            observers,
            None,
            published,
            limit,
            grey=f"Grey strokes: the five ResNeXts as published, {published_on(results)}.",
        )
    ]


def _title(shares: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """Under what answers flip most, by shares of the steps; a range where most and least are not apart."""
    names = list(shares)
    shown = {name: f"{100 * share:.1f}" for name, share in shares.items()}
    most, least = shown[names[0]], shown[names[-1]]
    if len(names) == 1:
        return f"Answers flip under {words(names[0])} at {most} % of the steps"
    if most == least:
        return f"Answers flip as often under each: at {most} % of the steps"
    if not (apart := ends_apart(shares, intervals)):
        return f"Answers flip at {least} to {most} % of the steps, by perturbation"
    worst = " to ".join(dict.fromkeys(shown[name] for name in reversed(apart[0])))
    return f"Answers flip most under {in_words(map(words, apart[0]), len(names))}: at {worst} % of the steps"


def _observer(result: Result) -> Observer:
    found = {s.condition: s for s in result.scores if s.metric == METRIC and s.value is not None}
    by_row = {condition["perturbation"]: s for condition, s in found.items() if set(condition) == {"perturbation"}}
    overall = next((s for condition, s in found.items() if not condition), None)
    return Observer(result.name, overall, by_row)


def _published(results: Sequence[Result], rows: Sequence[str]) -> tuple[Observer, ...]:
    made = []
    for model, values in series_beside(results, METRIC).items():
        scores = [(row.condition, Score(METRIC, row.value, row.unit, row.n, higher_is_better=False)) for row in values]
        by_row = {c["perturbation"]: s for c, s in scores if set(c) == {"perturbation"} and c["perturbation"] in rows}
        made.append(Observer(model, next((s for c, s in scores if not c), None), by_row))
    return tuple(made)
