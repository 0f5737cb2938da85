"""``csv``: one row a score."""

from __future__ import annotations

import io
from collections.abc import Sequence

from hardiness.core import Result
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.stored_results import StoredResults


@register("csv", "one row a score")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """The table of `StoredResults.table` as comma-separated values with a heading."""
    from pyarrow import csv

    stream = io.BytesIO()
    csv.write_csv(StoredResults(results).table(), stream)
    return stream.getvalue()
