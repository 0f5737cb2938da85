"""Rates of machines in pictures a second, from which hours are computed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hardiness.reference.files import reference_file


@dataclass(frozen=True, slots=True)
class MachineRates:
    """The rates of one machine.

    Attributes:
        title: what it is, in a few words.
        what: which machine, and who measured what there.
        rates: pictures a second, by network.
    """

    title: str
    what: str
    rates: Mapping[str, float]


@cache
def machine_rates() -> tuple[MachineRates, ...]:
    """Every machine, each with the same networks in the same order."""
    return tuple(
        MachineRates(**row) for row in tomllib.loads(reference_file("rates.toml").read_text("utf-8"))["machines"]
    )
