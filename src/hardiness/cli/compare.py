"""``hardiness compare``, and its two other questions: ``--noise`` and ``--power``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hardiness import api, statistics
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command, json_flag, quiet_flag
from hardiness.cli.output import print_json, print_views, wide
from hardiness.core.columns import Grouping
from hardiness.core.errors import ArgumentError
from hardiness.core.options import argument, option, part
from hardiness.core.request import Placement, Request
from hardiness.report.digest import Digest
from hardiness.report.words import line, text
from hardiness.results.equivalence import EquivalenceMargin

HINT = "does another resize explain a step? --data PHOTOS runs a model again on pictures that are resized in other ways"
"""The line below a ladder whose answers change, where no photographs are given."""

LINE = 80
"""Characters of a line of sentences, however wide the terminal is."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Which models of which folders, and how their comparison is printed."""

    outs: tuple[str, ...] = argument("OUT [OUT2 …]")
    models: tuple[str, ...] = option(
        "Which models; all if none is given. With --ladder: how a rung is loaded, as NAME=MODEL.",
        (),
        name="-m --model",
        metavar="MODEL",
    )
    reference: tuple[str, ...] = option(
        "Models of OUT that the line of effective robustness goes through, instead of the published ones.",
        (),
        metavar="MODEL",
    )
    grouped: api.GroupingOptions = field(default_factory=api.GroupingOptions)
    within: str | None = option(
        "A margin, as 0.5%: are two models equivalent within it? Two one-sided tests, by the 90 % interval.",
        None,
        metavar="MARGIN",
    )
    ladder: str | None = option(
        "Models in the order of an export: what each step changes, instead of a comparison of all.",
        None,
        metavar="A+B+C",
    )
    data: tuple[str, ...] = option(
        "With --ladder: the photographs, on which models are run again, resized by other libraries.",
        (),
        metavar="ROOT|NAME=PATH|embedded",
    )
    form: str | None = option(
        "The tables as latex, csv or markdown, for a paper.", None, name="--format", metavar="FORMAT"
    )
    everything: bool = option("Also every pair by every score, and what is said of single pairs.", False, name="--all")
    as_json: bool = json_flag("Print everything as JSON: cells, parts, images and ranks too.")


@command
def compare(options: CompareOptions) -> int:
    """Do models of OUT differ? Paired on the same images, with intervals and the smallest difference that n tells.

    The first score of each benchmark says which models are told apart and which are not; --all has every score.
    """
    grouping = api.grouping_asked(options.grouped)
    within = None if options.within is None else EquivalenceMargin.read(options.within)
    if options.ladder is not None:
        return _climb(options, grouping, within)
    if options.data:
        raise ArgumentError("--data goes with --ladder, whose models are run again on these pictures; leave it out")
    comparisons = api.compare_grouped(options.outs, options.models, options.reference, grouping, within)
    print_lines(problems=map(line, comparisons.problems))
    status = 1 if comparisons.problems else 0
    if options.as_json:
        print_json(comparisons.as_dict())
        return status
    if options.form:
        click.echo(comparisons.text_in(options.form), nl=False)
        return status
    _print_digest(comparisons.digest(), comparisons.remarks())
    if options.everything:
        console = wide()
        for sentence in comparisons.sentences():
            console.print(sentence, highlight=False, markup=False)
        print_views(comparisons.views())
    return status


def _climb(options: CompareOptions, grouping: Grouping, within: EquivalenceMargin | None) -> int:
    """Print what each step of a ladder changes."""
    if options.reference or grouping.slices:
        raise ArgumentError("--ladder goes without --reference and --slice")
    ladders = api.climb(options.outs, options.ladder or "", grouping, within, options.data, options.models)
    if options.as_json:
        print_json(ladders.as_dict())
    elif options.form:
        click.echo(ladders.text_in(options.form), nl=False)
    else:
        console = wide()
        console.width = min(console.width, LINE)
        for heading, sentences, table in ladders.parts():
            _print_wrapped(console, heading, style="bold")
            for sentence in sentences:
                _print_wrapped(console, sentence, indent="  ")
            if table is not None:
                print_views([table])
            console.print()
        if not options.data and any(
            step.flips and not step.flips.has_equal_answers for each in ladders for step in each.steps
        ):
            _print_wrapped(console, HINT, style="dim")
    return 0


