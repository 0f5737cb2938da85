"""Labels in a csv: a path and a class in each row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hardiness.core.columns import column_left_out
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.sources.files import read_regular, shown

MAX_CSV_BYTES = 1 << 30
_PATH_HEADERS = ("path", "file", "filename", "image")
_LABEL_HEADERS = ("label", "class", "class_index", "target")


SEVERAL_LABELS = (
    "labels are one for each picture; of several, give a score for each picture (--predictions FILE with sample and "
    "score, -b file:NAME), or make a csv for each label, of the two classes with and without it, and run a model of "
    "one output (activation=sigmoid) on each"
)
"""Advice for pictures that have several labels."""


class LabelledRow(NamedTuple):
    """One row: where it stands (``file.csv:line``), the image's path in the folder, and its class as written."""

    where: str
    path: str
    label: str

    def class_index(self, allowed: Container[int], form: str) -> int:
        """The row's label as a class index.

        Raises:
            DataError: it is none of the ``allowed``; ``form`` says what it must be.
        """
        is_number = re.fullmatch("[0-9]{1,9}", self.label)  # int() takes 1_0 and other scripts' digits
        index = int(self.label) if is_number else -1
        if index not in allowed:
            raise DataError(f"{self.where}: the label of {shown(self.path)} must be {form}, was {self.label!r}")
        return index


def cells_beside_labels(file: Path) -> tuple[dict[str, list[str]], list[Fact]]:
    """The further cells of a csv of labels, by column one for each row that `read_labels` gives, and what to know.

    A column needs a name that no other one has: a file without a header has none.
    """
    text = read_regular(file, MAX_CSV_BYTES).decode("utf-8-sig")
    rows = [cells for cells in csv.reader(io.StringIO(text, newline="")) if any(cell.strip() for cell in cells)]
    width = max(map(len, rows))
    header = _header(file, rows[0])
    if header is None:
        return {}, [column_left_out(file.name, "unnamed")] if width > 2 else []
    names = [name.strip() for name in rows[0]]
    lines = rows[1:]
    remarks, cells = [], {}
    for place, name in enumerate(names):
        if place in header or not name:
            continue
        if names.count(name) > 1:
            remarks.append(column_left_out(file.name, "twice", *[name] * names.count(name)))
            continue
        cells[name] = [line[place].strip() if place < len(line) else "" for line in lines]
    return cells, list(dict.fromkeys(remarks))


def read_labels(file: Path) -> list[LabelledRow]:
    """The rows of a csv with columns path and label, with or without a header; empty lines are skipped.

    Raises:
        DataError: it cannot be read, a row has no label, or a path comes twice; the message names the line.
    """
    try:
        text = read_regular(file, MAX_CSV_BYTES).decode("utf-8-sig")
        rows = list(_rows(file, csv.reader(io.StringIO(text, newline=""))))
    except OSError as error:
        raise DataError(f"{file}: must be a csv of paths and labels, but cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: must be a csv in UTF-8, but is not ({error})") from None
    if not rows:
        raise DataError(f"{file}: must have a row (path,label) for each image, but has none")
    places: dict[str, LabelledRow] = {}
    for row in rows:
        if (other := places.setdefault(row.path, row)) is not row:
            is_other_label = other.label != row.label
            advice = (
                f"remove one, or, of pictures with several labels: {SEVERAL_LABELS}" if is_other_label else "remove one"
            )
            raise DataError(f"{row.where}: {shown(row.path)} must come once, but is also at {other.where}; {advice}")
    return rows


def label_of_several(labels: Iterable[str]) -> str | None:
    """The first label that joins several others by ``|``, ``;`` or ``,``, each of which also stands alone."""
    parts = {
        label: {part.strip("[]'\" ") for part in re.split("[|;,]", label)}  # or a list, as Python writes it
        for label in dict.fromkeys(labels)
    }
    alone = set().union(*(names for names in parts.values() if len(names) == 1))
    return next((label for label, names in parts.items() if len(names) > 1 and names <= alone), None)


def _rows(file: Path, lines: Iterator[list[str]]) -> Iterator[LabelledRow]:
    columns = (0, 1)
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if number == 1 and (header := _header(file, cells)) is not None:
            columns = header
            continue
        if len(cells) <= max(columns):
            # Beside other columns the cells may be of one whose values no output shows, such as a patient.
            has = f"has {len(cells)} of {max(columns) + 1} fields" if columns != (0, 1) else f"was {','.join(cells)!r}"
            raise DataError(f"{file}:{number}: must be path,label, {has}")
        path, label = (cells[column].strip() for column in columns)
        yield LabelledRow(f"{file}:{number}", path.removeprefix("./"), label)


def _header(file: Path, cells: list[str]) -> tuple[int, int] | None:
    names = [cell.strip().lower() for cell in cells]
    twice = next((name for name in names if name in (*_PATH_HEADERS, *_LABEL_HEADERS) and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{file}:1: must have one column {twice}, has {names.count(twice)}; remove the others")
    path = next((names.index(name) for name in _PATH_HEADERS if name in names), None)
    label = next((names.index(name) for name in _LABEL_HEADERS if name in names), None)
    if path == 0 and label is None and len(names) > 2:
        raise DataError(
            f"{file}:1: must have a column label, has {', '.join(map(shown, names[:4]))}{' …' if names[4:] else ''}; "
            f"rename the one that has the classes, or, of a column for each class: {SEVERAL_LABELS}"
        )
    return None if path is None or label is None else (path, label)
