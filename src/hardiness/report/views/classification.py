"""Photographs as they are: accuracy, confidence, and what goes with errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hardiness.benchmarks.presentation import words
from hardiness.core.result import Result
from hardiness.metrics.imagenet_x import FACTORS, error_ratio
from hardiness.report.charts import Chart, Dots, Observer
from hardiness.report.confidence_charts import confidence_charts
from hardiness.report.explained_by_accuracy import explained_chart
from hardiness.report.headings import first, in_words
from hardiness.report.published_beside import series_beside
from hardiness.report.score_lookup import ScoreLookup
from hardiness.report.views.card_view import CardView, register

EVERYTHING = "all photographs"


@register("classification")
class ClassificationView(CardView):
    """Accuracies, what clean accuracy explains, confidence, and what goes with errors."""

    def figures(self, results: Sequence[Result]) -> Iterator[Chart]:
        """Accuracies, how far confidence can be trusted, and what goes with errors."""
        yield from filter(None, [explained_chart(results)])
        yield from confidence_charts(results, accuracy_first=True)
        yield from filter(None, [factor_chart(results)])

    def sentence(self, result: Result, scores: ScoreLookup) -> str:
        """The share of photographs answered rightly."""
        top1 = scores.value("top1")
        return f"is right on {100 * top1:.1f} % of the photographs" if top1 is not None else ""


def factor_chart(results: Sequence[Result]) -> Dots | None:
    """Error ratios by factor, the most harmful first; ``None`` where there are none."""
    observers = [_observer(result) for result in results]
    scored = tuple(observer for observer in observers if observer.by_row)
    if not scored:
        return None
    means = {
        name: sum(ratios) / len(ratios)
        for name in FACTORS
        if (ratios := [observer.by_row[name].value or 0.0 for observer in scored if name in observer.by_row])
    }
    rows = tuple(sorted(means, key=lambda name: (-means[name], name)))
    beside = _published(results)
    ends = [
        score.interval.high if score.interval else score.value or 0.0
        for observer in (*scored, *beside)
        for score in observer.by_row.values()
    ]
    caption = (
        "Error on photographs that annotators gave a factor, divided by the error on all annotated ones; right of 1 a "
        "factor goes with more errors. Lines are 95 % intervals."
    )
    return Dots(
        "error_ratio_by_factor",
        f"What goes with errors: {_heading(scored, means)}",
        caption,
        "error ratio ↓ better",
        ("fewer errors", "more errors"),
        EVERYTHING,
        rows,
        scored,
        None,
        beside,
        limit=2.0 if max(ends) <= 2 else 4.0,
        percent=False,
        bars=True,
        grey="Grey strokes: ResNet-50 as published.",
    )


def _heading(observers: Sequence[Observer], means: Mapping[str, float]) -> str:
    """The factor that hurts most, or those, and how sure that is."""
    worst = first(means, 1)
    ratios = [observer.by_row[name] for observer in observers for name in worst if name in observer.by_row]
    above = all(score.interval is not None and score.interval.low > 1 for score in ratios)
    sure = "" if above else ", which may be chance"
    most = in_words(map(words, worst), len(means))
    return f"{most} most, {means[worst[0]]:.1f} times as often wrong as on all{sure}"


def _observer(result: Result) -> Observer:
    by_row = {
        str(s.condition["factor"]): s
        for s in result.scores
        if s.metric == error_ratio.name and s.value is not None and "factor" in s.condition
    }
    return Observer(result.name, error_ratio.metric.score(1.0, result.counts.images) if by_row else None, by_row)


def _published(results: Sequence[Result]) -> tuple[Observer, ...]:
    observers = []
    for model, values in series_beside(results, error_ratio.name).items():
        rows = {str(row.condition["factor"]): error_ratio.metric.score(row.value, row.n) for row in values}
        observers.append(Observer(model, None, rows))
    return tuple(observers)
