"""Assumptions that each attack of this package makes of an attacker, in the terms of NIST AI 100-2e2025."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hardiness.reference.files import reference_file

TERMS = "NIST AI 100-2e2025"
"""The publication whose terms are used."""

TERMS_READ = "the terms alone: the text was not read"
"""The part of it that was read for the table."""

WHITE_BOX, BLACK_BOX = "white-box", "black-box"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The knowledge that an attack has of the model that it is run on.

    Attributes:
        knowledge: `WHITE_BOX` or `BLACK_BOX`.
        sees: what it uses of that model.
        access: what an attacker needs for that, beyond control of the pictures that the model is shown.
    """

    knowledge: str
    sees: str
    access: str


@cache
def assumptions() -> Mapping[str, Assumptions]:
    """The assumptions of each attack of this package, by its name."""
    rows = tomllib.loads(reference_file("attackers.toml").read_text("utf-8"))["attacks"]
    return {name: Assumptions(**row) for name, row in rows.items()}
