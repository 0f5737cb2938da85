"""``hardiness score``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from hardiness import api
from hardiness.cli.options import command, json_flag
from hardiness.cli.output import print_views, wide
from hardiness.core.options import argument, option
from hardiness.report.gate import STYLES, gate_view


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Which file, what its scores are grouped by, and what is made of them."""

    file: str = argument("FILE")
    slices: tuple[str, ...] = option("Scores for each value of this column.", (), name="--slice", metavar="COLUMN")
    cluster: str | None = option(
        "Pictures with one value of this column belong together: intervals count such clusters.", None, metavar="COLUMN"
    )
    metrics: tuple[str, ...] = option("These scores alone, as macro_f1.", (), name="--metric", metavar="NAME")
    policy: Path | None = option("Judge by the rules of this policy; the exit status says how.", None, metavar="FILE")
    report: Path | None = option("Write one page.", None, metavar="FILE.html")
    as_json: bool = json_flag("Print the results as JSON.")


@command
def score(options: ScoreOptions) -> int:
    """Score the answers of models in FILE, csv or Parquet: with intervals, paired comparisons, and no pictures.

    FILE has a line for each picture with the columns label and one for each model, or a line for each answer with the
    columns model, picture, label, answer and, where there are several, condition.
    """
    scores = api.score_labelled_file(options.file, options.cluster, options.slices, options.metrics or None)
    verdicts = scores.gate(options.policy) if options.policy else None
    if options.report:
        click.echo(scores.report(options.report), err=options.as_json)
    if options.as_json:
        click.echo(scores.to_json())
    else:
        wide().print(scores)
        if len(scores) > 1:
            for sentence in scores.compare().sentences():
                wide().print(sentence, highlight=False, markup=False)
        if verdicts:
            print_views([gate_view(verdicts)], STYLES)
    return verdicts.exit_status if verdicts else 0
