"""The named parameters of the levels of corruptions that a result has scores of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from hardiness import distortions
from hardiness.benchmarks.operating_limits import strength_of
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Score
from hardiness.distortions.levels import Parameter


def cells_with_levels(scores: Iterable[Score]) -> Iterator[Condition]:
    """The cells of corruptions at a severity or a level that some scores are of, each once, in their order."""
    cells = dict.fromkeys(_cell(score.condition) for score in scores)
    yield from (cell for cell in cells if cell)


def _cell(condition: Condition) -> Condition:
    """The corruption with its severity or level that a condition names; empty where it names none."""
    if "corruption" not in condition or not ("severity" in condition or "level" in condition):
        return Condition()
    return Condition(**{key: condition[key] for key in ("corruption", "severity", "level") if key in condition})


def parameters_of_cell(condition: Condition) -> tuple[Parameter, ...]:
    """The named parameters of the corruption at the severity or level that a condition names; none where nobody says.

    A number of a severity that another version of the corruption had has none.
    """
    cell = _cell(condition)
    if cell:
        with suppress(ArgumentError):
            parameters = distortions.parameters_of(str(cell["corruption"]), strength_of(cell))
            return tuple(parameter for parameter in parameters if _is_number(parameter.value))
    return ()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parameter_entries(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """The parameters of each cell that some scores are of, as JSON; none of cells of which nobody says any."""
    return [
        {
            **cell.as_dict(),
            "parameters": {parameter.name: parameter.value for parameter in parameters},
            "units": {parameter.name: parameter.unit for parameter in parameters if parameter.unit},
        }
        for cell in cells_with_levels(scores)
        if (parameters := parameters_of_cell(cell))
    ]
