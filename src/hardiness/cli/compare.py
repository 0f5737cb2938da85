"""``hardiness compare``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from hardiness.cli.show import wide
from hardiness.report.comparison import comparison_tables
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison, PairDetail, compare
from hardiness.scoring.statistics.effective_robustness import EffectiveRobustness
from hardiness.scoring.statistics.proportions import Difference
from hardiness.store import Store


@click.command(context_settings={"show_default": True})
@click.argument("outs", nargs=-1, required=True, metavar="OUT [OUT2 …]")
@click.option("-m", "--model", "models", multiple=True, metavar="MODEL", help="Which models; all if none is given.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON: cells, parts, images and ranks too.")
def command(outs: tuple[str, ...], models: tuple[str, ...], as_json: bool) -> int:
    """Do models of OUT differ? Paired on the same images, with intervals and the smallest difference that n tells."""
    found = compare([Store.open(out) for out in outs], models)
    if as_json:
        click.echo(json.dumps([as_dict(each) for each in found], indent=1))
        return 0
    console = wide(Console())
    for part in comparison_tables(found):
        console.print(part)
    for each in found:
        for model in each.effective:
            console.print(effective_line(each, model), markup=False, highlight=False)
        for detail in each.details:
            for line in lines(each, detail):
                console.print(line, markup=False, highlight=False)
    return 0


def lines(found: BenchmarkComparison, detail: PairDetail) -> list[str]:
    """What there is to say of a pair beyond its scores."""
    pair, said = f"{found.benchmark}: {detail.first} and {detail.second}", []
    if detail.kappa and detail.kappa.kappa.value is not None and detail.kappa.kappa.interval:
        kappa = detail.kappa.kappa
        assert kappa.interval is not None
        said.append(f"{pair} err alike: kappa {kappa.value:.2f} ({kappa.interval.low:.2f} … {kappa.interval.high:.2f})")
    if len(detail.cells) > 1:
        told = [cell for cell in detail.cells if cell.adjusted < 0.05]
        said.append(f"{pair} differ under {len(told)} of {len(detail.cells)} conditions (false ones held to 1 in 20)")
    for kind, parts in detail.parts.items():
        largest = sorted(parts, key=lambda part: -abs(part.difference.value))[:3]
        shown = ", ".join(f"{part.name} {100 * part.difference.value:+.2f}" for part in largest)
        said.append(f"{pair}, mean error by {kind}, largest parts in points: {shown}")
    if detail.images:
        said.append(f"{pair}, most telling images: {', '.join(each.image for each in detail.images[:3])}")
    return said


def effective_line(found: BenchmarkComparison, model: EffectiveRobustness) -> str:
    """How far one model is above the line of the published ones."""
    beyond = "; its clean accuracy is beyond theirs, so the line is continued" if model.outside else ""
    return (
        f"{found.benchmark}: {model.model} is {100 * model.value:+.1f} points from the line of the published models "
        f"({100 * model.interval.low:+.1f} … {100 * model.interval.high:+.1f}){beyond}"
    )


def as_dict(found: BenchmarkComparison) -> dict[str, Any]:
    """The JSON form."""
    return {
        "benchmark": found.benchmark,
        "data": found.data,
        "n": found.n,
        "notes": list(found.notes),
        "effective_robustness": [asdict(model) for model in found.effective],
        "scores": [
            {
                "metric": score.metric,
                "higher_is_better": score.higher_is_better,
                "values": {name: _finite(value) for name, value in score.values.items()},
                "pairs": [
                    {"first": first, "second": second, **_difference(pair)}
                    for (first, second), pair in score.pairs.items()
                ],
                "ranks": {name: asdict(rank) for name, rank in score.ranks.items()},
            }
            for score in found.scores
        ],
        "details": [
            {
                "first": detail.first,
                "second": detail.second,
                "kappa": detail.kappa.kappa.value if detail.kappa else None,
                "cells": [
                    {"condition": dict(cell.condition), "adjusted_p": cell.adjusted, **_difference(cell.difference)}
                    for cell in detail.cells
                ],
                "parts": {
                    kind: [
                        {"name": part.name, "adjusted_p": part.adjusted, **_difference(part.difference)}
                        for part in parts
                    ]
                    for kind, parts in detail.parts.items()
                },
                "images": [asdict(image) for image in detail.images],
            }
            for detail in found.details
        ],
    }


def _difference(found: Difference) -> dict[str, Any]:
    interval = [found.interval.low, found.interval.high] if found.interval else None
    return {**asdict(found), "value": _finite(found.value), "interval": interval, "told_apart": found.told}


def _finite(value: float) -> float | None:
    return value if value == value else None
