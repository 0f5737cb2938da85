"""``hardiness report``."""

from __future__ import annotations

from pathlib import Path

import click

from hardiness import api
from hardiness.cli.options import grouped, wait


@click.command()
@grouped(
    "asked",
    api.Report,
    click.argument("outs", nargs=-1, metavar="[OUT]…"),
    click.option(
        "--data",
        multiple=True,
        metavar="ROOT|NAME=PATH|embedded",
        help="Where the photographs are now; where they were when they were evaluated if not given.",
    ),
    click.option("--baseline", metavar="MODEL", help="Divide by this model's stored run instead of published AlexNet."),
    click.option("--published", is_flag=True, help="The paper's own results, beside those of OUT if it is given."),
    click.option("--images/--no-images", default=True, help="Whether the page holds photographs."),
    click.option(
        "--show",
        multiple=True,
        metavar="SET",
        help="Also pictures of this set, which are shown to who asks: objectnet, each in its red border.",
    ),
    click.option(
        "--column", is_flag=True, help="Write each figure as wide as one column of a paper too: NAME--column.pdf."
    ),
    click.option(
        "--trained-with",
        multiple=True,
        metavar="MODEL=RECIPE+…",
        help="What a model was trained with: augmix, deepaugment, ant, sin …, or names of corruptions.",
    ),
    click.option(
        "--to", "--out", "to", type=click.Path(path_type=Path), help="The file to write; nothing in OUT changes then."
    ),
    wait,
)
def command(asked: api.Report) -> int:
    """Write a page that explains the results of one or more OUT, from what is stored.

    It is OUT/report.html; of several folders, or of the published results, report.html here. OUT may also be a folder
    of 'hardiness make features'. The exit status is 1 where something stored cannot be read; the rest is shown.
    """
    page = api.write_report(asked)
    for line in page.remarks:
        click.echo(line, err=True)
    for line in page.problems:
        click.echo(f"hardiness: {line}", err=True)
    click.echo(page.address)
    return 1 if page.problems else 0
