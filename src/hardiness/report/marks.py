"""Marks: a word for each thing that is amiss with a number."""

from __future__ import annotations

from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.result import Result, Score, doubtful, trust

DEMO = "demo-sized"


def marks_in_export(result: Result, score: Score | None = None) -> tuple[str, ...]:
    """What is amiss with a result where its table stands alone: the marks, and whether its data are those of the demo.

    The page says of the demo's data once for all.
    """
    is_demo = any(warning.startswith(DEMO) for warning in result.warnings)
    return (*marks_of(result, score), *((DEMO,) if is_demo else ()))


def caveat(result: Result, score: Score) -> str:
    """The word that stands under a number by which it must not be judged; empty where there is none.

    Of effective robustness it says that the line was continued beyond its models.
    """
    kept = result.details.get(EFFECTIVE.name) if score.metric == EFFECTIVE.name else None
    if kept is None:
        return score.doubt
    return "continued" if kept["continued"] else ""


def marks_of(result: Result, score: Score | None = None) -> tuple[str, ...]:
    """What is amiss with a result, or one of its scores, in a word each, e.g. partial, withdrawn, doubt."""
    marks = []
    if result.counts.failed:
        marks.append("failed")
    if not result.counts.complete:
        marks.append("partial")
    said = trust(result.findings)
    if doubt := result.doubt if score is None else caveat(result, score):
        marks.append(doubt)
    elif said.startswith("no") or (said != "cannot tell" and doubtful(result.findings)):
        marks.append("doubt")
    elif said == "cannot tell":
        marks.append(said)
    return tuple(marks)
