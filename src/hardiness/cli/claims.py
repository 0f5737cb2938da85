"""``hardiness claims``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hardiness.cli.show import wide
from hardiness.core import ArgumentError, UnknownNameError
from hardiness.scoring import results
from hardiness.scoring.claims import Claim, Judgement, Models, from_results, published_models, registry
from hardiness.store import Store


@click.command(context_settings={"show_default": True})
@click.argument("out", required=False)
@click.option(
    "-m",
    "--model",
    "family",
    multiple=True,
    metavar="MODEL",
    help="A model of the family, smallest first; may be given several times. [default: all of OUT, as they are sorted]",
)
@click.option("--reference", metavar="MODEL", help="The model that the family is compared with.")
@click.option("--published", is_flag=True, help="Judge the published five instead of an output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(out: str | None, family: tuple[str, ...], reference: str | None, published: bool, as_json: bool) -> int:
    """Do the sentences of the paper hold for the models of OUT?

    Each is answered with holds, does not hold, or cannot be told from this n.
    """
    if published == (out is not None):
        raise ArgumentError("claims needs either OUT, the folder of an earlier 'hardiness run', or --published")
    models = published_models() if out is None else _models(out, family, reference)
    found = {name: (registry.get(name), registry.get(name).judge(models)) for name in registry}
    if as_json:
        click.echo(json.dumps(as_dict(models, found), indent=1))
    else:
        console = wide(Console())
        console.print(table(found))
        console.print(f"family, smallest first: {', '.join(subject.model for subject in models.family)}", style="dim")
        console.print(f"reference: {models.reference.model if models.reference else 'none'}", style="dim")
    return 0


def _models(out: str, family: Sequence[str], reference: str | None) -> Models:
    found = results(Store.open(out))
    known = list(dict.fromkeys(result.model for result in found))
    for name in (*family, *((reference,) if reference else ())):
        if name not in known:
            raise UnknownNameError(f"model in {out}", name, known)
    return from_results(found, family or [name for name in known if name != reference], reference)


def table(found: Mapping[str, tuple[Claim, Judgement]]) -> Table:
    """A row for each claim: its sentence, its verdict, and what that rests on."""
    made = Table("claim", "verdict", "because", show_lines=True)
    for claim, judgement in found.values():
        because = judgement.reason or "\n".join(each.name for each in judgement.contrasts)
        made.add_row(claim.sentence, judgement.verdict, because)
    return made


def as_dict(models: Models, found: Mapping[str, tuple[Claim, Judgement]]) -> dict[str, Any]:
    """The JSON form: the numbers that were read with where they stand, then each claim with its contrasts."""
    return {
        "family": [subject.model for subject in models.family],
        "reference": models.reference.model if models.reference else None,
        "numbers": {
            subject.model: {
                name: {"value": known.value, "n": known.n, "error": known.standard_error, "source": known.source}
                for name, known in subject.numbers.items()
            }
            for subject in models.all
        },
        "claims": {
            name: {
                "sentence": claim.sentence,
                "source": claim.source,
                "statistic": claim.statistic,
                "test": claim.test,
                "verdict": judgement.verdict,
                "reason": judgement.reason,
                "contrasts": [
                    {"name": each.name, "value": each.value, "interval": [each.interval.low, each.interval.high]}
                    for each in judgement.contrasts
                ],
            }
            for name, (claim, judgement) in found.items()
        },
    }
