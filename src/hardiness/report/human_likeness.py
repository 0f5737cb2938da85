"""Models beside people as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from hardiness.reference.stimulus_sets import SETS
from hardiness.scoring.comparisons.human_likeness import Likeness
from hardiness.scoring.kappa import KappaInterval


def human_likeness_table(found: Sequence[Likeness]) -> Table:
    """A row for each model, the most human-like first, people last."""
    sets = sorted({name for each in found for name in each.sets}, key=SETS.index)
    title = f"human-likeness on {len(sets)} of {len(SETS)} sets of model-vs-human"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("model", no_wrap=True)
    for heading in ("sets", "OOD accuracy ↑", "accuracy difference ↓", "observed consistency ↑", "error consistency ↑"):
        table.add_column(heading, justify="right")
    table.add_column("mean rank ↓", justify="right")
    for each in found:
        measures = (each.ood_accuracy, each.accuracy_difference, each.observed_consistency, each.error_consistency)
        rank = f"{each.mean_rank:.2f}" if each.mean_rank is not None else ""
        table.add_row(each.name, str(len(each.sets)), *map(_shown, measures), rank)
    return table


def consistency_by_set_table(found: Sequence[Likeness]) -> Table:
    """Error consistency with people: a row for each set of stimuli, a column for each observer."""
    table = Table(title="error consistency with people, set by set", title_justify="left", title_style="bold")
    table.add_column("set", no_wrap=True)
    for each in found:
        table.add_column(each.name, justify="right")
    for name in SETS:
        if any(name in each.sets for each in found):
            table.add_row(name, *(_shown(each.sets[name]) if name in each.sets else "" for each in found))
    return table


def _shown(found: KappaInterval) -> str:
    if found.value is None or found.interval is None:
        return "undefined"
    return f"{found.value:.3f}\n[dim]{found.interval.low:.3f} … {found.interval.high:.3f}[/dim]"
