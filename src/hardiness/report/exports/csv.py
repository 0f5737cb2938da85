"""``csv``: one row a score; what a spreadsheet would execute is text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hardiness.core.result import Result, TextTable
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.sections import places_of
from hardiness.report.stored_results import StoredResults

if TYPE_CHECKING:
    import pyarrow as pa

FORMULA = re.compile(r"\s*[=+\-@]|[\t\r]")
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def table_of(view: TextTable) -> str:
    """A heading and rows; the smaller print of a cell stands behind it. Titles and notes are left out."""
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(map(_quoted, view.heads))
    rows.writerows([_quoted(" ".join(cell.splitlines())) for cell in row] for row in view.rows)
    return stream.getvalue()


@register("csv", "one row a score, with places", table=table_of)
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """The table of `StoredResults.table`, with the places of models, as comma-separated values with a heading.

    Texts that begin with ``=``, ``+``, ``-`` or ``@`` and are no numbers get a ``'`` before them: a spreadsheet would
    execute them.
    """
    return of_table(StoredResults(results).table(places=places_of(results, comparisons)))


def of_table(table: pa.Table) -> bytes:
    """The rows of a table as comma-separated values with a heading, its texts executed by nothing."""
    import pyarrow.csv

    stream = io.BytesIO()
    pyarrow.csv.write_csv(_inert(table), stream)
    return stream.getvalue()


def _inert(table: pa.Table) -> pa.Table:
    """The table with its texts and headings as a spreadsheet shows them, and executes none; undefined is empty."""
    import pyarrow as pa
    import pyarrow.compute

    for place, name in enumerate(table.column_names):
        if pa.types.is_string(table.column(place).type):
            texts = [text and _quoted(text) for text in table.column(place).to_pylist()]
            table = table.set_column(place, name, pa.array(texts, pa.string()))
        elif pa.types.is_floating(table.column(place).type):
            numbers = table.column(place)
            table = table.set_column(place, name, pa.compute.if_else(pa.compute.is_nan(numbers), None, numbers))
    return table.rename_columns([_quoted(name) for name in table.column_names])


def _quoted(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text
