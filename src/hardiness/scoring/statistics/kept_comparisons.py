"""Comparisons of the models of an output folder, kept in it, so that places cost nothing the second time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from hardiness.core import ArgumentError, Condition, Interval, Result, StoreError
from hardiness.scoring.kept_values import digest_of
from hardiness.scoring.statistics.benchmark_comparison import BenchmarkComparison, compare_stores
from hardiness.scoring.statistics.comparison import Compared
from hardiness.scoring.statistics.proportions import Difference
from hardiness.scoring.statistics.ranks import Rank
from hardiness.store import Store
from hardiness.store.files import parsed

COMPARED = "compared.json"
"""May be deleted at any time; it is then made again."""

VERSION = 3
"""Raised whenever the same runs would be compared otherwise."""


def kept_comparisons(
    store: Store, results: Sequence[Result], baseline_model: str | None = None
) -> list[BenchmarkComparison]:
    """The models of a folder on the same images, without what is said of single pairs; none of fewer than two models.

    Args:
        store: the folder.
        results: of all its runs, as they are now: what was kept of other ones is not taken.
        baseline_model: whose stored runs the ratios of ``results`` divide by, instead of the published baseline.
    """
    known = [
        [each.key, [replace(s, doubt="").as_dict() for s in each.scores], each.details.get("noise")] for each in results
    ]
    digest = digest_of([VERSION, known, *([baseline_model] if baseline_model else [])])
    with suppress(StoreError, LookupError, TypeError, ValueError):
        found = parsed(store.files.read(COMPARED) or b"", f"{store.address}/{COMPARED}")
        if found["digest"] == digest_of([digest, found["comparisons"]]):
            return [_comparison(each) for each in found["comparisons"]]
    try:
        made = compare_stores([store], details=False, baseline_model=baseline_model)
    except ArgumentError:
        return []
    described = json.loads(json.dumps([_as_dict(each) for each in made]))
    with suppress(StoreError):  # where nothing can be written, it is made again next time
        kept = {"digest": digest_of([digest, described]), "comparisons": described}
        store.files.write(COMPARED, json.dumps(kept).encode())
    return [_comparison(each) for each in described]


def _as_dict(each: BenchmarkComparison) -> dict[str, Any]:
    named = {name: getattr(each, name) for name in ("benchmark", "data", "n", "notes", "protocol", "variant")}
    return {**named, "scores": [_score(score) for score in each.scores]}


def _score(score: Compared) -> dict[str, Any]:
    named = {name: getattr(score, name) for name in ("metric", "higher_is_better", "n", "title", "noise")}
    return {
        **named,
        "values": dict(score.values),
        "pairs": [[*pair, asdict(difference)] for pair, difference in score.pairs.items()],
        "ranks": {name: asdict(rank) for name, rank in score.ranks.items()},
        "condition": dict(score.condition),
    }


def _comparison(found: dict[str, Any]) -> BenchmarkComparison:
    lists = {"notes": tuple(found["notes"]), "variant": tuple(found["variant"]), "details": ()}
    return BenchmarkComparison(**{**found, **lists, "scores": tuple(_compared(each) for each in found["scores"])})


def _compared(found: dict[str, Any]) -> Compared:
    return Compared(
        **{
            **found,
            "pairs": {(first, second): _difference(each) for first, second, each in found["pairs"]},
            "ranks": {name: Rank(**{**rank, "drawn": tuple(rank["drawn"])}) for name, rank in found["ranks"].items()},
            "condition": Condition(**found["condition"]),
        }
    )


def _difference(found: dict[str, Any]) -> Difference:
    interval = found["interval"]
    return Difference(**{**found, "interval": None if interval is None else Interval(**interval)})
