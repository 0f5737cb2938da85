"""Definitions of the numbers of an evidence file: its metrics, and the steps by which its intervals are made."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable, Sequence

import hardiness.statistics.comparison
import hardiness.statistics.sequences
import hardiness.statistics.verdicts  # noqa: F401  # by these three METHODS is whole, whatever was computed
from hardiness.benchmarks.card import card_of
from hardiness.core.result import Metric
from hardiness.report.evidence.record import IntervalRecord, MetricRecord, RunRecord
from hardiness.report.sections import BenchmarkSection
from hardiness.statistics.intervals import METHODS


def metrics_of(shown: Sequence[BenchmarkSection]) -> tuple[MetricRecord, ...]:
    """Each metric that has a score, with the benchmarks whose it is."""
    metrics: dict[str, Metric] = {}
    benchmarks: dict[str, dict[str, None]] = {}
    for section in shown:
        for result in section.results:
            card = card_of(result.run)
            names = [*(score.metric for score in result.scores), *(sliced.metric for sliced in result.slices)]
            for name in dict.fromkeys(names):
                metrics.setdefault(name, card.metric(name))
                benchmarks.setdefault(name, {})[result.benchmark] = None
    return tuple(_metric_record(metric, tuple(benchmarks[name])) for name, metric in metrics.items())


def _metric_record(metric: Metric, benchmarks: tuple[str, ...]) -> MetricRecord:
    low, high = (end if math.isfinite(end) else None for end in metric.range)
    return MetricRecord(
        metric.name, metric.title, metric.unit, metric.higher_is_better, (low, high), metric.explanation, benchmarks
    )


def intervals_of(runs: Iterable[RunRecord]) -> tuple[IntervalRecord, ...]:
    """The steps of all intervals of some runs, sorted by name, as the functions that take them say themselves."""
    names = {name for run in runs for score in run.scores for name in score.interval_method}
    return tuple(_interval_record(name) for name in sorted(names) if name in METHODS)


def _interval_record(name: str) -> IntervalRecord:
    function, _ = METHODS[name]
    first, *others = re.split(r"\n\s*\n", inspect.getdoc(function) or "")
    source = next((part for part in others if part.startswith("Source:")), "")
    return IntervalRecord(name, _in_line(first), _in_line(re.split(r"\bDiffers:", source)[0].removeprefix("Source:")))


def _in_line(text: str) -> str:
    return " ".join(text.replace("``", "").replace("`", "").split())
