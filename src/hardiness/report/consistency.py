"""Error consistency as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.table import Table

from hardiness.report import format as formatting
from hardiness.scoring.comparisons.consistency import Comparison


def consistency_tables(comparisons: Sequence[Comparison], everything: bool = False) -> Iterator[Table]:
    """A table for each data set, a row for each pair; those of a mean only where ``everything`` is asked for."""
    for data, group in groupby(comparisons, key=lambda each: each.data):
        table = Table(title=f"error consistency on {data}", title_justify="left", title_style="bold")
        table.add_column("first", no_wrap=True)
        table.add_column("second", no_wrap=True)
        for heading in ("first right", "second right", "agreement", "by chance", "kappa", "n"):
            table.add_column(heading, justify="right")
        for each in group:
            if everything or not each.detail:
                table.add_row(*_row(each))
        yield table


def _row(each: Comparison) -> Iterator[str]:
    found = each.consistency
    yield from (each.first, each.second)
    for share in (*found.accuracies, found.agreement.value, found.expected.value):
        yield formatting.number(share, "fraction") if share is not None else "undefined"
    if found.kappa.value is None or found.kappa.interval is None:
        yield "undefined"
    else:
        yield f"{found.kappa.value:.3f}\n[dim]{found.kappa.interval.low:.3f} … {found.kappa.interval.high:.3f}[/dim]"
    yield f"{found.n:,}"
