"""Marks: a word for each thing that is amiss with a number."""

from __future__ import annotations

from hardiness.benchmarks.accuracy_warnings import is_part
from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.codes import ModelNote, RunRemark
from hardiness.core.fact import Trust, doubtful
from hardiness.core.result import Result, Score

DEMO = "demo-sized"

RANDOM_WEIGHTS = "random weights"
"""The mark of a network that nobody trained, which has no place."""


EARLIER_CODE = "earlier code"
"""The mark of a run whose code gives other outputs now; it has no place."""


def is_of_earlier_code(result: Result) -> bool:
    """Whether a later command found that its code gives other outputs."""
    return any(warning.code == RunRemark.EARLIER_CODE for warning in result.warnings)


def has_random_weights(result: Result) -> bool:
    """Whether its network has random weights, as whoever ran it asked."""
    sessions = result.measured.get("sessions", ())
    return any(note["code"] == ModelNote.RANDOM_WEIGHTS for session in sessions for note in session.get("notes", ()))


def marks_in_export(result: Result, score: Score | None = None) -> tuple[str, ...]:
    """Words for what is amiss with a result where its table stands alone: its marks, and that its data are the demo's.

    The page says of the demo's data once for all.
    """
    return (*marks_of(result, score), *((DEMO,) if is_demo_sized(result) else ()))


def is_demo_sized(result: Result) -> bool:
    """Whether its data are the embedded photographs."""
    return any(fact.code == RunRemark.DEMO_SIZED for fact in result.warnings)


def caveat(result: Result, score: Score) -> str:
    """The word that stands under a number by which it must not be judged; empty where there is none.

    Of effective robustness it says that the line was continued beyond its models.
    """
    robustness = result.details.get(EFFECTIVE.name) if score.metric == EFFECTIVE.name else None
    if robustness is None:
        return score.doubt
    return "continued" if robustness["continued"] else ""


def marks_of(result: Result, score: Score | None = None) -> tuple[str, ...]:
    """A word for each thing that is amiss with a result, or one of its scores, e.g. partial, withdrawn, doubt."""
    marks = [RANDOM_WEIGHTS] if has_random_weights(result) else []
    if result.counts.failed:
        marks.append("failed")
    if is_part(result):
        marks.append("partial")
    if doubt := result.doubt if score is None else caveat(result, score):
        marks.append(doubt)
    elif result.trust is Trust.CANNOT_TELL:
        marks.append(Trust.CANNOT_TELL)
    elif result.doubt or doubtful(result.findings):
        marks.append("doubt")
    return tuple(marks)
