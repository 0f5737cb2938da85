"""Definitions of the numbers of an evidence file: metrics, and the kinds of spread by which intervals are made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hardiness.benchmarks.card import card_of
from hardiness.core.result import Metric
from hardiness.report.evidence.record import IntervalRecord, MetricRecord, RunRecord
from hardiness.report.sections import BenchmarkSection
from hardiness.report.words.spreads import DEFINITIONS


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
    """The kinds of spread of some runs' scores, sorted by name."""
    names = {name for run in runs for score in run.scores for name in score.interval_method}
    return tuple(IntervalRecord(name, *DEFINITIONS[name]) for name in sorted(names))
