"""``hardiness show``, and its two other questions: ``--claims`` and ``--people``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import click
from rich.console import Console

from hardiness import api, results
from hardiness.benchmarks.operating_limits import OPERATING_LIMIT
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command, json_flag
from hardiness.cli.output import SHOWN_FAILURES, print_json, print_views, wide
from hardiness.core.errors import ArgumentError
from hardiness.core.options import above_option, argument, baseline_option, option
from hardiness.core.result import Result, TextTable
from hardiness.report.exports.exporter import tables_in
from hardiness.report.sections import with_own_names
from hardiness.report.terminal import (
    WARNING,
    consistency_by_set_table,
    consistency_tables,
    human_likeness_table,
    score_tables,
    scorecard_tables,
    tables_below,
)
from hardiness.report.words import line, text
from hardiness.results.comparison import BenchmarkComparison
from hardiness.results.folder import Folder, require_shares
from hardiness.results.results import group_of


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Which folders, and how much of them."""

    outs: tuple[str, ...] = argument("OUT [OUT2 …]")
    everything: bool = option("Also the scores that are no headlines.", False, name="--all")
    baseline: str | None = baseline_option()
    verify: bool = option("Read every stored row again, whatever was kept of earlier calls.", False)
    below: float | None = option(
        "Of one's own classes: the severity at which accuracy falls below this share of the clean one, e.g. 0.7.",
        None,
        metavar="SHARE",
    )
    above: str | None = above_option()
    grouped: api.MixedGroupingOptions = field(default_factory=api.MixedGroupingOptions)
    as_json: bool = json_flag("Print the results as JSON.")


@command
def show(options: ShowOptions) -> int:
    """Print the score tables of one or more OUT, from their stored records; no model runs.

    Models of several OUT stand in the same tables. What is computed of the records is kept in OUT, so that the next
    time takes less.
    """
    below, above = options.below, api.stated_accuracy(options.above)
    require_shares(below, above)
    (stores, missing), grouping = api.open_stores(options.outs), api.grouping_asked(options.grouped)
    folder = Folder.open(
        *stores, grouping=grouping, baseline=options.baseline, below=below, above=above, verify=options.verify
    )
    problems, shown = api.problems_of(folder, missing), folder.results
    print_lines(*map(line, folder.renamed), problems=map(line, problems))
    if options.as_json:
        print_json(shown)
    else:
        print_tables(shown, wide(), lambda: api.comparisons_of(folder, details=False), options.everything)
        if below is not None:
            _print_severities(shown, below)
        if above is not None and not any(score.metric == OPERATING_LIMIT.name for r in shown for score in r.scores):
            click.echo("no level of a corruption was run, so there is no operating limit")
    return 1 if problems else 0


def _print_severities(results: Sequence[Result], below: float) -> None:
    """Print by model and corruption the severity at which accuracy falls below a share of the clean one."""
    rows = []
    for result in results:
        for score in result.scores:
            if score.metric.startswith("severity_below_"):
                ends = f"{score.interval.low:g}–{score.interval.high:g}" if score.interval else ""
                value = "" if score.value is None else f"{score.value:g}"
                why = text(score.lack)
                rows.append((result.name, str(score.condition.get("corruption", "")), value, ends, why))
    title = f"severity at which accuracy falls below {100 * below:g} % of the clean one"
    heads = ("model", "corruption", "severity", "between", "")
    notes = () if rows else ("no result of one's own classes has clean and corrupted pictures",)
    print_views([TextTable(title, heads, tuple(rows), named=2, notes=notes)])


Comparisons = Sequence[BenchmarkComparison]


def print_tables(
    results: Sequence[Result], console: Console, comparisons: Callable[[], Comparisons], everything: bool = False
) -> None:
    """Print the overview, one table for each benchmark and data set, then the samples that failed."""
    if len({(result.benchmark, result.data, result.protocol) for result in results}) > 1:
        for table in scorecard_tables(results, comparisons()):
            console.print(table)
            console.print()
    for table in score_tables(results, everything):
        console.print(table)
        console.print()
    _print_failures(results, console)


def print_overview(results: Sequence[Result], console: Console, comparisons: Comparisons = ()) -> None:
    """Print the overview, what to know before trusting it, and the samples that failed.

    Of one benchmark on one data set it is the whole table instead.
    """
    if len({(result.benchmark, result.data, result.protocol) for result in results}) == 1:
        print_tables(results, console, lambda: comparisons)
        return
    for table in scorecard_tables(results, comparisons):
        console.print(table)
    print_views(tables_below(results))
    warnings = dict.fromkeys(fact for result in results for fact in result.warnings)
    names = _names(results)
    for warning in warnings:
        about = [name for name, result in names if warning in result.warnings]
        where = "" if len(about) == len(results) else f"{'; '.join(about[:3])}{' …' if len(about) > 3 else ''}: "
        console.print(f"{where}{text(warning)}", style=WARNING, markup=False, highlight=False)
    _print_failures(results, console)


