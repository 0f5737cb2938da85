"""Evidence that follows from rows alone, kept beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hardiness.core.forms import fields_form, from_json
from hardiness.results.rules.errors import MissingNumberError
from hardiness.results.runs import ScoredRun, digest_of
from hardiness.statistics.verdicts import Evidence


def kept_evidence(run: ScoredRun, name: Sequence[Any], state: str, compute: Callable[[], Evidence]) -> Evidence:
    """Evidence that follows from rows, kept beside them; `MissingNumberError` is kept too.

    That of clusters is not kept: their column may be another the next time.
    """
    if run.clusters is not None:
        return compute()

    def compute_or_reason() -> list[Any]:
        try:
            return ["evidence", list(fields_form(compute()).values())]
        except MissingNumberError as error:
            return ["missing", str(error)]

    what, content = run.memo.value(f"gate {digest_of(list(name))}", state, compute_or_reason)
    if what == "missing":
        raise MissingNumberError(content)
    return from_json(Evidence, content, "the evidence")


def state_of(before: ScoredRun) -> str:
    """The state of a baseline's run, with which evidence on a difference from it is kept."""
    return digest_of([before.stored.key, before.digest])
