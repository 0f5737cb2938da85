"""Clauses of standards, laws and frameworks, each with the sections of an evidence file that speak to it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from hardiness.reference.files import reference_file


@dataclass(frozen=True, slots=True)
class ClauseSource:
    """One text that clauses are of.

    Attributes:
        id, title: short name and full one.
        where: its address.
        read: what of the text was read for each row.
        note: what else to know of it.
    """

    id: str
    title: str
    where: str
    read: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause.

    Attributes:
        source: the id of its `ClauseSource`.
        clause: its number.
        asks: what it asks, in our own words.
        sections: of the evidence file that speak to it; none where no section does.
        lacks: what it asks that no evidence file has; empty where nothing is known to lack.
    """

    source: str
    clause: str
    asks: str
    sections: tuple[str, ...]
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class ClauseTable:
    """All clauses of one version, with the statement that goes with them wherever they are shown."""

    version: str
    statement: str
    sources: tuple[ClauseSource, ...]
    clauses: tuple[Clause, ...]


@cache
def clause_table() -> ClauseTable:
    """The table that ships with this version."""
    table = tomllib.loads(reference_file("evidence_clauses.toml").read_text("utf-8"))
    return ClauseTable(
        table["version"],
        table["statement"],
        tuple(ClauseSource(**row) for row in table["sources"]),
        tuple(Clause(**{**row, "sections": tuple(row["sections"])}) for row in table["clauses"]),
    )
