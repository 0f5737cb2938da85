"""The published numbers as results, so that every page, table and export that shows runs shows them too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hardiness.core import BenchmarkIdentity, Counts, DataIdentity, ModelIdentity, Result, Run, Score, Surrogate
from hardiness.reference import Published, table
from hardiness.results.results import group_of
from hardiness.statistics.intervals import wilson

PROPORTIONS = ("top1", "top5", "real_top1", "accuracy", "clean_accuracy", "cue_accuracy", "shape_bias", "texture_bias")
"""Metrics that are shares of their n, which therefore have Wilson's interval; of the others none was published."""

HIGHER_IS_BETTER = frozenset({*PROPORTIONS, "aurra"} - {"texture_bias"})


@dataclass(frozen=True, slots=True)
class PublishedRuns:
    """What runs of a benchmark are of: card, protocol and data set."""

    card: str
    protocol: str
    data: str


KINDS: Mapping[str, PublishedRuns] = {
    "imagenet-val": PublishedRuns("classification", "orhan2019", "imagenet"),
    "imagenet-a": PublishedRuns("subset_classification", "hendrycks2019", "imagenet-a"),
    "imagenet-c": PublishedRuns("corruption", "hendrycks2019", "imagenet-c"),
    "imagenet-p": PublishedRuns("perturbation", "hendrycks2019", "imagenet-p"),
    "whitebox": PublishedRuns("attack", "orhan2019", "imagenet"),
    "blackbox": PublishedRuns("attack", "orhan2019", "imagenet"),
    "cue-conflict": PublishedRuns("cue_conflict", "orhan2019", "cue-conflict"),
}


def published_results() -> list[Result]:
    """A result for each published model, benchmark and surrogate, sorted as those of runs are.

    Of several sources of one number the last of the file counts.
    """
    grouped: dict[tuple[str, str, str], list[Published]] = {}
    # Of other models single numbers stand beside measured ones, and make no page.
    known = {row.model for row in table() if (row.benchmark, row.metric) == ("imagenet-val", "top1")}
    for row in table():
        if row.benchmark in KINDS and row.model in known:
            key = row.model, row.benchmark, str(row.condition.get("surrogate", ""))
            grouped.setdefault(key, []).append(row)
    found = [_result(*key, rows) for key, rows in grouped.items()]
    models = {model: place for place, model in enumerate(dict.fromkeys(row.model for row in table()))}
    return sorted(found, key=lambda result: (*group_of(result), models[result.model]))


def _result(model: str, benchmark: str, surrogate: str, rows: list[Published]) -> Result:
    kind = KINDS[benchmark]
    latest = {(row.metric, row.condition): row for row in rows}
    n = max(row.n for row in rows)
    sources = dict.fromkeys(row.source for row in latest.values())
    return Result(
        model=model,
        benchmark=benchmark,
        data=kind.data,
        protocol=kind.protocol,
        scores=[*_clean(model, kind), *(_score(row, row.metric) for row in latest.values())],
        counts=Counts(n, n, 0, n),
        run=Run(
            model=ModelIdentity(model),
            benchmark=BenchmarkIdentity(benchmark, kind.card, kind.protocol),
            data=DataIdentity(kind.data, samples=n),
            surrogate=Surrogate(surrogate, "") if surrogate else None,
        ),
        measured={"published": True, "sessions": [{"source": "; ".join(sources)}]},
        warnings=("published numbers, not a run",),
    )


def _clean(model: str, kind: PublishedRuns) -> list[Score]:
    """An attack's clean accuracy, which is that of the validation set."""
    clean = [row for row in table() if (row.model, row.benchmark, row.metric) == (model, "imagenet-val", "top1")]
    return [_score(clean[-1], "clean_accuracy")] if clean and kind.card == "attack" else []


def _score(row: Published, metric: str) -> Score:
    share = row.unit == "fraction" and metric in PROPORTIONS
    interval = wilson(round(row.value * row.n), row.n) if share else None
    return Score(metric, row.value, row.unit, row.n, interval, metric in HIGHER_IS_BETTER, row.condition)
