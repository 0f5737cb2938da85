"""The usual figures of scores by condition, of a card whose view draws no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hardiness.benchmarks.card import Card, card_of
from hardiness.benchmarks.picture_scores import MEAN_SCORE, RETAINED_SCORE
from hardiness.benchmarks.presentation import ANY_METRICS
from hardiness.core.condition import Condition
from hardiness.core.result import PARTIAL, Result, Score
from hardiness.report.charts import Chart, Dots, Grid, GridCell, Observer
from hardiness.report.format import direction

NAME = "scores_by_condition"
"""Stem of the figure's files."""

ROWS_MOST = 20
"""Conditions that the figure shows at most; the grid has all."""

RETAINED = "retained_by_condition"
"""Stem of the files of the figure that shows how much is kept of scores."""

LIMITS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6, 2.0)
"""Ends of the axis."""


def scores_by_condition(results: Sequence[Result]) -> Iterator[Chart | Grid]:
    """One metric by condition as a figure, where it is a share, and for each model a grid of all.

    Scores that have a column of the table, and those by class, stand elsewhere.

    Args:
        results: of one benchmark, one data set, one protocol, one variant.
    """
    card = card_of(results[0].run)
    conditional = {result.name: _conditional(card, result.scores) for result in results}
    if chart := _chart(card, results, conditional):
        yield chart
    are_scores = not any(result.run.model.has_answers for result in results)
    if are_scores and (chart := _chart(card, results, conditional, RETAINED_SCORE.name)):
        yield replace(chart, name=RETAINED)
    for result in results:
        if scores := conditional[result.name]:
            yield _grid(card, result.name, scores, intervals=are_scores)


def _conditional(card: Card, scores: Sequence[Score]) -> list[Score]:
    columns = {(score.metric, score.condition) for score in card.column_scores(scores)}
    elsewhere = {metric.name for metric in ANY_METRICS}
    return [
        score
        for score in scores
        if score.condition and (score.metric, score.condition) not in columns and score.metric not in elsewhere
    ]


def _grid(card: Card, model: str, scores: Sequence[Score], *, intervals: bool) -> Grid:
    metrics = list(dict.fromkeys(score.metric for score in scores))
    conditions = list(dict.fromkeys(score.condition for score in scores))
    cells = {
        (s.metric, s.condition): GridCell(
            s.value, s.unit, s.unit == "fraction", s.doubt, s.interval if intervals else None
        )
        for s in scores
    }
    rows = tuple(
        (card.named(condition), tuple(cells.get((metric, condition)) for metric in metrics)) for condition in conditions
    )
    keys = {tuple(condition) for condition in conditions}
    corner = " and ".join(next(iter(keys))) if len(keys) == 1 else "condition"
    return Grid(model, "scores by condition", corner, tuple(card.metric(name).title for name in metrics), rows)


def _chart(card: Card, results: Sequence[Result], conditional: dict[str, list[Score]], ratio: str = "") -> Dots | None:
    """The first metric that is a share, or that ratio, and was measured under several conditions of the same keys."""
    groups: dict[tuple[str, tuple[str, ...]], dict[Condition, list[Score]]] = {}
    for scores in conditional.values():
        for score in scores:
            group = groups.setdefault((score.metric, tuple(score.condition)), {})
            group.setdefault(score.condition, []).append(score)
    for (name, keys), by_condition in groups.items():
        shares = [score for scores in by_condition.values() for score in scores if score.value is not None]
        is_chosen = name == ratio if ratio else all(map(_is_share, shares))
        if len(by_condition) > 1 and shares and is_chosen:
            return _dots(card, results, name, keys, list(by_condition)[:ROWS_MOST])
    return None


def _dots(
    card: Card, results: Sequence[Result], name: str, keys: Sequence[str], conditions: Sequence[Condition]
) -> Dots:
    metric, observers = card.metric(name), []
    for result in results:
        scores = {score.condition: score for score in result.scores if score.metric == name}
        by_row = {card.named(c): scores[c] for c in conditions if c in scores and scores[c].value is not None}
        whole = scores.get(Condition()) or _mean_score(result)
        observers.append(Observer(result.name, whole if whole and whole.value is not None else None, by_row))
    drawn = [score for each in observers for score in (each.overall, *each.by_row.values()) if score is not None]
    most = max(score.interval.high if score.interval else score.value or 0.0 for score in drawn)
    return Dots(
        name=NAME,
        title=f"{metric.title[:1].upper()}{metric.title[1:]} by {' and '.join(keys)}",
        caption="Lines are 95 % intervals.",
        label=f"{metric.title} {direction(metric.higher_is_better)}",
        ends=("", ""),
        all_rows="over all",
        rows=tuple(map(card.named, conditions)),
        observers=tuple(observers),
        limit=next((limit for limit in LIMITS if limit >= most), LIMITS[-1]),
        bars=True,
    )


def _mean_score(result: Result) -> Score | None:
    """The score over all conditions of a file of scores; ``None`` of other runs."""
    if result.run.model.has_answers:
        return None
    return next((score for score in result.scores if score.metric.removesuffix(PARTIAL) == MEAN_SCORE.name), None)


def _is_share(score: Score) -> bool:
    ends = (score.interval.low, score.interval.high) if score.interval else ()
    return score.unit == "fraction" and all(0 <= end <= 1 for end in (score.value or 0.0, *ends))
