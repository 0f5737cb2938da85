"""Which class each file of a flat folder has, from a csv."""

from __future__ import annotations

import csv
from collections.abc import Container, Iterator
from pathlib import Path
from typing import NamedTuple

from hardiness.core import DataError

_PATH_HEADERS = ("path", "file", "filename", "image")
_LABEL_HEADERS = ("label", "class", "class_index", "target")


class Labelled(NamedTuple):
    """One row: where it stands (``file.csv:line``), the image's path in the folder, and its class as written."""

    where: str
    path: str
    label: str


def read_labels(file: Path) -> list[Labelled]:
    """The rows of a csv with columns path and label, with or without a header; empty lines are skipped.

    Raises:
        DataError: it cannot be read, a row has no label, or a path comes twice; the message names the line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(_rows(file, csv.reader(stream)))
    except OSError as error:
        raise DataError(f"{file}: must be a csv of paths and labels, but cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: must be a csv in UTF-8, but is not ({error})") from None
    if not rows:
        raise DataError(f"{file}: must have a row (path,label) for each image, but has none")
    seen: dict[str, str] = {}
    for row in rows:
        if row.path in seen:
            raise DataError(f"{row.where}: {row.path} must come once, but is also at {seen[row.path]}; remove one")
        seen[row.path] = row.where
    return rows


def as_index(row: Labelled, allowed: Container[int], form: str) -> int:
    """The row's label as a class index.

    Raises:
        DataError: it is none of the ``allowed``; ``form`` says what it must be.
    """
    try:
        index = int(row.label)
    except ValueError:
        index = -1
    if index not in allowed:
        raise DataError(f"{row.where}: the label of {row.path} must be {form}, was {row.label!r}")
    return index


def _rows(file: Path, lines: Iterator[list[str]]) -> Iterator[Labelled]:
    columns = (0, 1)
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if number == 1 and (header := _header(cells)) is not None:
            columns = header
            continue
        if len(cells) <= max(columns):
            raise DataError(f"{file}:{number}: must be path,label, was {','.join(cells)!r}")
        path, label = (cells[column].strip() for column in columns)
        yield Labelled(f"{file}:{number}", path.removeprefix("./"), label)


def _header(cells: list[str]) -> tuple[int, int] | None:
    names = [cell.strip().lower() for cell in cells]
    path = next((names.index(name) for name in _PATH_HEADERS if name in names), None)
    label = next((names.index(name) for name in _LABEL_HEADERS if name in names), None)
    return None if path is None or label is None else (path, label)
