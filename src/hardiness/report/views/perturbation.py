"""ImageNet-P: how often answers flip, by perturbation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardiness.benchmarks.presentation import words
from hardiness.benchmarks.sequence_measures import DISTANCES, FLIP_PROBABILITY, FLIPS
from hardiness.core.result import Result, Score
from hardiness.core.spread import Interval
from hardiness.report.charts import Chart, Dots, Grid, Observer
from hardiness.report.headings import ends_apart, in_words, mean_intervals
from hardiness.report.published_beside import published_on, series_beside
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

LIMITS = (0.04, 0.08, 0.12, 0.16, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Ends of the axis, whose quarters are round."""


@register("perturbation")
class PerturbationView(CardView):
    """Flips by perturbation, and the share of answers that stay."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Flip probability by perturbation, and for each model a grid of both quantities."""
        yield from flips(results)
        yield from filter(None, map(_grid, results))

    def sentence(self, result: Result, scores: ScoreLookup) -> str | tuple[str, Score | None]:
        """The share of answers that stay from frame to frame."""
        flip = scores.score(FLIP_PROBABILITY.name)
        if flip is None or flip.value is None:
            return ""
        return f"keeps {100 * (1 - flip.value):.1f} % of its answers from frame to frame", flip


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
    ends = [score.value for each in (*observers, *published) for score in each.by_row.values() if score.value]
    ends += [each.overall.interval.high for each in observers if each.overall and each.overall.interval]
    limit = next(end for end in LIMITS if end >= min(1.0, max(ends, default=1.0)))
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
    texts = {name: f"{100 * share:.1f}" for name, share in shares.items()}
    most, least = texts[names[0]], texts[names[-1]]
    if len(names) == 1:
        return f"Answers flip under {words(names[0])} at {most} % of the steps"
    if most == least:
        return f"Answers flip as often under each: at {most} % of the steps"
    if not (apart := ends_apart(shares, intervals)):
        return f"Answers flip at {least} to {most} % of the steps, by perturbation"
    worst = " to ".join(dict.fromkeys(texts[name] for name in reversed(apart[0])))
    return f"Answers flip most under {in_words(map(words, apart[0]), len(names))}: at {worst} % of the steps"


def _observer(result: Result) -> Observer:
    scores = {s.condition: s for s in result.scores if s.metric == FLIP_PROBABILITY.name and s.value is not None}
    by_row = {condition["perturbation"]: s for condition, s in scores.items() if set(condition) == {"perturbation"}}
    overall = next((s for condition, s in scores.items() if not condition), None)
    return Observer(result.name, overall, by_row)


def _published(results: Sequence[Result], rows: Sequence[str]) -> tuple[Observer, ...]:
    observers = []
    for model, values in series_beside(results, FLIP_PROBABILITY.name).items():
        scores = [(row.condition, FLIP_PROBABILITY.score(row.value, row.n)) for row in values]
        by_row = {c["perturbation"]: s for c, s in scores if set(c) == {"perturbation"} and c["perturbation"] in rows}
        observers.append(Observer(model, next((s for c, s in scores if not c), None), by_row))
    return tuple(observers)


def _grid(result: Result) -> Grid | None:
    """Both quantities of each sequence, and their ratios to the baseline's where there is one."""
    lookup = ScoreLookup(result.scores)
    cells = list(dict.fromkeys(score.condition for score in result.scores if "perturbation" in score.condition))
    measured = [metric for each in (FLIPS, DISTANCES) for metric in (each.metric, each.ratio)]
    metrics = [metric for metric in measured if any((metric.name, cell) in lookup for cell in cells)]
    rows = [
        (
            " ".join(str(value).replace("_", " ") for value in cell.values()),
            tuple(lookup.cell(metric.name, shaded=metric is FLIP_PROBABILITY, **cell) for metric in metrics),
        )
        for cell in cells
    ]
    heads = tuple(metric.title for metric in metrics)
    return Grid(result.name, "by perturbation", "perturbation", heads, tuple(rows)) if rows else None
