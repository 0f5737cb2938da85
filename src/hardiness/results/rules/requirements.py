"""The conditions on a run and its scores without which a rule has no number."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import Lack, Missing
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Result, Score
from hardiness.results.policy import HEADLINE, pair_metric_of
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError, undefined
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.metrics import measured_metric
from hardiness.results.rules.slices import missing_columns
from hardiness.results.runs import ScoredRun


def require_columns(run: ScoredRun, columns: Sequence[str], field: str) -> None:
    """Raise where the pictures of a run lack a column that a slice is of.

    Raises:
        UnmatchedError: they do.
    """
    for column in columns:
        if missing := missing_columns(run, column):
            raise UnmatchedError(field, missing[0], sorted(run.picture_columns.values))


def require_clusters(run: ScoredRun, folder: PolicyFolder) -> None:
    """Raise where clusters are asked for, and the pictures of a run lack the column."""
    if folder.grouping.cluster and not run.grouping.cluster:
        arguments = {"data": run.stored.run.data.name, "column": folder.grouping.cluster}
        raise MissingNumberError(Fact(Missing.NO_CLUSTERS, arguments))


def require_outputs(run: ScoredRun, metric: str, condition: Condition) -> None:
    """Raise where a metric needs more than a score of each picture, and the run has nothing else."""
    if run.stored.run.model.has_answers or metric == HEADLINE:
        return
    pair = pair_metric_of(metric)
    declared = pair.metric if pair else measured_metric(metric, run.card, ())
    if reason := declared.why_unavailable(condition, run.outputs):
        raise MissingNumberError(reason)


def require_accepted(run: ScoredRun) -> None:
    """Raise where the network was refused when it was last run: rows that are stored say nothing then."""
    if run.refusal:
        raise MissingNumberError(Fact(Missing.REFUSED, {"line": run.refusal}))


def require_standing(result: Result, score: Score | None) -> None:
    """Raise where a number is undefined, or the report on an attack does not stand by it.

    Args:
        result: whose.
        score: the number; ``None`` where it is made of the rows, which are then all of an attack's.
    """
    if doubt := score.doubt if score else result.doubt:
        raise MissingNumberError(Fact(Missing.DOUBTED, {"doubt": doubt}))
    if score is not None and score.value is None:
        raise undefined(score.lack)


def require_whole(result: Result) -> None:
    """Raise where a run was cut off before it had what it was asked for."""
    counts = result.counts
    if not counts.images:
        raise MissingNumberError(Fact(Lack.NOT_EVALUATED, {"what": "picture"}))
    all_sessions = result.measured.get("sessions", ())
    # A session that was killed has kept that it began, and no rows.
    sessions = [session for session in all_sessions if session["rows"]] or all_sessions
    limits = [session["limit"] for session in sessions]
    if not limits or result.stop is not None or counts.complete:
        return
    requests = [session["asked"] for session in sessions]
    stopping = ("time_budget_s", "precision_target", "until_decided")
    if any(each.get(name) is not None for each in requests for name in stopping):
        return
    samples = result.run.data.samples
    requested = samples if None in limits else min(max(limits), samples)
    failed = len({failure.sample for failure in result.failures})
    if counts.images + failed < requested:
        raise MissingNumberError(Fact(Missing.PARTIAL, {"images": counts.images, "requested": requested}))
