"""Models beside each other, as tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.table import Table

from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison
from hardiness.scoring.statistics.comparison import Compared
from hardiness.scoring.statistics.proportions import Difference

TITLES = {
    "top1": "top-1",
    "rms_calibration_error": "RMS calibration error",
    "aurra": "AURRA",
    "mce": "mCE",
    "relative_mce": "relative mCE",
    "mfr": "mFR",
}
"""Names of scores as people write them; others with blanks for underscores."""


def title(metric: str) -> str:
    """A score's name as people write it."""
    return TITLES.get(metric, metric.replace("_", " "))


def comparison_tables(found: Sequence[BenchmarkComparison]) -> Iterator[Table | str]:
    """A table for each benchmark: a row for each pair and score, then who ranks where."""
    for each in found:
        images = f"{each.n:,} images that all share" if each.n else "different photographs: unpaired"
        table = Table(title=f"{each.benchmark} on {each.data}, {images}", title_justify="left", title_style="bold")
        for heading in ("score", "first", "second", "difference", "95 %", "p", "told apart?", "this n tells"):
            table.add_column(heading, justify="left" if heading in ("score", "first", "second") else "right")
        for score in each.scores:
            for (first, second), pair in score.pairs.items():
                table.add_row(*_row(score, first, second, pair))
        yield table
        for score in each.scores:
            if score.ranks and len(score.values) > 2:
                places = ", ".join(
                    f"{name} {rank.rank}" + (f"–{rank.worst}" if rank.worst > rank.rank else "")
                    for name, rank in sorted(score.ranks.items(), key=lambda item: (item[1].rank, item[1].worst))
                )
                yield f"ranks by {title(score.metric)}: {places}"
        yield from each.notes


def _row(score: Compared, first: str, second: str, pair: Difference) -> Iterator[str]:
    def points(value: float) -> str:
        return f"{100 * value:+.2f}"

    yield title(score.metric)
    for name in (first, second):
        value = score.values[name]
        yield f"{name}\n[dim]{'undefined' if math.isnan(value) else f'{100 * value:.2f}'}[/dim]"
    if pair.interval is None:
        yield from ("undefined" if math.isnan(pair.value) else points(pair.value), "", "", pair.reason or "", "")
        return
    yield points(pair.value)
    yield f"{points(pair.interval.low)} … {points(pair.interval.high)}"
    yield "" if pair.p is None else f"{pair.p:.3f}" if pair.p >= 0.001 else "<0.001"
    yield "yes" if pair.told else "no"
    yield "" if pair.detectable is None else f"{100 * pair.detectable:.2f}"
