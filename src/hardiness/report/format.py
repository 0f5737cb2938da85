"""Numbers as people read them; percent exists here and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hardiness.core import Condition, Interval, Result, Score, epsilon_text

TITLES = {
    "top1": "top-1",
    "top5": "top-5",
    "rms_calibration_error": "RMS calibration error",
    "aurra": "AURRA",
    "clean_top1": "clean top-1, same classes",
    "top1_drop": "drop from clean",
    "mce": "mCE",
    "imagenet_c_mean_error": "ImageNet-C mean error",
    "mean_error_partial": "mean error of a part",
    "mfr": "mFR",
    "mfr_partial": "mFR of a part",
    "mt5d": "mT5D",
    "mt5d_partial": "mT5D of a part",
    "t5d": "T5D",
    "top5_distance": "top-5 distance",
    "mce_partial": "mCE of a part",
    "relative_mce": "relative mCE",
    "relative_mce_partial": "relative mCE of a part",
    "clean_accuracy": "clean accuracy",
}
SWEEP_KEYS = {"epsilon", "steps", "surrogate"}
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
    if score.metric == "accuracy" and "epsilon" in score.condition:
        return ", ".join(shown(key, value) for key, value in score.condition.items() if key != "surrogate")
    # The table's own heading says which surrogate it is about.
    detail = ", ".join(shown(key, value) for key, value in score.condition.items() if key != "surrogate")
    return f"{name} ({detail})" if detail else name


def shown(key: str, value: object) -> str:
    """One part of a condition as people write it: ``ε 4/255``, ``10 steps``, or the value itself."""
    if key == "epsilon" and isinstance(value, int | float):
        return f"ε {epsilon_text(value)}"
    if key == "steps":
        return f"{value} step" if value == 1 else f"{value} steps"
    return str(value)


def table_key(result: Result) -> tuple[str, str, str, str]:
    """Results that agree in this stand in one table: benchmark, data, protocol, and how they were attacked."""
    return result.benchmark, result.data, result.protocol, manner(result)


def manner(result: Result) -> str:
    """What tells an attack from others of the same name: its surrogate, and a norm other than L-infinity."""
    surrogate = result.run.surrogate
    norms = {each.norm for each in result.run.attack}
    parts = [f"made on {surrogate.model}"] if surrogate else []
    return ", ".join([*parts, *(["L2"] if norms == {"l2"} else [])])


def heading(results: Sequence[Result]) -> str:
    """The heading of the table of these results."""
    benchmark, data, protocol, detail = table_key(results[0])
    named = [f"protocol {protocol}"] if results[0].run.attack else []
    return ", ".join([f"{benchmark} on {data}", *named, *filter(None, [detail])])


def is_headline(condition: Condition) -> bool:
    """Whether a score stands for its whole benchmark: no condition, or the protocol alone."""
    return set(condition) <= {"protocol"}


def is_column(condition: Condition, everything: bool) -> bool:
    """Whether a score is a column of its benchmark's table: a headline, or, if asked, another decision rule."""
    return is_headline(condition) or (everything and set(condition) <= {"protocol", "decision"})


def sweep(scores: Sequence[Score]) -> list[Score]:
    """Accuracies over epsilons, at the number of steps at which most of them were measured (the largest such)."""
    found = [s for s in scores if s.metric == "accuracy" and {"epsilon"} <= set(s.condition) <= SWEEP_KEYS]
    counted = Counter(score.condition.get("steps") for score in found)
    if not counted:
        return []
    steps = max(counted, key=lambda each: (counted[each], each or 0))
    return sorted((s for s in found if s.condition.get("steps") == steps), key=lambda s: float(s.condition["epsilon"]))


def direction(score: Score) -> str:
    """``↑`` where higher is better, ``↓`` where lower is."""
    return "↑" if score.higher_is_better else "↓"
