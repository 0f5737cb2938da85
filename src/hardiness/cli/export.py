"""``hardiness export``."""

from __future__ import annotations

from pathlib import Path

import click

from hardiness import api
from hardiness.core import ArgumentError
from hardiness.report import registry
from hardiness.store import LocalFiles


@click.command()
@click.argument("outs", nargs=-1, required=True, metavar="OUT…")
@click.option("--format", "name", required=True, metavar="FORMAT", help="json, csv, parquet, latex, markdown …")
@click.option("--baseline", metavar="MODEL", help="Divide by this model's stored run instead of published AlexNet.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="File to write; printed if not given.")
def command(outs: tuple[str, ...], name: str, baseline: str | None, to: Path | None) -> int:
    """Write the results of OUT in a form that papers and other tools read.

    Forms: json, csv, parquet, latex, markdown, model-index (Hugging Face model cards), bibtex.
    """
    exporter = registry.get(name)
    if exporter.binary and to is None:
        raise ArgumentError(f"--format {name} is binary: name a file with --to, as in --to results.{name}")
    found = api.collected(outs, baseline)
    for line in found.remarks:
        click.echo(line, err=True)
    for line in found.problems:
        click.echo(f"hardiness: {line}", err=True)
    content = exporter.write(found.results, found.comparisons)
    if to is None:
        click.echo(content.decode(), nl=False)
    else:
        LocalFiles(to.parent.resolve()).write(to.name, content)
        click.echo(to)
    return 1 if found.problems else 0
