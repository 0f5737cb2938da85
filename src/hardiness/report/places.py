"""The places of models by every score that a table shows, for exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness.core import Condition, Result
from hardiness.report.ranking import Standing
from hardiness.report.sections import sections
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison

Places = Mapping[tuple[str, str, Condition], Standing]
"""By the key of a run, a metric and its condition."""


def places_of(results: Sequence[Result], comparisons: Sequence[BenchmarkComparison] = ()) -> Places:
    """The places that the page and the terminal show; none where a benchmark has one model.

    Args:
        results: sorted by benchmark and data.
        comparisons: of the models on the same images; places go by overlap of intervals without them.
    """
    found = {}
    for shown in sections(results, comparisons):
        for column in shown.section.columns if len(shown.results) > 1 else ():
            places = shown.places(column)
            for result in shown.results:
                if result.name in places:
                    found[result.run.key, column.metric, column.condition] = places[result.name]
    return found
