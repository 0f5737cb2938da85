"""Figures of accuracy and confidence, and of calibration as pictures get worse, which several views have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hardiness.benchmarks.reliability import BINS, LEAST
from hardiness.benchmarks.shares import ECE, RMS, TOP1, TOP5
from hardiness.core.result import Result, Score
from hardiness.report.charts import Chart, Curves, Dots, Line, Observer, Panel
from hardiness.report.marks import has_random_weights
from hardiness.report.published_beside import published_on, series_beside
from hardiness.statistics.comparison import FEWEST

CALIBRATIONS = (RMS, ECE)
"""Published calibration errors."""

EDGE = 0.96
"""The share answered at which the strokes of published accuracies begin; they end where all is answered."""


def confidence_charts(results: Sequence[Result], accuracy_first: bool = False) -> list[Chart]:
    """Accuracies, and both panels of confidence, where they are known."""
    confidence = [_confidence(results)] if any(result.details.get("reliability") for result in results) else []
    accuracies = [chart] if (chart := _accuracies(results)) else []
    return [*accuracies, *confidence] if accuracy_first else [*confidence, *accuracies]


def _confidence(results: Sequence[Result]) -> Curves:
    scale = (0.0, 0.25, 0.5, 0.75, 1.0)
    names = ("0", "25", "50", "75", "100 %")
    binned = [result for result in results if result.details.get("reliability")]
    reliability = tuple(
        Line(result.name, *(tuple(column) for column in zip(*result.details["reliability"], strict=True)))
        for result in binned
    )
    coverage = tuple(
        Line(result.name, *(tuple(column) for column in zip(*result.details["coverage"], strict=True)))
        for result in results
        if result.details.get("coverage")
    )
    absent = ", ".join(result.name for result in results if not result.details.get("reliability"))
    gaps, gap_title = _published_gaps(results)
    panels = [Panel("confidence", reliability, gaps, scale, names, "Is it right as often as it is sure?", True, True)]
    title = "Does leaving out unsure answers help?"
    ends = tuple(
        Line(model, (EDGE, 1.0), (values[-1].value,) * 2) for model, values in series_beside(results, TOP1.name).items()
    )
    panels.append(Panel("share answered, surest first", coverage, ends, scale, names, title, True))
    of_gaps = (
        f" Left, where a curve lies that is surer than right by the published {gap_title} throughout."
        if gap_title
        else ""
    )
    grey = f"Grey, as published {published_on(results)}: right, accuracy where all is answered.{of_gaps}"
    return Curves(
        "confidence",
        "Confidence",
        _calibrated(results),
        f"Left: accuracy by confidence, in {BINS} bins of at least {LEAST} photographs; below the dashed line a "
        "model is surer than it is right. Right: accuracy of the share answered when the least sure are left out. "
        f"Bands are 95 % intervals.{f' Not at the left, as no bin holds so many: {absent}.' if absent else ''}",
        tuple(panels),
        "accuracy",
        grey=grey,
    )


def _published_gaps(results: Sequence[Result]) -> tuple[tuple[Line, ...], str]:
    """Lines as far below the diagonal as a calibration error published of the same pictures; what that is called."""
    if results[0].run.data.is_embedded:
        return (), ""
    for metric in CALIBRATIONS:
        if series := series_beside(results, metric.name):
            gaps = {model: values[-1].value for model, values in series.items()}
            return tuple(Line(model, (gap, 1.0), (0.0, 1.0 - gap)) for model, gap in gaps.items()), metric.title
    return (), ""


def _calibrated(results: Sequence[Result]) -> str:
    """Whether models are surer than they are right, over all images of each; below `FEWEST`, only both numbers."""
    models = [each for result in results if (each := result.details.get("sureness"))]
    if not models:
        return "How far confidence can be trusted"
    if min(each["n"] for each in models) < FEWEST:
        sure, right = (_from_to([each[what] for each in models]) for what in ("confidence", "accuracy"))
        return f"Mean confidence of {_models(len(models))}: {sure}; right on {right}"
    signs = [_sign(each) for each in models]
    if len(models) == 1:
        (one,) = models
        numbers = f"{_percent(one['confidence'])} % sure on average, {_percent(one['accuracy'])} % right"
        verdict = {1: "Surer than right", -1: "Right more often than sure", 0: "As sure as right, within chance"}
        return f"{verdict[signs[0]]}: {numbers}"
    parts = [(1, "surer than right"), (-1, "right more often than sure"), (0, "as sure as right, within chance")]
    counts = [(signs.count(sign), what) for sign, what in parts if sign in signs]
    if len(counts) == 1:
        return f"Each of {len(models)} models is {counts[0][1]}"
    return f"Of {len(models)} models, {', '.join(f'{count} {_is(count)} {what}' for count, what in counts)}"


def _sign(sureness: Mapping[str, float]) -> int:
    """1 where a model is surer than it is right beyond chance, -1 where less sure, 0 where chance may be all."""
    gap = sureness["confidence"] - sureness["accuracy"]
    return 0 if abs(gap) <= sureness["chance"] else int(math.copysign(1, gap))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _from_to(shares: Sequence[float]) -> str:
    low, high = _percent(min(shares)), _percent(max(shares))
    return f"{high} %" if low == high else f"{low} to {high} %"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


def _accuracies(results: Sequence[Result]) -> Dots | None:
    """Top-1 and top-5 of each model, and of the published ones."""
    observers = [
        Observer(
            result.name, None, {metric.title: s for metric in (TOP1, TOP5) if (s := _headline(result, metric.name))}
        )
        for result in results
    ]
    scored = [each for each in observers if TOP1.title in each.by_row]
    if not scored:
        return None
    others = (TOP5.title,) if any(TOP5.title in each.by_row for each in scored) else ()
    random = {result.name for result in results if has_random_weights(result)}
    trained = [each for each in scored if each.name not in random] or scored
    title = _title([100 * (each.by_row[TOP1.title].value or 0) for each in trained])
    published = _published(results)
    caption = "Share of photographs answered rightly; lines are 95 % intervals."
    grey = f"Grey strokes: published models, {published_on(results)}."
    overall = tuple(Observer(each.name, each.by_row[TOP1.title], each.by_row) for each in scored)
    label = "accuracy ↑ better"
    winner = "is right most often:"
    return Dots(
        *("accuracy", title, caption, label, ("", ""), TOP1.title, others, overall, None, published),
        bars=True,
        grey=grey,
        winner=winner,
    )


def _title(shares: Sequence[float]) -> str:
    """From where to where the accuracies go, in per cent; whose is the highest only a comparison can say."""
    low, high = f"{min(shares):.1f}", f"{max(shares):.1f}"
    if low == high:
        return f"Right on {high} %" if len(shares) == 1 else f"Each is right on {high} %"
    return f"Right on {low} to {high} %"


def _headline(result: Result, metric: str) -> Score | None:
    return next((s for s in result.scores if s.metric == metric and not s.condition and s.value is not None), None)


def _published(results: Sequence[Result]) -> tuple[Observer, ...]:
    scores: dict[str, dict[str, Score]] = {}
    for metric in (TOP1, TOP5):
        for model, values in series_beside(results, metric.name).items():
            scores.setdefault(model, {})[metric.title] = metric.score(values[-1].value, values[-1].n)
    return tuple(Observer(model, by_row.get(TOP1.title), by_row) for model, by_row in scores.items())
