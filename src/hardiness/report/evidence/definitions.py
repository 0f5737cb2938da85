"""Definitions of the numbers of an evidence file: metrics, and the kinds of spread by which intervals are made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.result import Metric, Result
from hardiness.report.evidence.record import MetricRecord
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


def intervals_of(results: Iterable[Result]) -> dict[str, tuple[str, str]]:
    """The kinds of spread of results' scores by name, with what each is and where it is from."""
    spreads = (score.spread for result in results for score in result.scores if score.spread)
    names = {kind for spread in spreads for kind in _kinds(spread.as_dict())}
    return {name: DEFINITIONS[name] for name in sorted(names)}


def _kinds(form: Any) -> Iterator[str]:
    """The kinds of a spread and of those that it is made of."""
    if isinstance(form, Mapping):
        yield from [form["kind"]] if "kind" in form else []
    parts = form.values() if isinstance(form, Mapping) else form if isinstance(form, list) else ()
    for part in parts:
        yield from _kinds(part)
