"""LAION-C: accuracy by distortion and intensity, beside the best person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from hardiness.benchmarks.laion_c import DISTORTIONS, MEAN_ACCURACY, SEVERITIES
from hardiness.benchmarks.presentation import words
from hardiness.core.condition import Condition
from hardiness.core.result import Result, Score
from hardiness.core.spread import Interval
from hardiness.reference.published_numbers import published_series
from hardiness.report.charts import Chart, Dots, Grid, Observer, People
from hardiness.report.headings import ends_apart, in_words, mean_intervals
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

BEST_PERSON = 0.552
"""Mean accuracy of the best of 19 people on the released pictures (Li et al. 2025)."""


@register("laion_c")
class LaionCView(CardView):
    """Accuracy by distortion beside the best person's, and the mean in words."""

    def people(self, results: Sequence[Result]) -> str:
        """The mean accuracy of the best person."""
        return f"The best of 19 people is right on {100 * BEST_PERSON:.1f} % of the released pictures."

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """Accuracy by distortion beside the best person's, and a grid of it for each model."""
        yield from filter(None, [_by_distortion(results), *map(_grid, results)])

    def sentence(self, result: Result, scores: ScoreLookup) -> str | tuple[str, Score | None]:
        """The mean accuracy."""
        mean = scores.score(MEAN_ACCURACY.name)
        if mean is None or mean.value is None:
            return ""
        return f"is right on {100 * mean.value:.0f} % of {result.benchmark}'s distorted pictures", mean


def _by_distortion(results: Sequence[Result]) -> Dots | None:
    observers = []
    for result in results:
        overall = next((s for s in result.scores if s.metric.startswith("mean_accuracy") and s.value is not None), None)
        by_row = {
            str(s.condition["corruption"]): s
            for s in result.scores
            if s.metric == "accuracy" and set(s.condition) == {"corruption"} and s.value is not None
        }
        observers.append(Observer(result.name, overall, by_row))
    present = dict.fromkeys(name for each in observers for name in each.by_row)
    if not present:
        return None
    scores = {name: [each.by_row[name] for each in observers if name in each.by_row] for name in present}
    means = {name: float(np.mean([score.value or 0.0 for score in each])) for name, each in scores.items()}
    rows = tuple(sorted(means, key=lambda name: (means[name], name)))
    caption = (
        "Share of pictures answered with the right superclass, mean over intensities; lines are 95 % intervals. "
        "Red: the best of 19 people, over everything."
    )
    return Dots(
        "accuracy_by_distortion",
        _title({name: means[name] for name in rows}, mean_intervals(scores)),
        caption,
        "accuracy ↑ better",
        ("", ""),
        "all distortions",
        rows,
        tuple(observers),
        People(BEST_PERSON, {}, ()),
        _published(),
        bars=True,
        grey="Grey strokes: published models.",
    )


def _title(shares: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """The distortions under which fewest and most are right, by shares; a range where these are not apart."""
    if len(shares) == 1:
        return f"Right under {words(next(iter(shares)))}"
    least, most = (f"{100 * end(shares.values()):.1f}" for end in (min, max))
    if least == most:
        return "As many are right under each distortion"
    if not (apart := ends_apart(shares, intervals)):
        return f"Right on {least} to {most} %, by distortion"
    many, few = (in_words(map(words, ends), len(shares)) for ends in apart)
    return f"Fewest are right under {few}, most under {many}"


def _published() -> tuple[Observer, ...]:
    series = published_series("laion-c", MEAN_ACCURACY.name)
    return tuple(Observer(model, MEAN_ACCURACY.score(rows[-1].value, rows[-1].n), {}) for model, rows in series.items())


def _grid(result: Result) -> Grid | None:
    """Accuracy by distortion and intensity."""
    lookup = ScoreLookup(result.scores)
    names = [name for name in DISTORTIONS if ("accuracy", Condition(corruption=name)) in lookup]
    rows = tuple(
        (
            name.replace("_", " "),
            (
                *(lookup.cell("accuracy", corruption=name, severity=severity) for severity in SEVERITIES),
                lookup.cell("accuracy", corruption=name),
            ),
        )
        for name in names
    )
    heads = (*(f"intensity {severity}" for severity in SEVERITIES), "mean")
    return Grid(result.name, "accuracy by distortion and intensity", "distortion", heads, rows) if rows else None
