"""Scores that rules ask of rows, kept beside these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hardiness.core.fact import Fact
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Score
from hardiness.results.rules.errors import MissingNumberError
from hardiness.results.runs import ScoredRun, digest_of


def kept_score(run: ScoredRun, name: Sequence[Any], state: str, compute: Callable[[], Score]) -> Score:
    """A score that follows from rows, kept beside them; `MissingNumberError` is kept too.

    One of clusters is not kept: their column may be another the next time.
    """
    if run.clusters is not None:
        return compute()

    def compute_or_reason() -> list[Any]:
        try:
            return ["score", json_form(compute())]
        except MissingNumberError as error:
            return ["missing", json_form(error.why)]

    what, content = run.memo.value(f"gate {digest_of(list(name))}", state, compute_or_reason)
    if what == "missing":
        raise MissingNumberError(Fact.from_dict(content))
    return from_json(Score, content, "the score")


def state_of(before: ScoredRun) -> str:
    """The state of a baseline's run, with which a difference from it is kept."""
    return digest_of([before.stored.key, before.digest])
