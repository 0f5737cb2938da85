"""Suites as data: rows of (benchmark, options, how much of it), one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hardiness.core.errors import ArgumentError, UnknownNameError, suggestion
from hardiness.sources.files import read_regular

_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One benchmark of a suite: as on the command line (``NAME:option=value``), with its own ``--limit`` and the like.

    Attributes:
        benchmark: its name, with its options.
        limit: how many samples at most.
        conditions: how many random conditions of each sample at most.
    """

    benchmark: str
    limit: int | None = None
    conditions: int | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite, as ``--suite`` names it.

    Attributes:
        title: its name.
        rows: its benchmarks, in order.
        models: used where the command names none.
        data: used where the command names none.
        note: said beside every result.
        also: commands that belong to it and evaluate nothing; they are named, not run.
    """

    title: str
    rows: tuple[SuiteRow, ...]
    models: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    note: str = ""
    also: tuple[str, ...] = ()

    @staticmethod
    def names() -> list[str]:
        """The names of the suites that belong to the package."""
        return sorted(file.stem for file in Path(__file__).parent.glob("*.toml"))


def suite(name: str) -> Suite:
    """The suite of that name, or the one that a file ``NAME.toml`` describes.

    Raises:
        UnknownNameError: the name is none of the package's suites, and does not end in ``.toml``.
        ArgumentError: the file cannot be read, or does not describe a suite; the message names file and field.
    """
    if name.endswith(".toml"):
        return _read(name)
    if name not in Suite.names():
        raise UnknownNameError("suite", name, Suite.names())
    return _suite(name, tomllib.loads(Path(__file__).parent.joinpath(f"{name}.toml").read_text("utf-8")))


def _read(file: str) -> Suite:
    try:
        # Some editors begin a file with a mark.
        form = tomllib.loads(read_regular(file, _MAX_BYTES).decode("utf-8-sig"))
    except OSError as error:
        names = ", ".join(Suite.names())
        raise ArgumentError(
            f"suite {file} cannot be read: {error.strerror}; name a file that is there, or one of {names}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArgumentError(f"suite {file} must be TOML: {error}") from None
    except RecursionError:
        raise ArgumentError(f"suite {file} must be a list of [[rows]], but is nested too deep to be read") from None
    return _suite(file, {"title": Path(file).stem, **form})


def _suite(where: str, form: Mapping[str, Any]) -> Suite:
    """The suite in the fields of a file, each of them checked."""
    _check(where, form, Suite)
    rows = form.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ArgumentError(f"suite {where} must have at least one [[rows]] with a benchmark; it has none")
    lists = {name: _texts(where, name, form.get(name, [])) for name in ("models", "data", "also")}
    texts = {name: form.get(name, "") for name in ("title", "note")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ArgumentError(f"suite {where}: {name} must be text, was {text!r}")
    return Suite(
        title=texts["title"],
        rows=tuple(_row(where, row) for row in rows),
        models=lists["models"],
        data=lists["data"],
        note=texts["note"],
        also=lists["also"],
    )


def _row(where: str, row: Mapping[str, Any]) -> SuiteRow:
    _check(where, row, SuiteRow)
    benchmark = row.get("benchmark")
    if not isinstance(benchmark, str):
        raise ArgumentError(f"suite {where}: benchmark must be text as in 'imagenet-c:severities=5', was {benchmark!r}")
    for name in ("limit", "conditions"):
        most = row.get(name)
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            raise ArgumentError(f"suite {where}: {name} of {benchmark} must be a whole number from 1, was {most!r}")
    return SuiteRow(benchmark, row.get("limit"), row.get("conditions"))


def _check(where: str, form: Mapping[str, Any], kind: type[Suite | SuiteRow]) -> None:
    names = sorted(field.name for field in fields(kind))
    for name in form:
        if name not in names:
            raise ArgumentError(f"suite {where} has no field {name!r}{suggestion(name, names)}")


def _texts(where: str, name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ArgumentError(f"suite {where}: {name} must be a list of texts, was {value!r}")
    return tuple(value)
