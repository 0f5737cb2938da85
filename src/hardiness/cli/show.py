"""``hardiness show``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import groupby

import click
from rich.console import Console

from hardiness.cli.options import wide
from hardiness.core import Result, TextTable, require_within
from hardiness.report import WARNING, score_tables, scorecard_tables, terminal_table, with_own_names
from hardiness.results import BenchmarkComparison, group_of, kept_comparisons, results_of, with_severities
from hardiness.store import Store

SHOWN_FAILURES = 10


@click.command()
@click.argument("out")
@click.option("--all", "everything", is_flag=True, help="Also the scores that are no headlines.")
@click.option("--baseline", metavar="MODEL", help="Divide by this model's stored run instead of published AlexNet.")
@click.option("--verify", is_flag=True, help="Read every stored row again, whatever was kept of earlier calls.")
@click.option(
    "--below",
    type=float,
    metavar="SHARE",
    help="Of one's own classes: the severity at which accuracy falls below this share of the clean one, e.g. 0.7.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--claims", is_flag=True, expose_value=False, help="Do the paper's sentences hold? See 'show --claims --help'."
)
@click.option("--people", is_flag=True, expose_value=False, help="How like people do models err? See its --help.")
def command(out: str, everything: bool, baseline: str | None, verify: bool, below: float | None, as_json: bool) -> int:
    """Print the score tables of OUT, from its stored records; no model runs.

    What is computed of the records is kept in OUT, so that the next time takes less.
    """
    if below is not None:
        require_within("below", below, 0, 1)
    store = Store.open(out)
    usual = results_of(store, baseline, verify)
    found = usual if below is None else with_severities(usual, store, below)
    survey = store.survey()
    for line in survey.renamed:
        click.echo(line, err=True)
    problems = [*survey.problems, *dict.fromkeys(line for result in found for line in result.damage)]
    for line in problems:
        click.echo(f"hardiness: {line}", err=True)
    if as_json:
        click.echo(json.dumps([result.as_dict() for result in found], indent=1))
    else:
        print_tables(found, wide(Console()), lambda: kept_comparisons(store, usual, baseline), everything)
        if below is not None:
            _print_severities(found, below, wide(Console()))
    return 1 if problems else 0


def _print_severities(results: Sequence[Result], below: float, console: Console) -> None:
    """Print by model and corruption the severity at which accuracy falls below a share of the clean one."""
    rows = []
    for result in results:
        for score in result.scores:
            if score.metric.startswith("severity_below_"):
                ends = f"{score.interval.low:g}–{score.interval.high:g}" if score.interval else ""
                value = "" if score.value is None else f"{score.value:g}"
                why = score.reason or score.interval_reason
                rows.append((result.name, str(score.condition.get("corruption", "")), value, ends, why))
    title = f"severity at which accuracy falls below {100 * below:g} % of the clean one"
    heads = ("model", "corruption", "severity", "between", "")
    notes = () if rows else ("no result of one's own classes has clean and corrupted pictures",)
    for part in terminal_table(TextTable(title, heads, tuple(rows), named=2, notes=notes)):
        console.print(part, highlight=False)


Comparisons = Sequence[BenchmarkComparison]


def print_tables(
    results: Sequence[Result], console: Console, comparisons: Callable[[], Comparisons], everything: bool = False
) -> None:
    """Print the overview, one table for each benchmark and data set, then the samples that failed."""
    if len({(result.benchmark, result.data, result.protocol) for result in results}) > 1:
        for table in scorecard_tables(results, comparisons()):
            console.print(table)
            console.print()
    for table in score_tables(results, everything):
        console.print(table)
        console.print()
    _print_failures(results, console)


def print_overview(results: Sequence[Result], console: Console, comparisons: Comparisons = ()) -> None:
    """Print the overview, what to know before trusting it, and the samples that failed.

    Of one benchmark on one data set it is the whole table instead.
    """
    if len({(result.benchmark, result.data, result.protocol) for result in results}) == 1:
        print_tables(results, console, lambda: comparisons)
        return
    for table in scorecard_tables(results, comparisons, joined=True):
        console.print(table)
    warnings = dict.fromkeys(warning for result in results for warning in result.warnings)
    names = _names(results)
    for warning in warnings:
        about = [name for name, result in names if warning in result.warnings]
        where = "" if len(about) == len(results) else f"{'; '.join(about[:3])}{' …' if len(about) > 3 else ''}: "
        console.print(f"{where}{warning}", style=WARNING, markup=False, highlight=False)
    _print_failures(results, console)


def _names(results: Sequence[Result]) -> list[tuple[str, Result]]:
    """Each result with its benchmark and model; with what tells it apart, where another has the same two."""
    groups = [(group, list(each)) for group, each in groupby(results, key=group_of)]
    found = []
    for group, alike in groups:
        benchmark, data, *others = group
        several = sum(other[0] == benchmark for other, _ in groups) > 1
        where = ", ".join((f"{benchmark} on {data}", *filter(None, others))) if several else benchmark
        named = with_own_names(alike)
        found += [(f"{where}, {name.name}", result) for name, result in zip(named, alike, strict=True)]
    return found


def _print_failures(results: Sequence[Result], console: Console) -> None:
    for name, result in _names(results):
        for failure in result.failures[:SHOWN_FAILURES]:
            line = f"failed in {name}: {failure.reason}"
            console.print(line, style="red", markup=False, soft_wrap=True)  # one line, however long the file's path
        if len(result.failures) > SHOWN_FAILURES:
            console.print(f"… and {len(result.failures) - SHOWN_FAILURES} more, all in results.json")
