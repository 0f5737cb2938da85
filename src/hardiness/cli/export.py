"""``hardiness export``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from hardiness import api, store
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command
from hardiness.core.errors import ArgumentError
from hardiness.core.options import argument, baseline_option, option
from hardiness.report.exports.exporter import offered_names, registry


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Which folders, in which form, to which file."""

    outs: tuple[str, ...] = argument("OUT…")
    form: str = option(
        f"{', '.join(offered_names())}; 'hardiness list exports' says what each is.", name="--format", metavar="FORMAT"
    )
    baseline: str | None = baseline_option()
    to: Path | None = option("File to write; printed if not given.", None, metavar="FILE")


@command
def export(asked: ExportOptions) -> int:
    """Write the results of OUT in a form that papers and other tools read."""
    exporter = registry.get(asked.form)
    if exporter.binary and asked.to is None:
        raise ArgumentError(f"--format {asked.form} is binary: name a file with --to, as in --to results.{asked.form}")
    if asked.to is not None and asked.to.is_dir():
        raise ArgumentError(f"--to must be a file, but {asked.to} is a folder; name a file in it")
    found = api.collect_results(asked.outs, asked.baseline)
    print_lines(*found.remarks, problems=found.problems)
    try:
        content = exporter.write(found.results, found.comparisons)
    except Exception as error:
        if not registry.give_up(asked.form, error):
            raise
        return 1
    if asked.to is None:
        click.echo(content.decode(), nl=False)
    else:
        store.LocalFiles(asked.to.parent.resolve()).write(asked.to.name, content)
        click.echo(asked.to)
    return 1 if found.problems else 0
