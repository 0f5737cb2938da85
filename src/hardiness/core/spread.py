"""How well a number is known: the interval that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hardiness.core.forms import json_field


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, in the score's own unit.

    Attributes:
        low, high: its ends.
        method: how it was made, from which its ends at any other level follow: the name of a function of
            `hardiness.statistics` and its arguments, which may be such lists themselves. Empty where that is not known.
    """

    low: float
    high: float
    method: Sequence[Any] = field(default=(), compare=False, repr=False, metadata=json_field(never=True))
