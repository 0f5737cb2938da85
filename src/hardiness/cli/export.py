"""``hardiness export``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import click

from hardiness import api, report
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command
from hardiness.core.errors import ArgumentError
from hardiness.core.options import above_option, argument, baseline_option, option
from hardiness.report.exports.exporter import offered_names, registry


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Which folders, in which form, to which file."""

    outs: tuple[str, ...] = argument("OUT…")
    form: str = option(
        f"{', '.join(offered_names())}; 'hardiness list exports' says what each is.", name="--format", metavar="FORMAT"
    )
    baseline: str | None = baseline_option()
    above: str | None = above_option()
    grouped: api.MixedGroupingOptions = field(default_factory=api.MixedGroupingOptions)
    table_columns: tuple[str, ...] = option(
        "Of tables that have a column of this name, that column and no other; with latex.", (), metavar="NAME"
    )
    to: Path | None = option("File to write; printed if not given.", None, metavar="FILE")


@command
def export(options: ExportOptions) -> int:
    """Write the results of OUT in a form that papers and other tools read."""
    exporter = registry.get(options.form)
    if exporter.binary and options.to is None:
        raise ArgumentError(
            f"--format {options.form} is binary: name a file with --to, as in --to results.{options.form}"
        )
    if options.table_columns and not exporter.of_columns:
        raise ArgumentError(f"--table-columns does not go with --format {options.form}; it is for latex")
    api.refuse_folder(options.to)
    above = api.stated_accuracy(options.above)
    collection = api.collect_results(options.outs, options.baseline, api.grouping_asked(options.grouped), above)
    print_lines(*map(report.line, collection.remarks), problems=map(report.line, collection.problems))
    try:
        gates = api.gate_tables(collection.folder.stores)
        content = exporter.content(
            collection.results, collection.comparisons, collection.folder.tables_of, gates, options.table_columns
        )
    except Exception as error:
        if not registry.give_up(options.form, error):
            raise
        return 1
    if options.to is None:
        click.echo(content.decode(), nl=False)
    else:
        api.write_export(content, options.to)
        click.echo(options.to)
    return 1 if collection.problems else 0
