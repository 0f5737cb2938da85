"""``hardiness report``."""

from __future__ import annotations

import click

from hardiness import api
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command
from hardiness.core.errors import ArgumentError
from hardiness.report.words import line


@command
def report(report_options: api.Report) -> int:
    """Write a page that explains the results of one or more OUT, from what is stored.

    It is OUT/report.html; of several folders, or of the published results, report.html here. OUT may also be a folder
    of 'hardiness make features'. The exit status is 1 where something stored cannot be read; the rest is shown.

    --evidence DIR writes what an authority, a customer or a reviewer can file instead: evidence.json with its schema,
    and evidence.html, which prints on A4. Nothing in OUT changes then.
    """
    if report_options.evidence is not None:
        written = api.report_evidence(report_options)
        print_lines(*map(line, written.remarks), problems=map(line, written.problems))
        click.echo(f"{written.file}  {written.page}")
        return 1 if written.problems else 0
    if report_options.about or report_options.since:
        name = "about" if report_options.about else "since"
        raise ArgumentError(f"--{name} goes with --evidence DIR, the folder that evidence is written to")
    page = api.write_page(report_options)
    print_lines(*map(line, page.remarks), problems=map(line, page.problems))
    click.echo(page.address)
    return 1 if page.problems else 0
