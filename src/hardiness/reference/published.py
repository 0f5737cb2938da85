"""Published numbers by model, benchmark and metric, read from ``published.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hardiness.core import Condition, Interval


@dataclass(frozen=True, slots=True)
class Published:
    """One number from the literature.

    Attributes:
        model, benchmark, metric, condition: what it is the number of.
        value: in ``unit``, e.g. a fraction of 1.
        unit: as in `hardiness.core.Score`.
        n: samples it was measured on.
        source: where it stands.
    """

    model: str
    benchmark: str
    metric: str
    condition: Condition
    value: float
    unit: str
    n: int
    source: str


@cache
def table() -> tuple[Published, ...]:
    """Every published number, in the order of the file."""
    rows = json.loads(files("hardiness.reference").joinpath("published.json").read_text())["rows"]
    return tuple(Published(**{**row, "condition": Condition(**row.get("condition", {}))}) for row in rows)


def published(model: str, benchmark: str, metric: str, condition: Mapping[str, object]) -> tuple[Published, ...]:
    """The published values of one number, one per source; empty where none is known."""
    return tuple(
        row
        for row in table()
        if (row.model, row.benchmark, row.metric) == (model, benchmark, metric)
        and dict(row.condition) == dict(condition)
    )


def published_series(benchmark: str, metric: str) -> dict[str, list[Published]]:
    """Every published value of one metric of a benchmark, by model."""
    found: dict[str, list[Published]] = {}
    for row in table():
        if (row.benchmark, row.metric) == (benchmark, metric):
            found.setdefault(row.model, []).append(row)
    return found


def published_interval(model: str, benchmark: str, metric: str) -> Interval | None:
    """Lowest and highest of a headline's published values; ``None`` where none is known.

    Sources disagree by up to half a point: Facebook's README gives 82.2 for ``resnext101_32x8d_wsl``, two independent
    runs give 82.7.
    """
    values = [row.value for row in published(model, benchmark, metric, {})]
    return Interval(min(values), max(values)) if values else None