def _names(results: Sequence[Result]) -> list[tuple[str, Result]]:
    """Each result with its benchmark and model; with what tells it apart, where another has the same two."""
    groups = [(group, list(each)) for group, each in groupby(results, key=group_of)]
    names = []
    for group, alike in groups:
        benchmark, data, *others = group
        several = sum(other[0] == benchmark for other, _ in groups) > 1
        where = ", ".join((f"{benchmark} on {data}", *filter(None, others))) if several else benchmark
        named = with_own_names(alike)
        names += [(f"{where}, {name.name}", result) for name, result in zip(named, alike, strict=True)]
    return names


def _print_failures(results: Sequence[Result], console: Console) -> None:
    for name, result in _names(results):
        for failure in result.failures[:SHOWN_FAILURES]:
            line = f"failed in {name}: {failure.reason}"
            console.print(line, style="red", markup=False, soft_wrap=True)  # one line, however long the file's path
        if len(result.failures) > SHOWN_FAILURES:
            console.print(f"… and {len(result.failures) - SHOWN_FAILURES} more, all in results.json")


@dataclass(frozen=True, kw_only=True)
class ClaimOptions:
    """Which models' claims, and how the verdicts are printed."""

    out: str | None = argument("[OUT]", None)
    family: tuple[str, ...] = option(
        "A model of the family, smallest first; may be given several times. [default: all of OUT, by parameters]",
        (),
        name="-m --model",
        metavar="MODEL",
    )
    reference: str | None = option("The model that the family is compared with.", None, metavar="MODEL")
    published: bool = option("Judge the published five instead of an output folder.", False)
    form: str | None = option(
        "The table as latex, csv or markdown, for a paper.", None, name="--format", metavar="FORMAT"
    )
    as_json: bool = json_flag()


@command
def show_claims(options: ClaimOptions) -> int:
    """Do the sentences of the paper hold for the models of OUT?

    Each is answered with holds, does not hold, cannot be told from this n, or cannot be told: a score or a model is
    missing, and which. p is two-sided, of the contrast that the verdict rests on; of a contrast that speaks against the
    sentence it is multiplied by the number of the sentence's contrasts, and is 1 at most.
    """
    if options.published == (options.out is not None):
        raise ArgumentError("claims needs either OUT, the folder of an earlier 'hardiness run', or --published")
    if options.out is None:
        verdicts = api.published_claims()
    else:
        verdicts = api.claims(options.out, *options.family, reference=options.reference)
    if options.as_json:
        print_json(verdicts)
    elif options.form:
        click.echo(tables_in(options.form, [verdicts.view()]), nl=False)
    else:
        print_views([verdicts.view()])
    return 0


@dataclass(frozen=True, kw_only=True)
class PeopleOptions:
    """Which folder, beside which people."""

    out: Path = argument("OUT")
    humans: tuple[Path, ...] = option(
        "People's answers, trial by trial, as model-vs-human publishes them; may be given several times. For runs of "
        "model-vs-human a folder of csv files for each set.",
        (),
        metavar="FILE.csv|FOLDER",
    )
    protocol: str = option("How an answer to a cue conflict is read.", "geirhos2019", metavar="NAME")
    everything: bool = option("Each person, not only the mean over them; each set.", False, name="--all")
    as_json: bool = json_flag()


@command
def show_people(options: PeopleOptions) -> int:
    """How like people do the models of OUT err?

    On cue conflicts Cohen's kappa of every two models and, with their answers, people; on model-vs-human its four
    numbers and the mean rank of three.
    """
    report = api.people(options.out, options.humans, protocol=options.protocol)
    if options.as_json:
        print_json(report.as_dict())
        return 0
    if report.consistency:
        _print_kappas(report.consistency, options.everything)
    if report.likeness:
        _print_likeness(report.likeness, options.everything)
    return 0


def _print_kappas(comparisons: Sequence[results.Comparison], everything: bool) -> None:
    console = wide()
    for table in consistency_tables(comparisons, everything):
        console.print(table)
    if hidden := 0 if everything else sum(each.detail for each in comparisons):
        console.print(f"and {hidden} single pairs: --all", style="dim")


def _print_likeness(likenesses: Sequence[results.Likeness], by_set: bool) -> None:
    console = wide()
    console.print(human_likeness_table(likenesses))
    if by_set:
        console.print(consistency_by_set_table(likenesses))
