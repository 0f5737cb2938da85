"""Numbers that were published of a benchmark, where they may stand in a figure of results."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.benchmarks.options import registry
from hardiness.benchmarks.presentation import has_published_classes
from hardiness.core.result import Result
from hardiness.core.run import InputIdentity, Run
from hardiness.reference.published_numbers import PublishedNumber, published_series


def is_comparable(results: Sequence[Result]) -> bool:
    """Whether marks of published numbers may stand in a figure of these results.

    They may not where classes are other ones, or where pictures lie on another canvas than the published ones did.
    """
    runs = [result.run for result in results if not result.measured.get("published")]
    return all(has_published_classes(run) and _is_on_published_canvas(run) for run in runs)


def series_beside(results: Sequence[Result], metric: str) -> dict[str, list[PublishedNumber]]:
    """Every published value of a metric of these results' benchmark, by model; none where they are not comparable."""
    return published_series(results[0].benchmark, metric) if is_comparable(results) else {}


def published_on(results: Sequence[Result]) -> str:
    """On which pictures the published numbers beside these results were measured, as the end of a sentence."""
    return "on ImageNet's, not on these photographs" if results[0].run.data.is_embedded else "on all of the data set"


def _is_on_published_canvas(run: Run) -> bool:
    benchmark = registry.find(run.benchmark.name)
    in_own_view = benchmark is not None and benchmark.marks_in_own_view
    return in_own_view or run.input == InputIdentity() or run.input.canvas == "fixed"
