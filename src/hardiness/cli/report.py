"""``hardiness report``."""

from __future__ import annotations

import click

from hardiness import api
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command


@command
def report(report_options: api.Report) -> int:
    """Write a page that explains the results of one or more OUT, from what is stored.

    It is OUT/report.html; of several folders, or of the published results, report.html here. OUT may also be a folder
    of 'hardiness make features'. The exit status is 1 where something stored cannot be read; the rest is shown.
    """
    page = api.write_page(report_options)
    print_lines(*page.remarks, problems=page.problems)
    click.echo(page.address)
    return 1 if page.problems else 0
