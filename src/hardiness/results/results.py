"""Stored records and published numbers to results: scores, counts, findings and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from hardiness.benchmarks.accuracy_warnings import CLEAN, warnings_of
from hardiness.benchmarks.card import MissingCard, cards, published_baseline, variant_of
from hardiness.benchmarks.options import registry
from hardiness.core.codes import RunRemark
from hardiness.core.errors import StoreError
from hardiness.core.fact import Fact
from hardiness.core.result import ClustersOfResult, Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run, Surrogate
from hardiness.reference.published_numbers import PublishedNumber, benchmarks_with_results, published_series, table
from hardiness.results.clustered import few_clusters
from hardiness.results.comparisons import ScoredResult, compared
from hardiness.results.comparisons.effective_robustness import published_effective_robustness, with_effective
from hardiness.results.dependence import dependent_pictures
from hardiness.results.metric_scores import with_metrics
from hardiness.results.noise import Noise
from hardiness.results.run_names import differences_of
from hardiness.results.runs import ScoredRun
from hardiness.results.same_rows import earlier_of, same_run, twins_of
from hardiness.results.slices import sliced_scores, why_not_sliced, with_worst_pictures
from hardiness.results.stopped import at_stop
from hardiness.results.stored_baseline import StoredBaseline
from hardiness.statistics.spreads.shares import ShareOfImages


def results_of_runs(
    runs: Sequence[ScoredRun], base: StoredBaseline | None, noises: Mapping[str, Noise]
) -> list[Result]:
    """The results of runs, sorted by benchmark, data, protocol, variant, folder and model.

    Args:
        runs: of one or more folders, folder by folder.
        base: what ratios divide by, instead of the published baseline.
        noises: the noise that was measured, by the key of the run.
    """
    scored = [_scored_or_kept(run, base, noises.get(run.stored.key), runs) for run in runs]
    places = dict.fromkeys(each.run.stored.files.address for each in scored)
    results: list[Result] = []
    for place in places:  # of several that say something of a result those of its own folder come first
        nearest = sorted(scored, key=lambda each: each.run.stored.files.address != place)
        own = [_compared(each, nearest) for each in nearest if each.run.stored.files.address == place]
        results += sorted(own, key=lambda result: result.model)
    return _with_twins(sorted(results, key=group_of))


def group_of(result: Result) -> tuple[str, ...]:
    """Results that agree in this stand in one table: benchmark, data, protocol, and the card's variant."""
    return result.benchmark, result.data, result.protocol, *variant_of(result.run)


def _with_twins(results: Sequence[Result]) -> list[Result]:
    """The results, with a warning where one run stands under two names, or is of earlier code.

    Args:
        results: sorted by their groups.
    """
    warned = []
    for _, group in groupby(results, key=group_of):
        table = list(group)
        runs = [result.run for result in table]
        twins, earlier = twins_of(runs), earlier_of(runs)
        names = [f"{r.name} ({text})" if text else r.name for r, text in zip(table, differences_of(table), strict=True)]
        for place, result in enumerate(table):
            if place in twins:
                other = twins[place]
                fact = same_run(result.run, table[other].run, names[other])
                result = replace(result, warnings=(*result.warnings, fact))
            if place in earlier:
                result = replace(result, warnings=(*result.warnings, Fact(RunRemark.EARLIER_CODE)))
            warned.append(result)
    return warned


def _scored_or_kept(
    run: ScoredRun, base: StoredBaseline | None, noise: Noise | None, runs: Sequence[ScoredRun]
) -> ScoredResult:
    """A scored run; where a card of somebody else's fails, with what was kept, as if it were not installed."""
    name = run.stored.run.benchmark.card
    try:
        if isinstance(run.card, MissingCard) or name in cards:
            return _scored(run, base, noise, runs)
    except StoreError:
        raise
    except Exception as error:
        if not cards.give_up(name, error):
            raise
    return _scored(run.without_card(), base, noise, runs)


