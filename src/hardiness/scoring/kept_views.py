"""What a page shows of a run, kept as JSON for the day when the package that brought its card is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from hardiness.core import Chart, Condition, Result, Section

if TYPE_CHECKING:
    from cattrs import Converter

VIEW = "view"
"""Where a result's details, and what is kept of its run, have it."""


def as_json(section: Section) -> dict[str, Any]:
    """A section as JSON values."""
    return dict(_converter().unstructure(section, unstructure_as=Section))


def from_json(kept: dict[str, Any]) -> Section:
    """The section that `as_json` gave."""
    return _converter().structure(kept, Section)


def is_readable(kept: Any) -> bool:
    """Whether `from_json` can read it: what another version kept may lack or have what this one does not expect."""
    try:
        from_json(kept)
    except Exception:  # noqa: BLE001  # cattrs gives what any constructor raises
        return False
    return isinstance(kept, dict) and "variant" in kept


def shown_again(results: Sequence[Result], usual: Section) -> Section:
    """The section of results as their card last showed each of them; figures stand one below the other.

    A figure's heading may say what is special about one model, so figures of several models are not made one; each
    gets its model's name.

    Args:
        results: of one table; those of which no view was kept are left to what is usual.
        usual: what any card shows of their scores.
    """
    kept = [(result, from_json(result.details[VIEW])) for result in results if VIEW in result.details]
    if not kept:
        return usual
    sections = [section for _, section in kept]
    first = sections[0]
    several = len(kept) > 1
    return replace(
        first,
        columns=_each_once(section.columns for section in sections),
        notes=usual.notes,
        charts=[_of(chart, result.name) if several else chart for result, section in kept for chart in section.charts],
        grids=[replace(grid, model=result.name) for result, section in kept for grid in section.grids],
        headline=next((section.headline for section in sections if section.headline), None),
        others=_each_once(section.others for section in sections),
        sayings=tuple(replace(saying, model=result.name) for result, section in kept for saying in section.sayings),
        galleries=[(result.name, gallery) for result, section in kept for _, gallery in section.galleries],
        explanations=_each_once(section.explanations for section in sections),
    )


def _each_once(parts: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def _of(chart: Chart, model: str) -> Chart:
    """A figure with its model's name, by which its files and its title differ from those of other models."""
    return replace(chart, name=f"{chart.name}-{model}", title=f"{model}: {chart.title}")


@cache
def _converter() -> Converter:
    from cattrs.preconf.json import make_converter  # only cards of other packages need it

    converter = make_converter()
    converter.register_unstructure_hook(Condition, dict)
    converter.register_structure_hook(Condition, lambda values, _: Condition(**values))
    return converter
