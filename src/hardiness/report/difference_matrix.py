"""Differences of every two models as a matrix: the row's model less the column's, in points."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hardiness.core.result import IN_PERCENT
from hardiness.report.right_answers import compared_by_right_answers, shows_right_answers
from hardiness.report.sections import BenchmarkSection
from hardiness.statistics.comparison import Difference, ScoreComparison

MODELS_MOST = 4
"""Models up to which each score has a matrix; of more the first alone."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One difference as text, with its interval, and ``"better"`` or ``"worse"`` where the two are told apart."""

    text: str
    interval: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class DifferenceMatrix:
    """One score: a row and a column for each model, ``None`` where a model meets itself or nothing is defined."""

    title: str
    models: tuple[str, ...]
    rows: tuple[tuple[MatrixCell | None, ...], ...]


def difference_matrices(shown: BenchmarkSection) -> list[DifferenceMatrix]:
    """A matrix for each score by which the models of a section were compared, the first one first."""
    scores = shown.paired if len(shown.results) <= MODELS_MOST else shown.paired[:1]
    if shows_right_answers(shown.results):
        scores = [compared_by_right_answers(score) for score in scores]
    order = [result.name for result in shown.results]
    matrices = []
    for score in scores:
        models = tuple(name for name in order if not math.isnan(score.values.get(name, math.nan)))
        rows = tuple(tuple(_cell(shown, score, row, column) for column in models) for row in models)
        # By a score without any interval nothing can be said of a difference.
        if len(models) > 1 and any(pair.interval is not None for pair in score.pairs.values()):
            matrices.append(DifferenceMatrix(score.title or score.metric.replace("_", " "), models, rows))
    return matrices


def _cell(shown: BenchmarkSection, score: ScoreComparison, row: str, column: str) -> MatrixCell | None:
    pair = next((pair for pair in ((row, column), (column, row)) if pair in score.pairs), None)
    if pair is None or math.isnan(score.pairs[pair].value):
        return None
    difference, scale = score.pairs[pair], 100.0 if score.unit in IN_PERCENT else 1.0
    sign = 1.0 if pair == (row, column) else -1.0
    doubt = shown.compared.doubt_about_pair(score, row, column) if shown.compared else ""
    verdict = ""
    if score.is_told_apart(pair) and not doubt:
        verdict = "better" if (sign * difference.value > 0) == score.higher_is_better else "worse"
    return MatrixCell(_points(sign * difference.value, scale), doubt or _ends(difference, sign, scale), verdict)


def _ends(difference: Difference, sign: float, scale: float) -> str:
    if difference.interval is None:
        return "no interval"
    low, high = sorted((sign * difference.interval.low, sign * difference.interval.high))
    return f"{_points(low, scale)} to {_points(high, scale)}"


def _points(value: float, scale: float) -> str:
    text = f"{scale * value:+z.1f}"
    return "0.0" if not float(text) else text.replace("-", "−")
