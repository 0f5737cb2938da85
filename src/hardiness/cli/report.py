"""``hardiness report``."""

from __future__ import annotations

from pathlib import Path

import click

from hardiness.api import publish
from hardiness.scoring import rebuild, results
from hardiness.store import Store


@click.command()
@click.argument("out")
@click.option("--baseline", metavar="MODEL", help="Divide by this model's stored run instead of published AlexNet.")
def command(out: str, baseline: str | None) -> int:
    """Write OUT/report.html from the stored records."""
    store = Store.open(out)
    found = results(store, baseline) if baseline else rebuild(store)
    click.echo(publish(store, found, title=f"hardiness: {Path(out).resolve().name}"))
    return 0
