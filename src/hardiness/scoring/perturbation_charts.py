"""What a page shows of perturbation sequences: how often answers flip, beside the published models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness.core import Chart, Observer, Result, Score
from hardiness.core.chart import Dots
from hardiness.scoring.leaderboard import published_on, series_beside
from hardiness.scoring.superlatives import first, in_words, words

METRIC = "flip_probability"

LIMITS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where the axis may end: quarters of these are round."""


def flips(results: Sequence[Result]) -> list[Chart]:
    """Flip probability by perturbation, the most unsettling first."""
    observers = tuple(_observer(result) for result in results if result.scores)
    means: dict[str, list[float]] = {}
    for each in observers:
        for name, score in each.by_row.items():
            assert score.value is not None
            means.setdefault(name, []).append(score.value)
    if not means:
        return []
    rows = tuple(sorted(means, key=lambda name: (-sum(means[name]) / len(means[name]), name)))
    published = _published(results, rows)
    every = [score.value for each in (*observers, *published) for score in each.by_row.values() if score.value]
    every += [each.overall.interval.high for each in observers if each.overall and each.overall.interval]
    limit = next(end for end in LIMITS if end >= min(1.0, max(every, default=1.0)))
    caption = "Share of steps from frame to frame (for noises: from the first frame) at which the answer changes."
    title = _title({name: 100 * sum(means[name]) / len(means[name]) for name in rows})
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


def _title(shares: Mapping[str, float]) -> str:
    """Under what answers flip most, by what a reader sees of the shares of steps in per cent."""
    worst = first(shares, 1)
    share = f"at {shares[worst[0]]:.1f} % of the steps"
    if len(worst) == len(shares) > 1:
        return f"Answers flip as often under each: {share}"
    return f"Answers flip most under {in_words(map(words, worst), len(shares))}: {share}"


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
