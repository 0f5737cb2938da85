"""``parquet``: one row a score, typed."""

from __future__ import annotations

import io
from collections.abc import Sequence

from hardiness.core.result import Result
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.sections import places_of
from hardiness.report.stored_results import StoredResults


@register("parquet", "one row a score, with places, typed", binary=True)
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """The table of `StoredResults.table`, with the places of models, as a Parquet file."""
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(StoredResults(results).table(places=places_of(results, comparisons)), stream)
    return stream.getvalue()