def _print_digest(digest: Digest, remarks: Sequence[str]) -> None:
    """Print what is told apart and what is not, in lines that people can read."""
    console = wide()
    console.width = min(console.width, LINE)
    _print_wrapped(console, digest.title, style="bold")
    for heading, sentences in digest.parts:
        console.print()
        _print_wrapped(console, heading, style="bold")
        for sentence in sentences:
            _print_wrapped(console, sentence, indent="  ")
    console.print()
    for sentence in (*digest.foot, *remarks):
        _print_wrapped(console, sentence)
    _print_wrapped(console, "every pair by every score, conditions and classes: --all", style="dim")


def _print_wrapped(console: Console, sentence: str, *, indent: str = "", style: str = "") -> None:
    """Print a sentence in lines that are broken between words alone: a longer name reaches beyond them."""
    width = console.width - len(indent)
    for row in textwrap.wrap(sentence, width, break_long_words=False, break_on_hyphens=False):
        console.print(Text(f"{indent}{row}", style), soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class NoiseOptions:
    """Which model on which benchmark, with which data."""

    model: str = option("The model.", name="-m --model", metavar="MODEL[:option=value,…]")
    benchmark: str = option("The benchmark.", name="-b --benchmark", metavar="BENCHMARK[:option=value,…]")
    data: tuple[str, ...] = option("As of 'hardiness run', also several times.", (), metavar="ROOT|NAME=PATH|embedded")
    out: str = option("Output folder, or an object store.", "runs/latest", metavar="FOLDER|s3://…")
    request: Request = part(Request, "limit", "seed")
    placement: Placement = part(Placement, "device")
    quiet: bool = quiet_flag()
    as_json: bool = json_flag()


@command
def compare_noise(options: NoiseOptions) -> int:
    """How far does the protocol itself move the scores of one model on one benchmark?

    Resize backend, precision, runtime, batch size, seed and, of ONNX files, the precision of normalising pixels are
    varied, each alone, on the same images. 'hardiness compare' then calls a difference nothing that is no larger than
    what a setting moves the score by at least (the end of its interval that is nearer to 0).
    """
    settings = {**asdict(options.request), **asdict(options.placement)}
    progress = False if options.quiet else None
    noise = api.noise(options.model, options.benchmark, options.data, options.out, progress=progress, **settings)
    if options.as_json:
        print_json(noise)
    else:
        print_views([noise.view(text)])
    return 0


IMAGENET = 50_000
"""Photographs in ImageNet's validation set."""

USUAL = (0.3, 0.5, 0.7)
"""Correlations of right and wrong shown where none is given."""


@dataclass(frozen=True, kw_only=True)
class PowerOptions:
    """Which difference is to be detected, with which chance."""

    difference: float = option("Of the error rates, as a share: 0.01 is one point.", metavar="D")
    baseline_error: float = option("The baseline's error rate, as a share: 0.2 is 20 %.", metavar="E")
    correlations: tuple[float, ...] = option(
        "Of right and wrong between the two models over images; may be given several times. "
        f"[default: {', '.join(map(str, USUAL))}]",
        (),
        name="--correlation",
        metavar="R",
    )
    power: float = option("Of telling the difference.", 0.8, name="--power --chance", metavar="P")
    as_json: bool = json_flag()


@command
def compare_power(options: PowerOptions) -> int:
    """How many images tell that a model errs by D less often than a baseline that errs on E of them?

    Paired is both models on the same images, where only those count that one of them alone gets right; unpaired is each
    on photographs of its own.
    """
    needed_images = {}
    for each in options.correlations or USUAL:
        try:
            needed_images[each] = statistics.images_needed(
                options.difference, options.baseline_error, each, options.power
            )
        except ArgumentError:
            # Very unequal error rates cannot correlate much: of the usual ones, those that can be are shown.
            if options.correlations or each == min(USUAL):
                raise
    if options.as_json:
        rows = [{"correlation": each, **asdict(needed)} for each, needed in needed_images.items()]
        question = {"difference": options.difference, "baseline_error": options.baseline_error, "power": options.power}
        print_json({**question, "rows": rows})
        return 0
    table = Table("correlation", "one alone is right", "images, paired", "images each, unpaired")
    for column in table.columns:
        column.justify = "right"
    for each, needed in needed_images.items():
        row = (f"{each:g}", f"{100 * needed.disagreement:.1f} %", f"{needed.paired:,}", f"{needed.unpaired:,}")
        table.add_row(*row)
    wide().print(table)
    least = min(needed.paired for needed in needed_images.values())
    if least > IMAGENET:
        click.echo(f"ImageNet's {IMAGENET:,} validation photographs are too few for this difference.")
    return 0
