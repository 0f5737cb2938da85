"""Runs that were stopped as soon as they were exact enough: which intervals hold, and who was a companion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hardiness.core import RIGHT, ImageTable, Score, Stop
from hardiness.scoring.card import Baseline
from hardiness.scoring.kept_values import digest_of
from hardiness.scoring.scored_run import ScoredRun
from hardiness.scoring.stopping.control import Companions
from hardiness.scoring.stopping.looks import Look, with_looks

MOST_COMPANIONS = 4
"""More explain little, and each costs an image of what is known."""


def companions_of(run: ScoredRun, others: Sequence[ScoredRun]) -> list[ScoredRun]:
    """Runs of other models on the very same pictures, all of which they have answered; in the order of their keys."""
    return sorted(
        (each for each in others if _same_pictures(run, each) and each.counts().complete),
        key=lambda each: each.stored.key,
    )[:MOST_COMPANIONS]


def _same_pictures(run: ScoredRun, other: ScoredRun) -> bool:
    mine, its = run.stored.run, other.stored.run
    return run.stored.key != other.stored.key and (
        (mine.benchmark.name, mine.benchmark.options, mine.data.fingerprint, mine.seed, mine.conditions)
        == (its.benchmark.name, its.benchmark.options, its.data.fingerprint, its.seed, its.conditions)
    )


def look_at(target: float, baseline: Baseline | None, companions: Sequence[ScoredRun]) -> Look:
    """How a run is looked at, beside these companions."""
    columns: dict[str, list[np.ndarray]] = {}
    ids = None
    for each in companions:
        ids = each.table.ids
        for found in each.card.sums(each.table, each.stored.run, baseline):
            if not found.condition:
                columns.setdefault(found.metric, []).append(found.by_image())
        each.release()
    known = {
        metric: Companions(ids, np.column_stack(values))
        for metric, values in columns.items()
        if ids is not None and not np.isnan(values).any()
    }
    return Look(target, baseline, known)


def rows_of(table: ImageTable) -> int:
    """How many image-cells a table holds."""
    return int(np.count_nonzero(table[RIGHT] >= 0))


def stop_of(run: ScoredRun) -> Stop | None:
    """The stop that a run is at; ``None`` where it has none, has come further since, or is complete."""
    stop = run.stored.stop()
    if stop is None or run.counts().complete or stop.rows != run.rows:
        return None
    return stop


def at_stop(
    scores: Sequence[Score], run: ScoredRun, stop: Stop, runs: Sequence[ScoredRun], baseline: Baseline | None
) -> tuple[list[Score], str]:
    """The scores with the intervals that hold at a stop, and a sentence that says which these are."""
    companions = [each for each in runs if each.stored.key in stop.companions]

    def compute() -> list[dict[str, object]]:
        look = look_at(stop.precision_target, baseline, companions)
        looks = look.at(run.card, run.table, run.stored.run)
        return [new.as_dict() for old, new in zip(scores, with_looks(scores, looks), strict=True) if new is not old]

    of = digest_of([stop.as_dict(), [each.digest for each in companions], baseline])
    changed = {(s.metric, s.condition): s for s in map(Score.from_dict, run.remember("stop", of, compute))}
    names = ", ".join(dict.fromkeys(run.card.title(each) for each in changed.values()))
    sentence = (
        f"stopped at a precision target of {stop.precision_target:g}: the intervals of {names or 'no score'} hold in "
        "spite of looking; all others are as if it had not been looked at"
    )
    if companions:
        sentence += f"; helped by what {', '.join(each.stored.run.model.name for each in companions)} answered on all"
    return [changed.get((score.metric, score.condition), score) for score in scores], sentence
