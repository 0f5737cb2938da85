"""A table of text under headings, as data: a comparison or a list of verdicts makes it, terminal and page render it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextTable:
    """Rows of text, and lines below them.

    Attributes:
        title: what it shows.
        heads: a heading for each column.
        rows: a cell for each column; a cell of two lines has its smaller print in the second.
        named: how many of the first columns hold names, the others hold numbers.
        notes: what else there is to say, a line each.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    named: int = 1
    notes: tuple[str, ...] = ()
