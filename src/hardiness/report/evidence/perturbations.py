"""What pictures were changed by, with the numbers behind each strength and their units."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from hardiness.core.attack_plan import condition_text
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.registry import Registry
from hardiness.core.result import Result
from hardiness.distortions.apply import corruptions, parameters_of, perturbations
from hardiness.report.evidence.record import LevelRecord, ParameterRecord, PerturbationRecord
from hardiness.report.sections import BenchmarkSection

NO_CODE = "its code is not registered here: the numbers behind its strengths are not known to this file"
NOT_MADE_HERE = "a published or given set of pictures: how they were made is not known to this file"


def perturbations_of(shown: Sequence[BenchmarkSection]) -> tuple[PerturbationRecord, ...]:
    """Each perturbation of each benchmark once, with the strengths that were run; attacks stand among attackers."""
    records: dict[tuple[str, str, str], dict[str, Condition]] = {}
    for section in shown:
        for result in section.results:
            for condition in _unattacked(result):
                for kind in (key for key in condition if key not in STRENGTHS):
                    name = (result.benchmark, kind, str(condition[kind]))
                    strength = {key: value for key, value in condition.items() if key != kind}
                    records.setdefault(name, {})[condition_text(Condition(**strength))] = condition
    return tuple(_record(*name, conditions) for name, conditions in records.items())


STRENGTHS = ("severity", "level")
"""Keys of conditions that say how strong a perturbation is, and not which."""


def _unattacked(result: Result) -> list[Condition]:
    return [condition for condition in result.run.conditions if condition and "epsilon" not in condition]


def _record(benchmark: str, kind: str, name: str, conditions: Mapping[str, Condition]) -> PerturbationRecord:
    entry: Any = REGISTRIES[kind].find(name) if kind in REGISTRIES else None
    levels = tuple(LevelRecord(strength, _parameters(kind, name, each)) for strength, each in conditions.items())
    lacks = "" if entry is not None or any(level.parameters for level in levels) else NO_CODE
    return PerturbationRecord(
        benchmark=benchmark,
        name=name,
        kind=kind,
        summary=(inspect.getdoc(entry.apply) or "").partition("\n")[0] if entry is not None else "",
        version=entry.version if entry is not None else None,
        levels=levels,
        note=lacks if kind in REGISTRIES else NOT_MADE_HERE,
    )


REGISTRIES: Mapping[str, Registry[Any]] = {"corruption": corruptions, "perturbation": perturbations}
"""By the key of a condition, where the code behind it is registered."""


def _parameters(kind: str, name: str, condition: Condition) -> tuple[ParameterRecord, ...]:
    """The numbers behind a strength; none where they are not known here."""
    if kind == "corruption":
        strength = condition.get("level", condition.get("severity", 1))
        try:
            parameters = parameters_of(name, strength if isinstance(strength, str) else int(strength))
        except ArgumentError:  # of other code under this name
            return ()
        return tuple(ParameterRecord(each.name, _plain(each.value), each.unit) for each in parameters)
    entry = perturbations.find(name) if kind == "perturbation" else None
    if entry is None:
        return ()
    row = entry.parameters[min(int(condition.get("severity", 1)), len(entry.parameters)) - 1]
    return tuple(ParameterRecord(field, _plain(value), "") for field, value in row.items())


def _plain(value: Any) -> Any:
    """A parameter as JSON has it."""
    return value if isinstance(value, int | float | str | bool) else str(value)
