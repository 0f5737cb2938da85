"""What an export is, and where exports are found by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hardiness.core import Registry, Result
from hardiness.results import BenchmarkComparison

Comparisons = Sequence[BenchmarkComparison]
"""The models of each benchmark on the same images, which places go by."""


class Write(Protocol):
    """From results, sorted by benchmark and data, to the content of a file."""

    def __call__(self, results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
        """The content."""
        ...


@dataclass(frozen=True, slots=True)
class Exporter:
    """One form: what it is for, and how it is written; ``binary`` content is for a file alone."""

    purpose: str
    write: Write
    binary: bool = False


registry: Registry[Exporter] = Registry("export format", "hardiness.report.exports", "hardiness.exports")
"""By the name on the command line."""


def register(name: str, purpose: str, binary: bool = False) -> Callable[[Write], Write]:
    """Function decorator that adds a form under that name."""

    def decorate(write: Write) -> Write:
        registry.register(name, Exporter(purpose, write, binary), f"{getattr(write, '__module__', name)}:write")
        return write

    return decorate
