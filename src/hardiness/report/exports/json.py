"""``json``: everything, as ``results.json`` has it, with places and the samples behind the numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hardiness.benchmarks.galleries import galleries_of
from hardiness.core.forms import json_form
from hardiness.core.result import Result
from hardiness.report.exports.exporter import Comparisons, register
from hardiness.report.results_file import results_form
from hardiness.report.sections import Places, places_of


@register("json", "everything, as results.json has it, with places and the samples behind the numbers")
def write(results: Sequence[Result], comparisons: Comparisons = ()) -> bytes:
    """A JSON document of the schema of ``results.json``, with two additions.

    A score has its ``place``, the best and the worst that its model can have, where there are several models. A result
    has its ``galleries``: the ids of the samples behind its numbers, each under its condition with both answers.
    """
    places = places_of(results, comparisons)
    document = results_form(results)
    entries = zip(document["results"], results, strict=True)
    document["results"] = [_with_places(entry, result, places) for entry, result in entries]
    return (json.dumps(document, indent=1) + "\n").encode()


def _with_places(entry: dict[str, Any], result: Result, places: Places) -> dict[str, Any]:
    for score, described in zip(result.scores, entry["scores"], strict=True):
        if rank := places.get((result.run.key, score.metric, score.condition)):
            described["place"] = [rank.best, rank.worst]
    return {**entry, "galleries": json_form(galleries_of(result))}
