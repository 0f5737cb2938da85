"""Which factor in a photograph goes with wrong answers: the error ratios of ImageNet-X as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness.core import Observer, Result, Score
from hardiness.core.section import Dots
from hardiness.scoring.leaderboard import series_beside
from hardiness.scoring.superlatives import first, in_words, words

METRIC = "error_ratio"

FACTORS = (
    "pose",
    "background",
    "pattern",
    "color",
    "smaller",
    "shape",
    "partial_view",
    "subcategory",
    "texture",
    "larger",
    "darker",
    "object_blocking",
    "person_blocking",
    "style",
    "brighter",
    "multiple_objects",
)
"""By their published names, in the order of how often they are met."""

EVERYTHING = "all photographs"


def factor_chart(results: Sequence[Result]) -> Dots | None:
    """Error ratios by factor, the most harmful first; ``None`` where there are none."""
    observers = [_observer(result) for result in results]
    shown = tuple(each for each in observers if each.by_row)
    if not shown:
        return None
    means = {
        name: sum(known) / len(known)
        for name in FACTORS
        if (known := [each.by_row[name].value or 0.0 for each in shown if name in each.by_row])
    }
    rows = tuple(sorted(means, key=lambda name: (-means[name], name)))
    beside = _published(results)
    ends = [
        score.interval.high if score.interval else score.value or 0.0
        for each in (*shown, *beside)
        for score in each.by_row.values()
    ]
    caption = (
        "Error on photographs that annotators gave a factor, divided by the error on all annotated ones; right of 1 a "
        "factor goes with more errors. Lines are 95 % intervals."
    )
    return Dots(
        "error_ratio_by_factor",
        f"What goes with errors: {_heading(shown, means)}",
        caption,
        "error ratio ↓ better",
        ("fewer errors", "more errors"),
        EVERYTHING,
        rows,
        shown,
        None,
        beside,
        limit=2.0 if max(ends) <= 2 else 4.0,
        percent=False,
        bars=True,
        grey="Grey strokes: ResNet-50 as published.",
    )


def _heading(shown: Sequence[Observer], means: Mapping[str, float]) -> str:
    """The factor that hurts most, or those, and how sure that is."""
    worst = first(means, 1)
    ratios = [each.by_row[name] for each in shown for name in worst if name in each.by_row]
    above = all(score.interval is not None and score.interval.low > 1 for score in ratios)
    sure = "" if above else ", which may be chance"
    most = in_words(map(words, worst), len(means))
    return f"{most} most, {means[worst[0]]:.1f} times as often wrong as on all{sure}"


def _observer(result: Result) -> Observer:
    by_row = {
        str(s.condition["factor"]): s
        for s in result.scores
        if s.metric == METRIC and s.value is not None and "factor" in s.condition
    }
    return Observer(result.name, Score(METRIC, 1.0, "times", result.counts.images) if by_row else None, by_row)


def _published(results: Sequence[Result]) -> tuple[Observer, ...]:
    found = []
    for model, values in series_beside(results, METRIC).items():
        rows = {str(row.condition["factor"]): Score(METRIC, row.value, row.unit, row.n) for row in values}
        found.append(Observer(model, None, rows))
    return tuple(found)
