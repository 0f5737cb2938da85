"""``json``: everything, as ``results.json`` has it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hardiness.core import SCHEMA, Result
from hardiness.report.exports.exporter import Comparisons, register


@register("json", "everything, as results.json has it")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """A JSON document of the schema of ``results.json``."""
    found = {"schema": SCHEMA, "results": [result.as_dict() for result in results]}
    return (json.dumps(found, indent=1) + "\n").encode()
