"""``hardiness report``."""

from __future__ import annotations

from pathlib import Path

import click

from hardiness.report import write_page
from hardiness.scoring import rebuild, results
from hardiness.store import Store


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--baseline", metavar="MODEL", help="Divide by this model's stored run instead of published AlexNet.")
def command(out: Path, baseline: str | None) -> int:
    """Write OUT/report.html from the stored records."""
    path = out / "report.html"
    store = Store.open(out)
    found = results(store, baseline) if baseline else rebuild(store)
    write_page(found, path, title=f"hardiness: {out.resolve().name}")
    click.echo(path)
    return 0
