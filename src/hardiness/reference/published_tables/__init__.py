"""Numbers that packages know to be published; ours stand in files beside this folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.registry import Registry, instance_of


@dataclass(frozen=True)
class PublishedTable:
    """Numbers that others published of some models on one benchmark; results stand beside them, and nothing more.

    Attributes:
        benchmark: its name.
        source: where they stand, e.g. ``"Doe et al. 2026, table 3"``.
        numbers: by the model's name, each by the metric's name; shares are fractions of 1.
        condition: under which all of them were measured, e.g. ``Condition(severity=3)``; empty for headlines.
        n: images that they were measured on; 0 where the source does not say.
        unit: of all of them, as in `hardiness.core.Score`.

    Raises:
        ArgumentError: a number is not finite, or no fraction where these are asked for.
    """

    benchmark: str
    source: str
    numbers: Mapping[str, Mapping[str, float]]
    condition: Condition = Condition()
    n: int = 0
    unit: str = "fraction"

    def __post_init__(self) -> None:
        for model, values in self.numbers.items():
            for metric, value in values.items():
                if not math.isfinite(value) or (self.unit == "fraction" and abs(value) > 1):
                    kind = "a fraction of 1 (0.76 for 76 %)" if self.unit == "fraction" else "a finite number"
                    raise ArgumentError(
                        f"published {metric} of {model} on {self.benchmark} must be {kind}, was {value}"
                    )


registry: Registry[PublishedTable] = Registry(
    "table of published numbers",
    "hardiness.reference.published_tables",
    "hardiness.published",
    instance_of(PublishedTable),
)
"""Tables of published numbers that packages register, by name."""
