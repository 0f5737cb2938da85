"""``hardiness list``: what there is, and what one of it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hardiness import attacks, benchmarks, distortions, models, reference
from hardiness.api.benchmark_sizes import size_table
from hardiness.cli.lines import print_lines
from hardiness.cli.options import command, json_flag
from hardiness.cli.output import amount, print_json, print_views, wide
from hardiness.core.benchmark import GROUPS
from hardiness.core.bounds import require_within
from hardiness.core.model import ModelSpec
from hardiness.core.options import argument, option
from hardiness.core.registry import Registry, summary_of
from hardiness.core.result import TextTable
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.data.root import LAYOUTS
from hardiness.distortions.levels import number_text
from hardiness.metrics.declaration import PairMetric, RunMetric
from hardiness.metrics.declaration import pair_registry as pair_metrics
from hardiness.metrics.declaration import registry as run_metrics
from hardiness.models.runtimes import runtimes
from hardiness.models.whole_pictures import TAKES
from hardiness.report.exports.exporter import Exporter
from hardiness.report.exports.exporter import registry as exports
from hardiness.report.format import FittingTable
from hardiness.report.loggers.logger import TrackerKind
from hardiness.report.loggers.logger import registry as loggers
from hardiness.report.words import line
from hardiness.results.folder import Folder
from hardiness.results.run_names import typed_option
from hardiness.results.stored_runs import RunEntry, run_entries

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """Everything of a kind, or one of it."""

    name: str | None = argument("[NAME]", None)


@dataclass(frozen=True, kw_only=True)
class ListBenchmarkOptions(ListOptions):
    """Which benchmarks, and what of them."""

    sizes: bool = option("How many pictures, conditions and passes, how many GB, and how many hours.", False)


@dataclass(frozen=True, kw_only=True)
class ListModelOptions(ListOptions):
    """Which models."""

    published: str | None = option(
        "The models of timm by their published top-1 on this set, the best first; of several sizes the best.",
        None,
        choices=tuple(reference.TIMM_SETS),
    )
    at_least: float = option("With --published: of this top-1, in percent.", 0.0, metavar="PERCENT")


@command
def list_models(options: ListModelOptions) -> int:
    """List the models, or describe NAME: its view, source and options. Nothing is loaded.

    A NAME with * searches: 'resnext*', 'timm:resnet*', 'torchvision:*'.
    """
    console = wide()
    name, published = options.name, options.published
    require_within("--at-least", options.at_least, 0, 100)
    if options.at_least and not published:
        raise click.UsageError("--at-least needs --published SET, as in --published imagenet-r --at-least 60")
    if published:
        _published(console, published, options.at_least / 100, name or "*")
        return 0
    if name and models.is_pattern(name):
        for each in models.search(name):
            console.print(each, highlight=False, markup=False)
        if ":" not in name:
            libraries = [prefix for prefix in models.schemes if models.schemes.get(prefix).names]
            print_lines(f"models of libraries: {', '.join(repr(f'{prefix}:{name}') for prefix in libraries)}")
        return 0
    if name:
        _describe_model(console, models.resolve(name))
        return 0
    rows = []
    for each in models.registry.names():
        spec = models.registry.get(each)
        parameters = f"{spec.source.parameters:,}" if spec.source.parameters else ""
        rows.append((each, parameters, str(spec.view.crop_px), spec.source.licence, spec.summary))
    for prefix in models.schemes:
        scheme = models.schemes.get(prefix)
        rows.append((scheme.form, "", "", "", scheme.summary))
    heads = ("model", "parameters", "crop", "weights", "what")
    console.print(FittingTable(heads, rows, named=len(heads), droppable=("crop", "parameters")))
    return 0


def _published(console: Console, benchmark: str, least: float, pattern: str) -> None:
    """A row for each model of timm of at least that top-1, those whose name matches."""
    rows = [row for row in reference.best_rows(benchmark) if row.top1[benchmark] >= least]
    rows = [row for row in rows if fnmatch(f"timm:{row.model}", pattern) or fnmatch(row.model, pattern)]
    table = Table("model", "parameters, million", "crop", benchmark, "imagenet-val", title_justify="left")
    table.title = (
        f"{len(rows):,} of {len(reference.best_rows(benchmark)):,} models that timm published, top-1 in percent"
    )
    for row in rows:
        shares = (row.top1.get(each) for each in (benchmark, "imagenet-val"))
        values = ("" if share is None else f"{100 * share:.2f}" for share in shares)
        table.add_row(f"timm:{row.model}", f"{row.parameters_m:,.1f}", str(row.crop_px), *values)
    console.print(table)


def _describe_model(console: Console, spec: ModelSpec) -> None:
    console.print(f"[bold]{spec.name}[/bold]  {spec.summary}\n", highlight=False)
    table = Table(show_header=False, box=None)
    view = spec.view
    if form := dict(spec.options).get(TAKES):
        table.add_row("view", f"none: it takes pictures at their own size ({TAKES}={form})")
    else:
        table.add_row("view", f"{view.crop_mode} crop {view.crop_px} of {view.resize_px} px, {view.interpolation}")
        table.add_row("", f"mean {view.mean}, std {view.std}, {view.channel_order} in {view.range}")
    table.add_row("classes", f"{spec.num_classes:,}" if spec.num_classes else "read from the model")
    source = spec.source
    facts = {
        "parameters": f"{source.parameters:,}" if source.parameters else "",
        "paper": source.paper,
        "weights": source.url or source.package,
        "sha256": source.sha256,
        "licence": source.licence,
    }
    sets = dict.fromkeys((*reference.ZERO_SHOT, *reference.TIMM_SETS))
    identity = ModelIdentity(spec.name, view=view)
    known = [row for benchmark in sets for row in reference.published_for(identity, benchmark, "top1", {})]
    facts["published top-1"] = ", ".join(f"{row.benchmark} {100 * row.value:.1f}" for row in known)
    row = reference.timm_row(identity)
    facts["published by timm"] = row if isinstance(row, str) else ""
    for fact, value in facts.items():
        if value:
            table.add_row(fact, value)
    prefix = spec.name.partition(":")[0]
    own = models.schemes.get(prefix).options if prefix in models.schemes else {}
    for key, text in {**own, **models.COMMON}.items():
        table.add_row(f":{key}=", text.format(getattr(view, key, "")))
    console.print(table)


@command
def list_benchmarks(options: ListBenchmarkOptions) -> int:
    """List the benchmarks, or describe NAME with its options."""
    console = wide()
    if options.sizes:
        print_views([size_table([options.name] if options.name else ())])
        return 0
    if options.name:
        _describe_benchmark(console, benchmarks.own_name(options.name, benchmarks.registry))
        return 0
    rows, about = [], ""
    for each in sorted(benchmarks.registry.names(), key=_place):
        benchmark, group = benchmarks.registry.get(each), GROUPS[_place(each)[0]]
        facts = (benchmark.question, benchmark.paper, benchmark.protocol, " or ".join(benchmark.needs))
        rows.append(("" if group == about else group, each, *facts))
        about = group
    heads = ("about", "benchmark", "question", "paper", "protocol", "data")
    console.print(FittingTable(heads, rows, named=len(heads), droppable=("paper", "protocol", "about")))
    return 0


def _place(name: str) -> tuple[int, bool, int, str]:
    """The place of a benchmark in the list: by the page's groups, in each the paper's first."""
    of_the_paper = name in {row.benchmark.partition(":")[0] for row in benchmarks.suite("paper").rows}
    kind = BenchmarkIdentity(name, benchmarks.registry.get(name).card)
    card = benchmarks.cards.find(kind.card) or benchmarks.MissingCard()
    run = Run(ModelIdentity(name), kind, DataIdentity(name, "", 0))
    return GROUPS.index(card.group_of(run)), not of_the_paper, card.place_of(run), name


def _describe_benchmark(console: Console, name: str) -> None:
    benchmark = benchmarks.registry.get(name)
    console.print(f"[bold]{name}[/bold]  {benchmark.question}\n", highlight=False)
    _print_documentation(console, benchmark)
    table = Table(show_header=False, box=None)
    table.add_row("paper", benchmark.paper)
    second = f"; a second score of each run is by {benchmark.second_protocol}" if benchmark.second_protocol else ""
    table.add_row("protocol", f"{benchmark.protocol}{second}")
    table.add_row("data", " or ".join(benchmark.needs))
    for key, default, text in benchmarks.describe(benchmark):
        table.add_row(f":{key}=", f"{text} (default {default})" if str(default) else text)
    console.print(table)


@command
def list_attacks(options: ListOptions) -> int:
    """List the attacks and threat models, or describe the attack NAME with its options."""
    console = wide()
    if options.name:
        _describe_attack(console, benchmarks.own_name(options.name, attacks.registry))
        return 0
    rows = [
        (each, ", ".join(attacks.threats_of(each)), _gradients(each), summary_of(attacks.registry.get(each)))
        for each in attacks.registry.names()
    ]
    heads = ("attack", "threat models", "gradients", "what")
    console.print(FittingTable(heads, rows, named=len(heads), droppable=("gradients",)))
    bounds = Table("threat model", "epsilon", "what")
    for each in attacks.threat_models.names():
        threat = attacks.threat_models.get(each)
        bounds.add_row(each, threat.unit, summary_of(threat))
    console.print(bounds)
    console.print("Used as whitebox:attack=NAME,norm=THREAT,option=value, and in blackbox.", highlight=False)
    return 0


def _gradients(name: str) -> str:
    return "yes" if attacks.needs_gradients(name) else "no"


def _describe_attack(console: Console, name: str) -> None:
    attack = attacks.registry.get(name)
    console.print(f"[bold]{name}[/bold]  version {attacks.version_of(name)}\n", highlight=False)
    _print_documentation(console, attack)
    table = Table(show_header=False, box=None)
    table.add_row("threat models", ", ".join(attacks.threats_of(name)))
    table.add_row("needs gradients", _gradients(name))
    for key, default in benchmarks.described(name).items():
        table.add_row(f"{key}=", f"default {default}")
    console.print(table)


@command
def list_corruptions(options: ListOptions) -> int:
    """List the corruptions, or describe NAME with its severities."""
    console = wide()
    if options.name:
        _describe_corruption(console, benchmarks.own_name(options.name, distortions.corruptions))
        return 0
    sets = [reference.distortion_set(each) for each in reference.set_names("still")]
    published = list(
        dict.fromkeys(member for each in sets for member in each.published if member not in each.stored_only)
    )
    rows = []
    for each in (*published, *(other for other in distortions.corruptions.names() if other not in published)):
        entry = distortions.corruptions.get(each)
        belongs = ", ".join(found.name for found in sets if each in found.published) or "none"
        chance = "no" if entry.deterministic else "by seed and id"
        rows.append((each, belongs, entry.group, str(len(entry.levels)), chance, entry.summary))
    heads = ("corruption", "sets", "group", "severities", "random", "what")
    console.print(FittingTable(heads, rows, named=len(heads), droppable=("severities", "random", "group")))
    return 0


def _describe_corruption(console: Console, name: str) -> None:
    entry = distortions.corruptions.get(name)
    console.print(f"[bold]{name}[/bold]  {entry.group}\n", highlight=False)
    _print_documentation(console, entry.apply, entry.summary)
    console.print()
    rows = entry.parameters
    units = {each.name: each.unit for severity in entry.severities for each in entry.parameters_at(severity)}
    table = Table("severity", *(f"{name}, {unit}" if unit else name for name, unit in units.items()))
    for severity, row in zip(entry.severities, rows, strict=True):
        table.add_row(str(severity), *(str(row[name]) for name in units))
    console.print(table)
    if (quantity := entry.quantity) is not None:
        whole = " (whole numbers)" if quantity.is_whole else ""
        ends = f"{number_text(quantity.least)} to {number_text(quantity.most)}{whole}"
        changed = "larger" if quantity.stronger == "up" else "smaller"
        console.print(
            f"quantity: {quantity.title}, {ends}; {changed} values change the picture more; as in "
            f"-b own-c:corruptions={name},levels={number_text(rows[2 % len(rows)][quantity.name])}",
            highlight=False,
            markup=False,
        )


@command
def list_perturbations(options: ListOptions) -> int:
    """List the perturbations, or describe NAME with its parameters."""
    console = wide()
    if options.name:
        _describe_perturbation(console, benchmarks.own_name(options.name, distortions.perturbations))
        return 0
    rows = []
    published_set = reference.distortion_set("imagenet-p")
    published = published_set.published
    for each in (*published, *(other for other in distortions.perturbations.names() if other not in published)):
        entry = distortions.perturbations.get(each)
        belongs = "test" if each in published_set.members else "validation" if each in published_set.extra else "none"
        compared = "first frame" if entry.compared_with_first else "frame before"
        chance = "no" if entry.deterministic else "by seed and id"
        rows.append((each, entry.group, belongs, str(entry.frames), compared, chance, entry.summary))
    heads = ("perturbation", "group", "set", "frames", "compared with", "random", "what")
    console.print(FittingTable(heads, rows, named=len(heads), droppable=("frames", "random", "compared with")))
    return 0


def _describe_perturbation(console: Console, name: str) -> None:
    entry = distortions.perturbations.get(name)
    compared = "first" if entry.compared_with_first else "one before"
    console.print(f"[bold]{name}[/bold]  {entry.group}\n", highlight=False)
    _print_documentation(console, entry.apply, entry.summary)
    console.print(f"\n{entry.frames} frames, each compared with the {compared}.\n", highlight=False)
    rows = entry.parameters
    table = Table("difficulty", *rows[0])
    for difficulty, row in zip(distortions.DIFFICULTIES, rows, strict=False):
        table.add_row(str(difficulty), *map(str, row.values()))
    console.print(table)


@command
def list_datasets(options: ListOptions) -> int:
    """List the data sets that --data NAME=PATH takes, or NAME alone, and how each lies on disk.

    'hardiness data list' says which of those that others published are there.
    """
    rows = _rows_of(LAYOUTS, options.name, lambda layout: (layout.expected,))
    _print_rows(("data set", "below a data root"), rows)
    return 0


@command
def list_metrics(options: ListOptions) -> int:
    """List the metrics that are registered for any run, or for two runs, or NAME alone.

    The metrics of a benchmark's own are in its results.
    """

    def described(entry: RunMetric | PairMetric) -> tuple[str, ...]:
        return entry.metric.unit, entry.metric.outputs, entry.metric.explanation

    is_of_pair = options.name is not None and options.name in pair_metrics
    of_run = [] if is_of_pair else _rows_of(run_metrics, options.name, described)
    of_pair = _rows_of(pair_metrics, options.name, described) if is_of_pair or not options.name else []
    rows = [*((name, "a run", *row) for name, *row in of_run), *((name, "two runs", *row) for name, *row in of_pair)]
    _print_rows(("metric", "of", "unit", "needs", "what"), rows)
    return 0


@command
def list_exports(options: ListOptions) -> int:
    """List the forms that 'hardiness export --format NAME' writes, or NAME alone."""

    def described(exporter: Exporter) -> tuple[str, ...]:
        return exporter.purpose, "yes" if exporter.binary else "no", "yes" if exporter.table else "no"

    rows = _rows_of(exports, options.name, described)
    _print_rows(("format", "what", "needs --to FILE", "tables of compare and claims"), rows)
    return 0


@command
def list_loggers(options: ListOptions) -> int:
    """List the trackers of experiments that 'hardiness run --log NAME' tells how it goes, or NAME alone."""

    def described(tracker: TrackerKind) -> tuple[str, ...]:
        return ", ".join(tracker.packages), tracker.summary

    _print_rows(("logger", "needs", "what"), _rows_of(loggers, options.name, described))
    return 0


@command
def list_runtimes(options: ListOptions) -> int:
    """List what runs networks, --runtime NAME, or NAME alone. By default each model gets the fastest that is exact."""
    _print_rows(("runtime", "what"), _rows_of(runtimes, options.name, lambda runtime: (summary_of(runtime),)))
    return 0


def _rows_of(
    registry: Registry[T], name: str | None, described: Callable[[T], tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """A row of texts for each entry of a registry, or for the one of that name.

    Raises:
        UnknownNameError: there is none.
    """
    return [(each, *described(registry.get(each))) for each in ([name] if name else registry.names())]


def _print_rows(heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(*heads)
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].no_wrap = True  # a name is typed
    for row in rows:
        table.add_row(*map(escape, row))
    wide().print(table)


def _print_documentation(console: Console, thing: object, summary: str = "") -> None:
    """Print a summary, then the docstring as it is: nothing is cut out of it."""
    parts = filter(None, (summary or summary_of(thing), inspect.getdoc(thing)))
    console.print("\n\n".join(parts), highlight=False, markup=False)


@dataclass(frozen=True, kw_only=True)
class ListRunsOptions:
    """The runs of which folder, and how they are printed."""

    out: str = argument("OUT")
    as_json: bool = json_flag("Print them as JSON.")


@command
def list_runs(options: ListRunsOptions) -> int:
    """List the runs that OUT holds, by their keys.

    Of several runs of one model's name on one benchmark the one that was evaluated last is judged by 'hardiness gate',
    and is the baseline of others. 'hardiness data drop OUT RUN' removes one.
    """
    folder = Folder.open(options.out)
    entries, problems = run_entries(folder), folder.problems
    if options.as_json:
        print_json(entries)
    else:
        print_views([_runs_view(options.out, entries)])
    print_lines(problems=map(line, problems))
    return 1 if problems else 0


SHOWN_DIGITS = 8
"""Digits of a run's key that tables show."""


def _runs_view(out: str, entries: Sequence[RunEntry]) -> TextTable:
    """A row for each run; the weights stand in small print below the model."""
    rows = []
    for each in entries:
        model = each.model if each.precision == "fp32" else f"{each.model} ({each.precision})"
        settings = {name: value for name, value in each.options.items() if value not in ("", (), [], {})}
        options = ", ".join(typed_option(name, value) for name, value in settings.items())
        benchmark = ", ".join(filter(None, (each.benchmark, options, f"seed {each.seed}" if each.seed else "")))
        rows.append(
            (
                each.key[:SHOWN_DIGITS],
                f"{model}\n{each.label}" if each.label else model,
                benchmark,
                each.data,
                f"replaced by {each.successor[:SHOWN_DIGITS]}" if each.successor else "yes",
                each.last_began[:16].replace("T", " ") or "not known",
                f"{each.sessions:,}",
                f"{each.rows:,}",
            )
        )
    heads = ("run", "model", "benchmark", "data", "judged", "last asked for (UTC)", "sessions", "rows")
    return TextTable(f"{out} holds {amount(len(entries), 'run')}", heads, tuple(rows), named=6)
