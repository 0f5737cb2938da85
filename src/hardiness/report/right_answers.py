"""Shares of right answers in place of wrong ones: on a person's own classes all shares have one direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.benchmarks.presentation import Column, is_of_published_data
from hardiness.core.result import PARTIAL, Result, Score
from hardiness.results.comparison import ERRORS, BenchmarkComparison, PairDetail
from hardiness.statistics.comparison import Difference, ScoreComparison
from hardiness.statistics.spreads.combined import Scaled

RIGHT_ANSWERS = {
    "mean_error": "accuracy under corruptions",
    "clean_error": "clean accuracy",
    "error": "accuracy",
}
"""Titles of one less a share of wrong answers, by its metric."""


def shows_right_answers(results: Sequence[Result]) -> bool:
    """Whether tables and figures of these results show right answers: on a person's own classes.

    Numbers of a published data set are shown as they are published of it, whatever its classes.
    """
    return all(result.run.has_own_classes and not is_of_published_data(result.run) for result in results)


def right_title(metric: str) -> str:
    """The title of one less a share of wrong answers, by its metric; empty for other metrics."""
    return RIGHT_ANSWERS.get(metric.removesuffix(PARTIAL), "")


def of_right_answers(column: Column) -> Column:
    """A column of right answers in place of wrong ones; other columns as they are."""
    title = right_title(column.metric)
    if not title or column.condition:
        return column
    return replace(column, title=title, higher_is_better=True, complement=True)


def complement(score: Score) -> Score:
    """One less a share of wrong answers: the share of right ones, under the name of the score that it is made of."""
    spread = score.spread and Scaled(score.spread, 1.0, -1.0)
    value = None if score.value is None else 1 - score.value
    return replace(score, value=value, spread=spread, higher_is_better=not score.higher_is_better)


def compared_by_right_answers(score: ScoreComparison) -> ScoreComparison:
    """A comparison of right answers in place of wrong ones: what one model has less of these it has more of those.

    One that is of right answers already, or of anything else, is returned as it is.
    """
    if score.higher_is_better or not (title := right_title(score.metric)):
        return score
    pairs = {pair: _reversed(difference) for pair, difference in score.pairs.items()}
    values = {name: 1 - value for name, value in score.values.items()}
    return replace(score, higher_is_better=True, title=title, values=values, pairs=pairs)


def comparison_of_right_answers(compared: BenchmarkComparison) -> BenchmarkComparison:
    """A comparison whose scores and parts of differences are of right answers, in place of wrong ones."""
    return replace(
        compared,
        scores=tuple(map(compared_by_right_answers, compared.scores)),
        details=tuple(map(_detail_of_right_answers, compared.details)),
    )


def _detail_of_right_answers(detail: PairDetail) -> PairDetail:
    if detail.number != ERRORS:
        return detail
    parts = {
        kind: own if kind == "calibration" else [replace(part, difference=_reversed(part.difference)) for part in own]
        for kind, own in detail.parts.items()
    }
    return replace(detail, parts=parts, number=RIGHT_ANSWERS["error"])


def _reversed(difference: Difference) -> Difference:
    spread = difference.spread and Scaled(difference.spread, 0.0, -1.0)
    return replace(difference, value=0.0 - difference.value, spread=spread)  # nothing is 0, not -0
