"""``about.toml``: what a person states of an evidence file, and nobody can measure."""

from __future__ import annotations

import datetime
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from hardiness.core.errors import ArgumentError, refuse_unknown
from hardiness.report.evidence.record import About, AboutData, AboutResponsible, AboutSystem, FileDigest

EXAMPLE = """\
reference = "QA-2026-014"                 # the number under which you keep it
date = 2026-11-30                         # of the file; no clock is read
place = "Freiburg"

[system]
name = "Tile sorter"
version = "3.2"
provider = "Example GmbH"
intended_use = "Sorts tiles by surface defect; a person checks what it throws out"
domain = "One production line, indoors, one camera"
operating_conditions = "Motion blur up to 4 px, JPEG quality 80 to 95, LED light"
out_of_scope = "Other products, other cameras, decisions about people"
# model = "tiles_v3"                      # which one is filed, where OUT has several

[data]
provenance = "Own photographs of the line, taken with the consent of the works council"
collected = "March to May 2026, every 50th tile"
represents = "Tiles of the three kilns of plant 2"
known_gaps = "No tiles of the night shift"

[responsible]
name = "A. Example"
role = "Head of quality"
organisation = "Example GmbH"
contact = "quality@example.com"
"""
"""A file as a person writes it, which the documentation shows; every line may be left out."""

TABLES: Mapping[str, type[Any]] = {"system": AboutSystem, "data": AboutData, "responsible": AboutResponsible}
TEXTS = ("reference", "date", "place")

T = TypeVar("T")


def read_about(path: str | Path | None) -> About:
    """The statements of a file; all of them ``None`` where there is no file.

    An empty text counts as not stated.

    Raises:
        ArgumentError: it cannot be read, is no TOML, has an unknown table or field, or a value that is no text; the
            message names the field and the nearest name.
    """
    if path is None:
        return About()
    try:
        content = Path(path).read_bytes()
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ArgumentError(
            f"about {path}: cannot be read ({reason}); docs/evidence.md shows one, of which every line may be left out"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"about {path}: must be TOML, and is not: {error}") from None
    place = f"about {path}"
    refuse_unknown(place, "field", document, (*TEXTS, *TABLES))
    reference, date, signed_at = (_text(place, name, document.get(name)) for name in TEXTS)
    return About(
        FileDigest(Path(path).name, hashlib.sha256(content).hexdigest()),
        reference,
        date,
        signed_at,
        *(_statements(f"{place}: [{name}]", kind, document.get(name, {})) for name, kind in TABLES.items()),
    )


def _statements(place: str, kind: type[T], table: Any) -> T:
    if not isinstance(table, dict):
        raise ArgumentError(f"{place} must be a table, was {table!r}")
    names = tuple(each.name for each in fields(kind))  # type: ignore[arg-type]  # a dataclass
    refuse_unknown(place, "field", table, names)
    return kind(**{name: _text(place, name, table.get(name)) for name in names})


def _text(place: str, name: str, value: Any) -> str | None:
    """The text of a field; ``None`` where it is not stated."""
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if value is not None and not isinstance(value, str):
        raise ArgumentError(f"{place}: {name} must be a text{', or a date' * (name == 'date')}, was {value!r}")
    return value.strip() or None if value else None
