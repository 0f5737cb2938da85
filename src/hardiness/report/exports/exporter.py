"""Exports: what they must do, in a registry by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from hardiness.core.errors import ArgumentError
from hardiness.core.registry import Registry, installed_names, instance_of

if TYPE_CHECKING:
    from hardiness.core.result import Result, TextTable
    from hardiness.core.table import ImageTable
    from hardiness.report.gate import GateTable
    from hardiness.results.comparison import BenchmarkComparison

Comparisons: TypeAlias = "Sequence[BenchmarkComparison]"
"""The models of each benchmark on the same images, which places go by."""


TablesOf: TypeAlias = "Callable[[Result], Sequence[ImageTable]]"
"""The image tables of a result: of its run, and of each single level beside it; none where its rows are not at hand."""


class Write(Protocol):
    """From results, sorted by benchmark and data, to the content of a file."""

    def __call__(self, results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
        """The content."""
        ...


@dataclass(frozen=True, slots=True)
class Exporter:
    """One form of a file.

    Attributes:
        purpose: what it is for.
        write: from results to its content.
        binary: whether its content is for a file alone.
        table: from one table of texts to its content; ``None`` where the form has no tables.
        of_rows: whether ``write`` takes, as ``tables``, the function that gives the image tables of a result.
        of_gates: whether ``write`` takes, as ``gates``, the last gate of each folder.
        of_columns: whether ``write`` takes, as ``columns``, names of the columns that are wanted.
    """

    purpose: str
    write: Write
    binary: bool = False
    table: Callable[[TextTable], str] | None = None
    of_rows: bool = False
    of_gates: bool = False
    of_columns: bool = False

    def content(
        self,
        results: Sequence[Result],
        comparisons: Comparisons = (),
        tables: TablesOf | None = None,
        gates: Sequence[GateTable] = (),
        columns: Sequence[str] = (),
    ) -> bytes:
        """The content of a file, with the rows behind results, or the gates of their folders, where it shows them."""
        if self.of_columns:
            return self.write(results, comparisons, columns=columns)  # type: ignore[call-arg]  # as its flag says
        if self.of_gates:
            return self.write(results, comparisons, gates=gates)  # type: ignore[call-arg]  # as its flag says
        if self.of_rows:
            return self.write(results, comparisons, tables=tables)  # type: ignore[call-arg]  # as its flag says
        return self.write(results, comparisons)


registry: Registry[Exporter] = Registry(
    "export format", "hardiness.report.exports", "hardiness.exports", instance_of(Exporter)
)
"""The forms by their names on the command line."""


def register(
    name: str,
    purpose: str,
    binary: bool = False,
    table: Callable[[TextTable], str] | None = None,
    of_rows: bool = False,
    of_gates: bool = False,
    of_columns: bool = False,
) -> Callable[[Write], Write]:
    """Function decorator that adds a form under that name."""

    def decorate(write: Write) -> Write:
        source = f"{getattr(write, '__module__', name)}:write"
        registry.register(name, Exporter(purpose, write, binary, table, of_rows, of_gates, of_columns), source)
        return write

    return decorate


def offered_names() -> list[str]:
    """Sorted names of the forms, those of packages too, for a help: none of their modules is imported.

    A module of this package is named after its form, with ``_`` for ``-``.
    """
    modules = {each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)])} - {Path(__file__).stem}
    return sorted({*(name.replace("_", "-") for name in modules), *installed_names("hardiness.exports")})


def tables_in(name: str, views: Sequence[TextTable]) -> str:
    """Tables of texts, such as a comparison or verdicts on claims, in the form of that name, below each other.

    Raises:
        ArgumentError: the form has no tables; the message names those that have.
        UnknownNameError: there is no such form.
    """
    write = registry.get(name).table
    if write is None:
        forms = ", ".join(each for each in registry.names() if registry.get(each).table)
        raise ArgumentError(f"--format must be one of {forms}, was {name}")
    return "\n".join(map(write, views))
