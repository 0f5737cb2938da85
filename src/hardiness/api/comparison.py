"""Whether models differ, from Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hardiness.core import TextTable
from hardiness.report.text import as_text
from hardiness.report.text_table import terminal_table
from hardiness.scoring import results
from hardiness.scoring.statistics import benchmark_comparison
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison
from hardiness.scoring.statistics.comparison_json import comparison_json
from hardiness.scoring.statistics.comparison_view import comparison_view
from hardiness.store import Store


@dataclass(frozen=True, repr=False)
class Comparisons:
    """The comparison on each benchmark; iterates over them, and prints as tables."""

    benchmarks: tuple[BenchmarkComparison, ...]

    def __iter__(self) -> Iterator[BenchmarkComparison]:
        return iter(self.benchmarks)

    def __len__(self) -> int:
        return len(self.benchmarks)

    def __repr__(self) -> str:
        return as_text(part for view in self.views() for part in terminal_table(view))

    def views(self) -> list[TextTable]:
        """A table for each benchmark."""
        return [comparison_view(each) for each in self.benchmarks]

    def as_dict(self) -> list[dict[str, Any]]:
        """The JSON form: cells, parts, images and ranks too."""
        return [comparison_json(each) for each in self.benchmarks]


def compare(out: str | Path | Sequence[str | Path], *models: str) -> Comparisons:
    """Whether models of one or more output folders differ: paired on the same images, with intervals.

    Args:
        out: the ``out=`` or ``--out`` of earlier evaluations, or several.
        models: names of those to compare; all if none is given.

    Raises:
        ArgumentError: there are fewer than two models of that name on one benchmark.
        DataError: a folder holds no records.
    """
    outs = [out] if isinstance(out, str | Path) else list(out)
    stores = [Store.open(each) for each in outs]
    found = benchmark_comparison.compare(stores, models)
    doubts = {result.key: result.doubt for store in stores for result in results(store) if result.doubt}
    return Comparisons(
        tuple(
            replace(each, doubts={name: doubts[key] for name, key in each.keys.items() if key in doubts})
            for each in found
        )
    )
