"""Tables as plain text, for a Python prompt."""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console, RenderableType

WIDTH = 140


def as_text(parts: Iterable[RenderableType]) -> str:
    """The parts below each other, without colours."""
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH, no_color=True)
    for part in parts:
        console.print(part)
    return stream.getvalue().rstrip()
