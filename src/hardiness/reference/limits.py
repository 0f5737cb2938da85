"""Limits of what numbers say: the one text behind docs/limits.md and the evidence file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from hardiness.reference.files import reference_file


@dataclass(frozen=True, slots=True)
class KnownLimit:
    """One thing that the numbers do not say.

    Attributes:
        id: by which the evidence file names it.
        when: ``"always"``, or the kind of results that it is about.
        text: Markdown, in one line.
        lead: whether it stands before the list.
    """

    id: str
    when: str
    text: str
    lead: bool = False


@cache
def limits() -> tuple[KnownLimit, ...]:
    """Every limit, in the order of the page."""
    rows = tomllib.loads(reference_file("limits.toml").read_text("utf-8"))["limits"]
    return tuple(KnownLimit(**row) for row in rows)
