"""Stored records to results: scores, counts and warnings, as a pure function of what is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hardiness.core import Counts, Records, Result, Score
from hardiness.reference import baseline, distortion_set, published_interval, set_names
from hardiness.report.format import is_headline, table_key
from hardiness.report.stand_in import StandIn, read
from hardiness.scoring import Context, beside_clean, disjoint, findings, registry, wilson, with_transfers
from hardiness.store import Store, StoredRun

SURE = 0.999
"""Confidence of the interval behind the warning about accuracy: at 95 % one full run in twenty would cry wolf."""

CLEAN = "imagenet-val"
PHOTOGRAPHS = ("classification", "subset_classification")
"""Scorers whose top-1 can stand beside the clean one."""

IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Scored:
    """A run's records beside the result made from them."""

    run: StoredRun
    records: Records
    result: Result


def rebuild(store: Store, baseline_model: str | None = None) -> list[Result]:
    """Score every stored run and write ``results.json``, under the store's lock.

    Args:
        store: where the runs are.
        baseline_model: a model whose stored runs stand in for the published baseline (AlexNet).

    Raises:
        ArgumentError: the baseline model has no stored run to divide by.
        StoreError: a shard cannot be read, or the file cannot be written.
    """
    with store.locked():
        found = results(store, baseline_model)
        store.write_results([result.as_dict() for result in found])
    return found


def results(store: Store, baseline_model: str | None = None) -> list[Result]:
    """The results of every stored run, by table and model; nothing is written."""
    runs = store.runs()
    stand_in = StandIn.of(runs, baseline_model) if baseline_model else None
    scored = [_scored(run, stand_in) for run in runs]
    compared = [
        _with_set_beside(_with_transfers(_with_clean(each, scored), each, scored), each, scored) for each in scored
    ]
    return sorted(compared, key=lambda result: (*table_key(result), result.model))


def _scored(run: StoredRun, stand_in: StandIn | None = None) -> Scored:
    records, identity = read(run), run.run
    whole = run.plan.whole
    expected = identity.data.samples * len(whole)
    evaluated = _evaluated(records, whole)
    counts = Counts(expected, evaluated, sum(len(failure.conditions) for failure in records.failures))
    own_classes = identity.data.num_classes != IMAGENET_CLASSES
    published = None if own_classes else baseline(identity.benchmark.name)
    stored = stand_in.for_run(run) if stand_in else None
    context = Context(identity, expected, stored or published)
    card = identity.benchmark.card
    scores = registry.get(card)(records, context) if len(records) else []
    result = Result(
        model=identity.model.name,
        benchmark=identity.benchmark.name,
        data=identity.data.name,
        protocol=identity.benchmark.protocol,
        scores=scores,
        counts=counts,
        run=identity,
        key=run.key,
        plan=run.plan,
        measured={"sessions": run.measured()},
        failures=records.failures,
        findings=findings(card, records, context, scores) if scores else (),
        exhibits=run.exhibits(),
    )
    warnings = _warnings(result)
    if stand_in and stored:
        warnings = (*warnings, f"ratios are to the stored run of {stand_in.model}, not to the published baseline")
    return Scored(run, records, replace(result, warnings=warnings))


def _evaluated(records: Records, conditions: Sequence[int]) -> int:
    """How many (sample, condition) pairs have a row; the frames of a sequence count as one."""
    if not len(records):
        return 0
    counted = np.isin(records["condition"], conditions)
    pairs = records["image"][counted].astype(np.int64) * (max(conditions) + 1) + records["condition"][counted]
    return len(np.unique(pairs))


def _same_model(first: StoredRun, second: StoredRun) -> bool:
    return (first.run.model, first.run.precision) == (second.run.model, second.run.precision)


def _with_clean(each: Scored, scored: Sequence[Scored]) -> Result:
    """The result with clean top-1 on the same classes beside it, where that model was run on ``imagenet-val`` too."""
    result = each.result
    if result.benchmark == CLEAN or not result.scores or result.run.benchmark.card not in PHOTOGRAPHS:
        return result
    for other in scored:
        same_model = _same_model(other.run, each.run)
        if other.result.benchmark == CLEAN and same_model and len(other.records):
            subset = f"prediction_{result.benchmark}"
            column = subset if subset in other.records else "prediction"
            beside = beside_clean(each.records, result.score("top1"), other.records, column)
            scores = sorted([*result.scores, *beside], key=lambda score: not is_headline(score.condition))
            return replace(result, scores=scores)
    return result


def _with_set_beside(result: Result, each: Scored, scored: Sequence[Scored]) -> Result:
    """The result of a corruption set with the mean error of the set that it is compared with, where that was run too.

    Of the same photographs where these were generated; of stored sets, whatever photographs they hold.
    """
    other_set = distortion_set(result.benchmark).beside if result.benchmark in set_names() else ""
    mean = next((score for score in result.scores if score.metric == "mean_error" and not score.condition), None)
    if not other_set or mean is None:
        return result
    for other in scored:
        same_data = other.result.data in (result.data, other_set) or result.data == result.benchmark
        whole = not any(score.metric.endswith("_partial") for score in other.result.scores)
        if other.result.benchmark == other_set and _same_model(other.run, each.run) and same_data and whole:
            metric = f"{other_set.replace('-', '_')}_mean_error"
            beside = replace(other.result.score("mean_error"), metric=metric)
            after = [*result.scores].index(mean) + 1
            return replace(result, scores=[*result.scores[:after], beside, *result.scores[after:]])
    return result


def _with_transfers(result: Result, each: Scored, scored: Sequence[Scored]) -> Result:
    """The result with black-box runs of the same model on the same data compared, where it is a white-box one."""
    black = {
        other.run.run.surrogate.model: other.result.scores
        for other in scored
        if other.run.run.surrogate
        and other.run.run.surrogate.model != result.model
        and other.result.data == result.data
        and other.result.protocol == result.protocol
        and _same_model(other.run, each.run)
    }
    return replace(result, findings=with_transfers(result.findings, result.scores, black))


def _warnings(result: Result) -> tuple[str, ...]:
    counts = result.counts
    warnings = []
    if not result.scores:
        warnings.append("no sample was evaluated, so there is no score")
    elif not counts.complete:
        warnings.append(
            f"partial: {counts.evaluated:,} of {counts.expected:,} evaluated"
            + (f", {counts.failed:,} failed" if counts.failed else "")
        )
    released, samples = result.plan.released, result.run.data.samples
    if released and samples < released:
        warnings.append(f"a part of {result.data}: {samples:,} of the {released:,} images that were released")
    if result.data == "embedded":
        warnings.append("demo-sized: the embedded photographs are few and easy; a demonstration, not a benchmark")
    accuracy = _unexpected_accuracy(result)
    return tuple(warnings + ([accuracy] if accuracy else []))


def _unexpected_accuracy(result: Result) -> str | None:
    known = published_interval(result.model, result.benchmark, "top1")
    if result.benchmark != CLEAN or result.data != "imagenet" or known is None or not result.scores:
        return None
    top1: Score = result.score("top1")
    if top1.value is None or not disjoint(wilson(round(top1.value * top1.n), top1.n, SURE), known):
        return None
    published = f"{100 * known.low:.1f}" + (f" to {100 * known.high:.1f}" if known.high > known.low else "")
    return (
        f"top-1 is {100 * top1.value:.1f} on {top1.n:,} images, published is {published}: check the preprocessing "
        "(view), the weights and the labels before trusting any other number of this model"
    )
