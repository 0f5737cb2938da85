"""What a page shows of confidence: is it right as often as it says, and does it rank right answers above wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hardiness.core import RIGHT, Chart, Curves, Dots, ImageTable, Line, Observer, Panel, Result, Score
from hardiness.scoring.intervals import wilson
from hardiness.scoring.leaderboard import EMBEDDED, published_on, series_beside

BINS = 10
"""Bins of equal width of the reliability diagram: fixed ones, so that models can be compared bin by bin."""

LEAST = 5
"""Images that a bin or a part of them needs to be drawn."""

POINTS = 40

CALIBRATIONS = (("rms_calibration_error", "RMS calibration error"), ("ece", "ECE"))
"""Published calibration errors, and what they are called."""

EDGE = 0.96
"""Where the strokes of published accuracies begin, which end where all is answered."""


def confidence_details(table: ImageTable) -> dict[str, Any]:
    """Reliability by bins of confidence, and accuracy by the share that is answered, most confident first."""
    right, confidence = table[RIGHT][:, 0] == 1, table["confidence"][:, 0].astype(np.float64)
    known = np.isfinite(confidence)
    right, confidence = right[known], confidence[known]
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    reliability = []
    for each in range(BINS):
        inside = bins == each
        n, hits = int(inside.sum()), int(right[inside].sum())
        if n >= LEAST:
            bounds = wilson(hits, n)
            reliability.append([float(confidence[inside].mean()), hits / n, bounds.low, bounds.high])
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    marks = np.linspace(min(LEAST, len(order)), len(order), POINTS).astype(int)
    at = np.unique(marks[marks > 0]).tolist()
    coverage = [[float(k / len(order)), float(accuracy[k - 1])] for k in at]
    return {"reliability": reliability, "coverage": coverage}


def confidence_charts(results: Sequence[Result], accuracy_first: bool = False) -> list[Chart]:
    """Accuracies, and both panels of confidence, where they are known."""
    confidence = [_confidence(results)] if any(result.details.get("reliability") for result in results) else []
    accuracies = [chart] if (chart := _accuracies(results)) else []
    return [*accuracies, *confidence] if accuracy_first else [*confidence, *accuracies]


def _confidence(results: Sequence[Result]) -> Curves:
    scale = (0.0, 0.25, 0.5, 0.75, 1.0)
    names = ("0", "25", "50", "75", "100 %")
    shown = [result for result in results if result.details.get("reliability")]
    reliable = tuple(
        Line(result.name, *(tuple(column) for column in zip(*result.details["reliability"], strict=True)))
        for result in shown
    )
    covered = tuple(
        Line(result.name, *(tuple(column) for column in zip(*result.details["coverage"], strict=True)))
        for result in shown
        if result.details["coverage"]
    )
    gaps, called = _published_gaps(results)
    panels = [Panel("confidence", reliable, gaps, scale, names, "Is it right as often as it is sure?", True, True)]
    title = "Does leaving out unsure answers help?"
    ends = tuple(
        Line(model, (EDGE, 1.0), (values[-1].value,) * 2) for model, values in series_beside(results, "top1").items()
    )
    panels.append(Panel("share answered, surest first", covered, ends, scale, names, title, True))
    left = f" Left, where a curve lies that is surer than right by the published {called} throughout." if called else ""
    grey = f"Grey, as published {published_on(results)}: right, accuracy where all is answered.{left}"
    return Curves(
        "confidence",
        "Confidence",
        f"How far confidence can be trusted: {_calibrated(shown)}",
        f"Left: accuracy by confidence, in {BINS} bins of at least {LEAST} photographs; below the dashed line a "
        "model is surer than it is right. Right: accuracy of the share answered when the least sure are left out. "
        "Bands are 95 % intervals.",
        tuple(panels),
        "accuracy",
        grey=grey,
    )


def _published_gaps(results: Sequence[Result]) -> tuple[tuple[Line, ...], str]:
    """Lines as far below the diagonal as a calibration error published of the same pictures; what that is called."""
    if results[0].data == EMBEDDED:
        return (), ""
    for metric, called in CALIBRATIONS:
        if found := series_beside(results, metric):
            gaps = {model: values[-1].value for model, values in found.items()}
            return tuple(Line(model, (gap, 1.0), (0.0, 1.0 - gap)) for model, gap in gaps.items()), called
    return (), ""


def _calibrated(results: Sequence[Result]) -> str:
    """Whether models are surer than they are right, over all images."""
    gaps = []
    for result in results:
        over = [row[0] - row[1] for row in result.details["reliability"]]
        gaps.append(sum(over) / len(over))
    surer = sum(gap > 0.03 for gap in gaps)
    less = sum(gap < -0.03 for gap in gaps)
    if surer == len(gaps):
        return "each is surer than it is right" if len(gaps) > 1 else "it is surer than it is right"
    if less == len(gaps):
        return "each is right more often than it says" if len(gaps) > 1 else "it is right more often than it says"
    if not surer and not less:
        return "about as far as they say"
    rest = len(gaps) - surer - less
    parts = [(surer, "surer than right"), (less, "right more often than sure"), (rest, "about right")]
    return ", ".join(f"{count} of {len(gaps)} {what}" for count, what in parts if count)


def _accuracies(results: Sequence[Result]) -> Dots | None:
    """Top-1 and top-5 of each model, and of the published ones."""
    rows = {"top-1": "top1", "top-5": "top5"}
    observers = [
        Observer(result.name, None, {row: s for row, metric in rows.items() if (s := _headline(result, metric))})
        for result in results
    ]
    named = [each for each in observers if "top-1" in each.by_row]
    if not named:
        return None
    others = ("top-5",) if any("top-5" in each.by_row for each in named) else ()
    title = _title([100 * (each.by_row["top-1"].value or 0) for each in named])
    published = _published(results, rows)
    caption = "Share of photographs answered rightly; lines are 95 % intervals."
    grey = f"Grey strokes: published models, {published_on(results)}."
    shown = tuple(Observer(each.name, each.by_row["top-1"], each.by_row) for each in named)
    label = "accuracy ↑ better"
    winner = "is right most often:"
    return Dots(
        *("accuracy", title, caption, label, ("", ""), "top-1", others, shown, None, published),
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


def _published(results: Sequence[Result], rows: dict[str, str]) -> tuple[Observer, ...]:
    found: dict[str, dict[str, Score]] = {}
    for row, metric in rows.items():
        for model, values in series_beside(results, metric).items():
            best = values[-1]
            found.setdefault(model, {})[row] = Score(metric, best.value, best.unit, best.n)
    return tuple(Observer(model, by_row.get("top-1"), by_row) for model, by_row in found.items())
