"""LaTeX tables with their notes in place of the letters that stand for them."""

from __future__ import annotations

import re

NOTE = re.compile(r"^\\textsuperscript\{(\w+)\}\\,(.*)\\par$", re.MULTILINE)
LETTER = re.compile(r"\\textsuperscript\{(\w+)\}")


def with_notes(text: str) -> str:
    """Each table with what its letters say in brackets in their place."""
    return "".join(map(_spelled, re.split(r"(?=\\begin\{table)", text)))


def _spelled(table: str) -> str:
    notes = dict(NOTE.findall(table))
    return LETTER.sub(lambda match: f" ({notes[match[1]]})", NOTE.sub("", table))
