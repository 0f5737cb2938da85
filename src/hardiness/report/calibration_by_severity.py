"""The figure of calibration as pictures get worse."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.benchmarks.shares import BRIER_OF_ANSWER, ECE
from hardiness.core.result import Metric, Result, Score
from hardiness.core.spread import Interval
from hardiness.report.charts import Curves, Line, Panel

PANELS = ((ECE, "equal-width", f"{ECE.title}, 15 bins of equal width"), (BRIER_OF_ANSWER, "", BRIER_OF_ANSWER.title))
LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8)


def calibration_by_severity(results: Sequence[Result]) -> Curves | None:
    """ECE and Brier score from clean photographs to the worst severity; ``None`` where they are not known."""
    levels = sorted({s.condition["severity"] for r in results for s in r.scores if _is_level(s, ECE, "equal-width")})
    if len(levels) < 2:
        return None
    ticks = tuple(float(level) for level in levels)
    names = tuple("clean" if not level else str(level) for level in levels)
    panels = tuple(
        Panel("severity", tuple(_line(result, metric, bins) for result in results), (), ticks, names, title)
        for metric, bins, title in PANELS
    )
    top = max((bound for panel in panels for line in panel.measured for bound in (*line.y, *line.high)), default=1.0)
    return Curves(
        "calibration_by_severity",
        "Calibration by severity",
        _heading(results, levels),
        "Mean over corruptions at each severity; bands are 95 % intervals. Left: how far confidence and accuracy lie "
        "apart. Right: the squared distance of confidence from being right or wrong, in which accuracy counts too.",
        panels,
        "error ↓ better",
        limit=next((limit for limit in LIMITS if limit >= top), 1.0),
    )


def _is_level(score: Score, metric: Metric, bins: str) -> bool:
    is_of_metric = score.metric == metric.name and score.condition.get("protocol", "") == bins
    return is_of_metric and "severity" in score.condition and score.value is not None


def _line(result: Result, metric: Metric, bins: str) -> Line:
    scores = sorted(
        (s for s in result.scores if _is_level(s, metric, bins)), key=lambda s: int(s.condition["severity"])
    )
    bounds = [s.interval or Interval(s.value or 0.0, s.value or 0.0) for s in scores]
    bounds = bounds if any(s.interval for s in scores) else []
    return Line(
        result.name,
        tuple(float(s.condition["severity"]) for s in scores),
        tuple(s.value or 0.0 for s in scores),
        tuple(bound.low for bound in bounds),
        tuple(bound.high for bound in bounds),
    )


def _heading(results: Sequence[Result], levels: Sequence[int]) -> str:
    lines = [_line(result, ECE, "equal-width") for result in results]
    whole = [line for line in lines if len(line.x) == len(levels)]
    if not whole:
        return "Calibration by severity"
    first, last = (100 * sum(line.y[end] for line in whole) / len(whole) for end in (0, -1))
    grows = all(line.low and line.low[-1] > line.high[0] for line in whole)
    start = "on clean photographs" if not levels[0] else f"at severity {levels[0]}"
    what = "Confidence is worth less the worse the picture" if grows else "How far confidence can be trusted"
    return f"{what}: ECE {first:.0f} % {start}, {last:.0f} % at severity {levels[-1]}"
