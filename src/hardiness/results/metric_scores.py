"""Scores of a stored run by the metrics that are registered for any run, computed once and kept beside its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from hardiness.benchmarks.card import Baseline, MissingCard
from hardiness.benchmarks.own_code import scoring_code
from hardiness.core.columns import NO_COLUMNS, Columns
from hardiness.core.errors import ArgumentError, DataError, StoreError
from hardiness.core.result import PARTIAL, Score
from hardiness.core.table import ImageTable
from hardiness.metrics.declaration import PairMetric, RunMetric, entries, pair_registry, registry
from hardiness.metrics.scoring import Scoring
from hardiness.results.clustered import clustered_scores, without_bases
from hardiness.results.runs import ScoredRun, digest_of


def code_of(entry: RunMetric | PairMetric) -> list[str]:
    """The hashes of a metric's code that is somebody's own, which its kept scores follow from."""
    code = [scoring_code(part) for part in (entry.function, entry.applies) if part is not None]
    return list(filter(None, code))


def code_of_own_metrics() -> list[list[str]]:
    """Names and code of the metrics that are somebody's own: what is kept of comparisons is of them, too."""
    registry.names(), pair_registry.names()  # these load them
    entries: list[RunMetric | PairMetric] = [*registry.own().values(), *pair_registry.own().values()]
    return sorted([type(entry).__name__, entry.name, *code_of(entry)] for entry in entries)


def with_metrics(run: ScoredRun, scores: Sequence[Score], baseline: Baseline | None) -> list[Score]:
    """The scores of a run with those by every registered metric that speaks of it.

    Args:
        run: which.
        scores: by its card; where there are none, nothing was evaluated.
        baseline: what ratios divide by.
    """
    all_scores = list(scores)
    whole = not any(score.metric.endswith(PARTIAL) for score in all_scores)
    for entry in _in_order() if all_scores else ():
        all_scores = _behind(all_scores, entry.behind, _scores(run, entry, all_scores, whole, baseline))
    return all_scores


def with_rows_of_metrics(run: ScoredRun, table: ImageTable) -> ImageTable:
    """The image table of a run with the columns of its rows that metrics need that are compared."""
    rows = dict.fromkeys(
        name for entry in entries() if entry.rows and entry.compared and _speaks_of(entry, run) for name in entry.rows
    )
    return run.with_rows(table, tuple(rows))


def columns_of_metrics(run: ScoredRun) -> Columns:
    """The columns of a run's pictures that metrics ask for by which models are compared; none where none asks."""
    return _columns_called(_names_of_columns(run), run)


def column_digests(run: ScoredRun) -> list[str]:
    """Digests of the columns of a run's pictures that metrics of one run or of two ask for; comparisons are of them."""
    pairs = [entry for name in pair_registry.names() if (entry := pair_registry.find(name))]
    columns = _columns_called(_names_of_columns(run).union(*(entry.columns for entry in pairs)), run)
    return [_digest(columns, tuple(columns.values))] if columns else []


def _names_of_columns(run: ScoredRun) -> set[str]:
    return {name for entry in entries() if entry.compared and _speaks_of(entry, run) for name in entry.columns}


def _columns_called(names: Collection[str], run: ScoredRun) -> Columns:
    """The columns of a run's pictures with these names; none are read where there is no name."""
    if not names:
        return NO_COLUMNS
    columns = run.picture_columns
    return replace(columns, values={name: values for name, values in columns.values.items() if name in names})


def _digest(columns: Columns, names: Sequence[str]) -> str:
    return digest_of([columns.ids.tolist(), [[name, columns.values[name].tolist()] for name in names]])


def _in_order() -> Iterator[RunMetric]:
    """The registered metrics, sorted by name, those that stand behind another one after it."""
    pending = sorted(entries(), key=lambda entry: (not entry.behind, entry.name))
    while pending:
        waiting = {entry.name for entry in pending}
        entry = next((each for each in pending if each.behind not in waiting), pending[0])
        pending.remove(entry)
        yield entry


def _scores(
    run: ScoredRun, entry: RunMetric, others: Sequence[Score], whole: bool, baseline: Baseline | None
) -> Sequence[Score]:
    """The scores by one metric, as they were kept or computed now; none of a metric of somebody else's that fails."""
    try:
        if not registry.ships(entry.name):
            _require_own_name(run, entry, others)
        if not entry.speaks_of(run.stored.run):
            return ()
        divisor = baseline if entry.divides else None
        if clusters := run.clusters:
            return clustered_scores(_computed(run, entry, whole, divisor), clusters)
        columns = run.picture_columns if entry.columns else NO_COLUMNS
        names = [name for name in entry.columns if name in columns.values]
        of_columns = [_digest(columns, names)] if names else []
        origin = digest_of([*code_of(entry), whole, divisor, *of_columns])
        return run.memo.record(
            list[Score], f"metric {entry.name}", origin, lambda: without_bases(_computed(run, entry, whole, divisor))
        )
    except DataError:
        return ()
    except StoreError:
        raise
    except Exception as error:
        if not registry.give_up(entry.name, error):
            raise
        return ()


def _computed(run: ScoredRun, entry: RunMetric, whole: bool, baseline: Baseline | None) -> list[Score]:
    """The scores by a metric from the stored rows; one without a value where these lack a column that it needs."""
    if isinstance(run.card, MissingCard):  # which makes no table of the rows
        return []
    table = run.with_rows(run.columns(*entry.table), entry.rows)
    if missing := entry.lacks(table):
        if entry.applies is None:
            return []
        return [entry.metric.score(None, len(table), lack=missing)]
    columns = run.picture_columns.at(table.ids).values if entry.columns else {}
    if missing := entry.lacks_columns(columns):
        return [entry.metric.score(None, len(table), lack=missing)]
    own = {name: columns[name] for name in entry.columns}
    return run.without_unavailable(entry.scores(Scoring(table, run.stored.run, whole, baseline, own)))


def _require_own_name(run: ScoredRun, entry: RunMetric, others: Iterable[Score]) -> None:
    """Raise where a metric has the name of one of a run's card, or of another score.

    Raises:
        ArgumentError: it has.
    """
    names = {score.metric for score in others} | {metric.name for metric in run.card.declared}
    if entry.name in names:
        raise ArgumentError(f"the card {run.stored.run.benchmark.card!r} has a metric of that name; rename it")


def has_compared_metrics(run: ScoredRun) -> bool:
    """Whether a metric by which models are compared speaks of a run."""
    return any(entry.compared and _speaks_of(entry, run) for entry in entries())


def _speaks_of(entry: RunMetric, run: ScoredRun) -> bool:
    """Whether a metric speaks of a run; not where one of somebody else's fails."""
    try:
        return entry.speaks_of(run.stored.run)
    except Exception as error:
        if not registry.give_up(entry.name, error):
            raise
    return False


def _behind(scores: Sequence[Score], metric: str, more: Iterable[Score]) -> list[Score]:
    """The scores with more of them behind the first of that metric; at the end where there is none."""
    places = [place for place, score in enumerate(scores) if score.metric == metric]
    after = places[0] + 1 if places else len(scores)
    return [*scores[:after], *more, *scores[after:]]