def _scored(
    run: ScoredRun, base: StoredBaseline | None, noise: Noise | None, runs: Sequence[ScoredRun]
) -> ScoredResult:
    stored, identity = run.stored, run.stored.run
    divisor = base.of_run(run) if base and not identity.shows_whole_pictures else None
    refusal = run.refusal
    scores, findings = ([], []) if refusal else run.scores(divisor or published_baseline(identity))
    scores = with_metrics(run, scores, divisor or published_baseline(identity))
    stop, remarks = run.stop(), []
    if refusal:
        remarks.append(Fact(RunRemark.REFUSED_NETWORK, {"line": refusal}))
    elif stop:
        scores, fact = at_stop(scores, run, stop, runs, divisor or published_baseline(identity))
        remarks.append(fact)
    damage = (*run.damage, *run.complaints)
    result = Result(
        model=identity.model.name,
        benchmark=identity.benchmark.name,
        data=identity.data.name,
        protocol=identity.benchmark.protocol,
        scores=scores,
        counts=run.counts(),
        run=identity,
        key=stored.key,
        parts=run.parts,
        plan=stored.plan,
        measured={
            "sessions": run.sessions(),
            **({"parameters": parameters} if (parameters := run.parameters()) else {}),
            **({"baseline": base.as_measured(run)} if base and divisor else {}),
        },
        failures=run.failures,
        findings=findings,
        exhibits=stored.exhibits(),
        damage=damage,
        details={**({} if refusal else run.details()), **({"noise": noise.as_details()} if noise else {})},
        stop=stop,
        slices=() if refusal else sliced_scores(run, base),
        clusters=clusters_of_result(run),
        columns=run.column_sources,
    )
    result = with_worst_pictures(result, run)
    few = few_clusters(result.clusters.clusters, result.clusters.column) if result.clusters else ()
    about_answers = (*few, *run.class_warnings, *run.answer_warnings)
    about_columns = [*run.column_remarks, *(why_not_sliced(run) if scores and not result.slices else [])]
    warnings = [
        *warnings_of(result),
        *about_answers,
        *dependent_pictures([run]),
        *about_columns,
        *remarks,
        *run.level_remarks,
        *damage,
    ]
    if isinstance(run.card, MissingCard):
        warnings.append(Fact(RunRemark.MISSING_CARD, {"card": identity.benchmark.card}))
    if base and divisor:
        warnings.append(Fact(RunRemark.OWN_BASELINE, {"model": base.model}))
    run.save()
    run.release()
    return ScoredResult(run, replace(result, warnings=tuple(warnings)))


def clusters_of_result(run: ScoredRun) -> ClustersOfResult | None:
    """The clusters that a run's pictures come in; ``None`` where each stands alone, or nothing was evaluated."""
    clusters = run.clusters if run.counts().images else None
    if clusters is None:
        return None
    return ClustersOfResult(clusters.name, clusters.count(), len(clusters.codes))


def _compared(each: ScoredResult, scored: Sequence[ScoredResult]) -> Result:
    result = compared(each, scored)
    each.run.save()
    each.run.release()
    return result


def published_results() -> list[Result]:
    """A result for each published model, benchmark and surrogate, sorted as those of runs are.

    Of several sources of one number the last of the file counts.
    """
    rows_by_result: dict[tuple[str, str, str], list[PublishedNumber]] = {}
    # Of other models single numbers stand beside measured ones, and make no page.
    models_on_clean = published_series(CLEAN, "top1")
    for row in table():
        if row.benchmark in benchmarks_with_results() and row.model in models_on_clean:
            key = row.model, row.benchmark, str(row.condition.get("surrogate", ""))
            rows_by_result.setdefault(key, []).append(row)
    results = [_result(*key, rows) for key, rows in rows_by_result.items()]
    models = {model: place for place, model in enumerate(dict.fromkeys(row.model for row in table()))}
    return sorted(results, key=lambda result: (group_of(result), models[result.model]))


def _result(model: str, benchmark: str, surrogate: str, rows: list[PublishedNumber]) -> Result:
    kind, clean = registry.get(benchmark), benchmarks_with_results()[benchmark].clean
    data = kind.needs[0]
    latest = {(row.metric, row.condition): row for row in rows}
    n = max(row.n for row in rows)
    sources = dict.fromkeys(row.source for row in latest.values())
    result = Result(
        model=model,
        benchmark=benchmark,
        data=data,
        protocol=kind.protocol,
        scores=[*(_clean(model, benchmark, clean)), *(_score(row, benchmark, row.metric) for row in latest.values())],
        counts=Counts(n, n, 0, n),
        run=Run(
            model=ModelIdentity(model),
            benchmark=BenchmarkIdentity(benchmark, kind.card, kind.protocol),
            data=DataIdentity(data, samples=n),
            surrogate=Surrogate(surrogate, "") if surrogate else None,
        ),
        measured={"published": True, "sessions": [{"source": "; ".join(sources)}]},
        warnings=(Fact(RunRemark.PUBLISHED),),
    )
    robustness = published_effective_robustness(result.run)
    return with_effective(result, robustness) if robustness else result


def _clean(model: str, benchmark: str, metric: str) -> list[Score]:
    """An attack's clean accuracy, which is that of the validation set; none where it is no metric of the benchmark."""
    series = published_series(CLEAN, "top1").get(model, ()) if metric else ()
    return [_score(series[-1], benchmark, metric)] if series else []


def _score(row: PublishedNumber, benchmark: str, metric: str) -> Score:
    """A published number as a score of a benchmark's metric."""
    is_share = row.unit == "fraction" and metric in benchmarks_with_results()[benchmark].shares
    spread = ShareOfImages(round(row.value * row.n), row.n) if is_share else None
    own_metric = cards.get(registry.get(benchmark).card).metric(metric)
    return replace(own_metric.score(row.value, row.n, spread, row.condition), unit=row.unit)
