"""``hardiness list models``."""

from __future__ import annotations

from fnmatch import fnmatch

import click
from rich.console import Console
from rich.table import Table

from hardiness import models
from hardiness.cli.options import wide
from hardiness.core import ModelIdentity, ModelSpec, require_within
from hardiness.models import schemes
from hardiness.reference import TIMM_SETS, ZERO_SHOT, best_rows, published_for, timm_row

TOP1_SETS = tuple(dict.fromkeys((*ZERO_SHOT, *TIMM_SETS)))


@click.command()
@click.argument("name", required=False)
@click.option(
    "--published",
    type=click.Choice(list(TIMM_SETS)),
    help="The models of timm by their published top-1 on this set, the best first; of several sizes the best.",
)
@click.option(
    "--at-least", type=float, default=0.0, metavar="PERCENT", help="With --published: of this top-1, in percent."
)
def command(name: str | None, published: str | None, at_least: float) -> int:
    """List the models, or describe NAME: its view, source and options. Nothing is loaded.

    A NAME with * searches: 'resnext*', 'timm:resnet*', 'torchvision:*'.
    """
    console = wide(Console())
    require_within("--at-least", at_least, 0, 100)
    if at_least and not published:
        raise click.UsageError("--at-least needs --published SET, as in --published imagenet-r --at-least 60")
    if published:
        _published(console, published, at_least / 100, name or "*")
        return 0
    if name and models.is_pattern(name):
        for each in models.search(name):
            console.print(each, highlight=False, markup=False)
        return 0
    if name:
        _describe(console, models.resolve(name))
        return 0
    table = Table("model", "parameters", "crop", "weights", "what")
    for each in models.registry.names():
        spec = models.registry.get(each)
        parameters = f"{spec.source.parameters:,}" if spec.source.parameters else ""
        table.add_row(each, parameters, str(spec.view.crop_px), spec.source.licence, spec.summary)
    for prefix in schemes:
        scheme = schemes.get(prefix)
        table.add_row(scheme.form, "", "", "", scheme.summary)
    console.print(table)
    return 0


def _published(console: Console, benchmark: str, least: float, pattern: str) -> None:
    """A row for each model of timm of at least that top-1, those whose name matches."""
    rows = [row for row in best_rows(benchmark) if row.top1[benchmark] >= least]
    rows = [row for row in rows if fnmatch(f"timm:{row.model}", pattern) or fnmatch(row.model, pattern)]
    table = Table("model", "parameters, million", "crop", benchmark, "imagenet-val", title_justify="left")
    table.title = f"{len(rows):,} of {len(best_rows(benchmark)):,} models that timm published, top-1 in percent"
    for row in rows:
        values = (f"{100 * row.top1[each]:.2f}" for each in (benchmark, "imagenet-val"))
        table.add_row(f"timm:{row.model}", f"{row.parameters_m:,.1f}", str(row.crop_px), *values)
    console.print(table)


def _describe(console: Console, spec: ModelSpec) -> None:
    console.print(f"[bold]{spec.name}[/bold]  {spec.summary}\n", highlight=False)
    table = Table(show_header=False, box=None)
    view = spec.view
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
    identity = ModelIdentity(spec.name, view=view)
    known = [row for benchmark in TOP1_SETS for row in published_for(identity, benchmark, "top1", {})]
    facts["published top-1"] = ", ".join(f"{row.benchmark} {100 * row.value:.1f}" for row in known)
    row = timm_row(identity)
    facts["published by timm"] = row if isinstance(row, str) else ""
    for fact, value in facts.items():
        if value:
            table.add_row(fact, value)
    prefix = spec.name.partition(":")[0]
    own = schemes.get(prefix).options if prefix in schemes else {}
    for option, text in {**own, **models.COMMON}.items():
        table.add_row(f":{option}=", text.format(getattr(view, option, "")))
    console.print(table)
