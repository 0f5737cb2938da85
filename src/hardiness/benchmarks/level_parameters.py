"""The named parameters of the levels of corruptions that a result has scores of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NamedTuple

from hardiness import distortions
from hardiness.benchmarks.operating_limits import strength_of
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.result import Result, Score
from hardiness.distortions.levels import Parameter, Quantity
from hardiness.reference.sets import distortion_set, set_names


def cells_with_levels(scores: Iterable[Score]) -> Iterator[Condition]:
    """The cells of corruptions at a severity or a level that some scores are of, each once, in their order."""
    cells = dict.fromkeys(cell_of_condition(score.condition) for score in scores)
    yield from (cell for cell in cells if cell)


def cell_of_condition(condition: Condition) -> Condition:
    """The corruption with its severity or level that a condition names; empty where it names none."""
    if "corruption" not in condition or not ("severity" in condition or "level" in condition):
        return Condition()
    return Condition(**{key: condition[key] for key in ("corruption", "severity", "level") if key in condition})


def _parameters_of(cell: Condition, protocol: str) -> tuple[Parameter, ...]:
    """The named parameters of a cell; none where nobody says."""
    with suppress(ArgumentError):
        parameters = distortions.parameters_of(str(cell["corruption"]), strength_of(cell), protocol)
        return tuple(parameter for parameter in parameters if _is_number(parameter.value))
    return ()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parameter_entries(cells: Iterable[Condition], protocol: str = "") -> list[dict[str, Any]]:
    """The parameters of some cells of corruptions, as JSON; none of cells of which nobody says any.

    Their severities are of a protocol, as of `hardiness.corrupt`.

    Where they are a quantity it is said, with its direction and its ends.

    Raises:
        UnknownNameError: a corruption neither ships nor is registered here, so that nothing is to be kept of it.
    """
    shipped = {name for each in set_names("still") for name in distortion_set(each).published}
    entries = []
    for cell in cells:
        name = str(cell["corruption"])
        corruption = distortions.corruptions.find(name)
        if corruption is None and name not in shipped:
            raise UnknownNameError("corruption", name, distortions.corruptions)
        if parameters := _parameters_of(cell, protocol):
            quantity = corruption.quantity if corruption else None
            entries.append(
                {
                    **cell.as_dict(),
                    "parameters": {parameter.name: parameter.value for parameter in parameters},
                    "units": {parameter.name: parameter.unit for parameter in parameters if parameter.unit},
                    **({"quantity": asdict(quantity)} if quantity else {}),
                }
            )
    return entries


def quantities_of_entries(entries: Iterable[Mapping[str, Any]]) -> dict[Condition, tuple[Quantity, float]]:
    """The quantity of each cell that has one, and its value there, as entries say: no corruption is loaded."""
    by_cell = {}
    for entry in entries:
        if "quantity" in entry:
            quantity = Quantity(**entry["quantity"])
            by_cell[_cell_of_entry(entry)] = quantity, float(entry["parameters"][quantity.name])
    return by_cell


def _cell_of_entry(entry: Mapping[str, Any]) -> Condition:
    return Condition(**{key: entry[key] for key in ("corruption", "severity", "level") if key in entry})


class CellParameters(NamedTuple):
    """The named parameters of a cell, as a result has them.

    Attributes:
        parameters: each with its unit.
        stronger: ``"up"`` or ``"down"`` where they are a quantity, which grows stronger so; else empty.
    """

    parameters: tuple[Parameter, ...]
    stronger: str = ""

    @property
    def text(self) -> str:
        """All of them in words."""
        return ", ".join(map(str, self.parameters))


def parameters_of_result(result: Result) -> dict[Condition, CellParameters]:
    """The parameters that a result says, by cell: no corruption is loaded for them."""
    by_cell = {}
    for entry in result.measured.get("parameters", ()):
        cell = _cell_of_entry(entry)
        units = entry.get("units", {})
        parameters = (Parameter(name, value, units.get(name, "")) for name, value in entry["parameters"].items())
        by_cell[cell] = CellParameters(tuple(parameters), entry.get("quantity", {}).get("stronger", ""))
    return by_cell
