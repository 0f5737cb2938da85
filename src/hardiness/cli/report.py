"""``hardiness report``."""

from __future__ import annotations

from pathlib import Path

import click

from hardiness.report import rebuild, write_page
from hardiness.store import Store


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> int:
    """Write OUT/report.html from the stored records."""
    path = out / "report.html"
    write_page(rebuild(Store.open(out)), path, title=f"hardiness: {out.resolve().name}")
    click.echo(path)
    return 0
