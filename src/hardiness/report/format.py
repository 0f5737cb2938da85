"""Numbers as people read them; percent exists here and nowhere else."""

from __future__ import annotations

from hardiness.core import Condition, Interval, Score

TITLES = {
    "top1": "top-1",
    "top5": "top-5",
    "rms_calibration_error": "RMS calibration error",
    "aurra": "AURRA",
    "clean_top1": "clean top-1, same classes",
    "top1_drop": "drop from clean",
    "mce": "mCE",
    "mce_partial": "mCE of a part",
    "relative_mce": "relative mCE",
    "relative_mce_partial": "relative mCE of a part",
}
PERCENT_UNITS = ("fraction", "ratio")


def number(value: float, unit: str) -> str:
    """A value in its unit: fractions and ratios in percent with one decimal, others with three digits."""
    return f"{100 * value:.1f}" if unit in PERCENT_UNITS else f"{value:.3g}"


def interval(bounds: Interval, unit: str) -> str:
    """An interval as ``low–high``."""
    return f"{number(bounds.low, unit)}–{number(bounds.high, unit)}"


def title(score: Score) -> str:
    """The column heading of a score: its metric and, where it has one, its condition."""
    name = TITLES.get(score.metric, score.metric.replace("_", " "))
    detail = ", ".join(str(value) for value in score.condition.values())
    return f"{name} ({detail})" if detail else name


def is_headline(condition: Condition) -> bool:
    """Whether a score stands for its whole benchmark: no condition, or the protocol alone."""
    return set(condition) <= {"protocol"}


def is_column(condition: Condition, everything: bool) -> bool:
    """Whether a score is a column of its benchmark's table: a headline, or, if asked, another decision rule."""
    return is_headline(condition) or (everything and set(condition) <= {"protocol", "decision"})


def direction(score: Score) -> str:
    """``↑`` where higher is better, ``↓`` where lower is."""
    return "↑" if score.higher_is_better else "↓"
