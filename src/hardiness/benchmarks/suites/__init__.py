"""Suites as data: rows of (benchmark, options, limit), one TOML file each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from hardiness.core import UnknownNameError


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One benchmark of a suite: as on the command line (``NAME:option=value``), and how many samples at most."""

    benchmark: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """What ``--suite`` stands for.

    Attributes:
        title: its name.
        rows: its benchmarks, in order.
        models: used where the command names none.
        data: used where the command names none.
        note: said beside every result.
    """

    title: str
    rows: tuple[SuiteRow, ...]
    models: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    note: str = ""


def names() -> list[str]:
    """The names of all suites."""
    return sorted(file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml"))


def suite(name: str) -> Suite:
    """The suite of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in names():
        raise UnknownNameError("suite", name, names())
    found = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text())
    return Suite(
        title=found["title"],
        rows=tuple(SuiteRow(**row) for row in found["rows"]),
        models=tuple(found.get("models", ())),
        data=tuple(found.get("data", ())),
        note=found.get("note", ""),
    )
