"""Perturbations of pictures, with the numbers behind each strength and their units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.corruptions import CorruptionCard
from hardiness.benchmarks.level_parameters import cell_of_condition, cells_with_levels, parameters_of_result
from hardiness.core.answers import SCORES
from hardiness.core.attack_plan import condition_text
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.registry import Registry, summary_of
from hardiness.core.result import Result
from hardiness.core.run import Run
from hardiness.distortions.apply import corruptions, parameters_of, perturbations
from hardiness.distortions.levels import Parameter
from hardiness.report.evidence.record import ParameterRecord, PerturbationRecord
from hardiness.report.levels import protocol_of_strengths
from hardiness.report.sections import BenchmarkSection

NO_CODE = "its code is not registered here: the numbers behind its strengths are not known to this file"
NAMED_BY_A_FILE = "named so by a file of scores: how its pictures were made is not known to this file"
NOT_MADE_HERE = "a published or given set of pictures: how they were made is not known to this file"


def perturbations_of(shown: Sequence[BenchmarkSection]) -> tuple[PerturbationRecord, ...]:
    """Each perturbation of each benchmark once, with the strengths that were run; attacks stand among attackers."""
    levels: dict[_Place, dict[str, tuple[ParameterRecord, ...]]] = {}
    runs: dict[_Place, Run] = {}
    for section in shown:
        for result in section.results:
            is_of_file = result.run.model.outputs == SCORES
            levels_by_cell = {} if is_of_file else parameters_of_result(result)
            for condition in _conditions_of(result):
                for kind in (key for key in condition if key not in STRENGTHS):
                    place = _Place(result.benchmark, kind, str(condition[kind]), is_of_file)
                    rest = Condition(**{key: value for key, value in condition.items() if key != kind})
                    of_cell = levels_by_cell.get(cell_of_condition(condition))
                    parameters = _records(of_cell.parameters) if of_cell else _parameters(place, condition)
                    levels.setdefault(place, {})[_strength(rest)] = parameters
                    runs.setdefault(place, result.run)
    return tuple(_record(place, strengths, runs[place]) for place, strengths in levels.items())


def _strength(rest: Condition) -> str:
    """A condition without its perturbation, as text: ``severity=3``, ``quality=20`` of a level."""
    return str(rest["level"]) if set(rest) == {"level"} else condition_text(rest)


class _Place(NamedTuple):
    """One perturbation of one benchmark, and whether only a file of scores names it."""

    benchmark: str
    kind: str
    name: str
    is_of_file: bool


STRENGTHS = ("severity", "level")
"""Keys of conditions that say how strong a perturbation is, and not which."""


def _conditions_of(result: Result) -> list[Condition]:
    """The conditions without an attack: those of corruptions that have scores, else all that the benchmark has."""
    cells = list(cells_with_levels(result.scores))
    return cells or [cell for cell in result.run.conditions if cell and "epsilon" not in cell]


REGISTRIES: Mapping[str, Registry[Any]] = {"corruption": corruptions, "perturbation": perturbations}
"""By the key of a condition, where the code behind it is registered."""


def _entry(place: _Place) -> Any:
    """The code behind a perturbation; ``None`` where it is not registered here, or only a file names it."""
    return REGISTRIES[place.kind].find(place.name) if place.kind in REGISTRIES and not place.is_of_file else None


def _note(place: _Place, strengths: Iterable[str], run: Run, is_known: bool) -> str:
    if place.is_of_file:
        return NAMED_BY_A_FILE
    if place.kind not in REGISTRIES:
        return NOT_MADE_HERE
    if not is_known:
        return NO_CODE
    if not isinstance(card_of(run), CorruptionCard):
        return ""
    of_severities = [strength.startswith("severity=") for strength in strengths]
    return protocol_of_strengths(run, levels=not all(of_severities), severities=any(of_severities))


def _record(place: _Place, strengths: Mapping[str, tuple[ParameterRecord, ...]], run: Run) -> PerturbationRecord:
    entry = _entry(place)
    return PerturbationRecord(
        benchmark=place.benchmark,
        name=place.name,
        kind=place.kind,
        summary=summary_of(entry),
        version=entry.version if entry is not None else None,
        levels=dict(_sorted(strengths)),
        note=_note(place, strengths, run, entry is not None or any(strengths.values())),
    )


def _sorted(strengths: Mapping[str, tuple[ParameterRecord, ...]]) -> list[tuple[str, tuple[ParameterRecord, ...]]]:
    """The strengths in their order; where some are levels of the one parameter, by its value."""
    levels = list(strengths.items())
    has_levels = any("=" in name and not name.startswith("severity=") for name in strengths)
    if has_levels and all(len(parameters) == 1 for parameters in strengths.values()):
        levels.sort(key=lambda level: level[1][0].value)
    return levels


def _parameters(place: _Place, condition: Condition) -> tuple[ParameterRecord, ...]:
    """The numbers behind a strength of which the result says none; none where they are not known here."""
    entry = _entry(place)
    if entry is None and place.is_of_file:
        return ()
    if place.kind == "corruption":
        strength = condition.get("level", condition.get("severity", 1))
        with suppress(ArgumentError):  # of other code under this name
            return _records(parameters_of(place.name, strength if isinstance(strength, str) else int(strength)))
    if entry is None or place.kind == "corruption":
        return ()
    row = entry.parameters[min(int(condition.get("severity", 1)), len(entry.parameters)) - 1]
    return _records(Parameter(field, value) for field, value in row.items())


def _records(parameters: Iterable[Parameter]) -> tuple[ParameterRecord, ...]:
    """Parameters as the file has them."""
    return tuple(ParameterRecord(each.name, _plain(each.value), each.unit) for each in parameters)


def _plain(value: Any) -> Any:
    """A parameter as JSON has it."""
    return value if isinstance(value, int | float | str | bool) else str(value)
