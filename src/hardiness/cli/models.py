"""``hardiness list models``."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from hardiness import models
from hardiness.cli.show import wide
from hardiness.core import ModelSpec
from hardiness.models import schemes
from hardiness.reference import ZERO_SHOT, published


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """List the models, or describe NAME: its view, source and options. Nothing is loaded.

    A NAME with * searches: 'resnext*', 'timm:resnet*', 'torchvision:*'.
    """
    console = wide(Console())
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
    known = [row for benchmark in ZERO_SHOT for row in published(spec.name, benchmark, "top1", {})]
    facts["published top-1"] = ", ".join(f"{row.benchmark} {100 * row.value:.1f}" for row in known)
    for fact, value in facts.items():
        if value:
            table.add_row(fact, value)
    prefix = spec.name.partition(":")[0]
    own = schemes.get(prefix).options if prefix in schemes else {}
    for option, text in {**own, **models.COMMON}.items():
        table.add_row(f":{option}=", text.format(getattr(view, option, "")))
    console.print(table)
