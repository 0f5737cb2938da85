"""``csv``: one row a score."""

from __future__ import annotations

import io
from collections.abc import Sequence

from hardiness.core import Result
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.places import places_of
from hardiness.report.stored_results import StoredResults


@register("csv", "one row a score, with places")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """The table of `StoredResults.table`, with the places of models, as comma-separated values with a heading."""
    from pyarrow import csv

    stream = io.BytesIO()
    csv.write_csv(StoredResults(results).table(places_of(results, comparisons)), stream)
    return stream.getvalue()
