"""Models of one or more output folders beside each other, benchmark by benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import variant_of
from hardiness.benchmarks.operating_limits import is_of_level
from hardiness.benchmarks.shares import EFFECTIVE
from hardiness.core.codes import Lack, RunRemark
from hardiness.core.columns import ColumnSource
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact, Trust, lines_of
from hardiness.core.forms import from_json, json_field, json_form
from hardiness.core.result import ClustersOfResult
from hardiness.metrics.declaration import registry
from hardiness.results.clustered import few_clusters
from hardiness.results.comparisons.effective_robustness import against_references
from hardiness.results.dependence import dependent_pictures
from hardiness.results.equivalence import EquivalenceMargin, PairEquivalence, equivalences_of
from hardiness.results.flips import MOST_KEPT, PairFlips, flips_of, unmatched_answers
from hardiness.results.folder import Folder
from hardiness.results.measured import (
    RunByImage,
    has_measurables,
    in_shared_cells,
    measured_runs,
    measures_of,
    why_not_measured,
)
from hardiness.results.metric_scores import code_of_own_metrics, column_digests
from hardiness.results.noise import Noise
from hardiness.results.pair_scores import PairScore, pair_scores_of
from hardiness.results.run_names import differences
from hardiness.results.runs import ScoredRun, digest_of
from hardiness.results.same_rows import earlier_of, same_run, twins_of
from hardiness.results.shared_clusters import clusters_of_runs
from hardiness.results.slice_comparison import SlicedDifference, sliced_differences
from hardiness.results.stored_baseline import StoredBaseline
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import Difference, ScoreComparison, adjust_differences, pairs_tested, shared_images
from hardiness.statistics.confidence import BIN_SIZE
from hardiness.statistics.decomposition import (
    DifferencePart,
    Disagreement,
    by_calibration,
    by_cell,
    by_cells,
    by_class,
    disagreements,
)
from hardiness.statistics.effective_robustness import EffectiveRobustness
from hardiness.statistics.kappa import Consistency, error_consistency
from hardiness.statistics.measures import Measurable, WeightedSum

SHOWN_IMAGES = 10

ERRORS = "mean error"
"""The number whose difference has parts, where answers are right or wrong."""


@dataclass(frozen=True)
class PairDetail:
    """Two models on the same images, in detail.

    Attributes:
        first, second: which.
        kappa: how far they err on the same images, over all conditions; ``None`` where nothing is right or wrong.
        cells: errors by condition.
        parts: of the difference of mean errors, by ``corruption``, ``severity`` and ``class``; of the difference of the
            Brier scores of the confidence, by ``calibration``, where there is one condition.
        images: where they differ, most telling first.
        number: whose difference ``parts`` are of.
    """

    first: str
    second: str
    kappa: Consistency | None
    cells: tuple[DifferencePart, ...]
    parts: Mapping[str, Sequence[DifferencePart]]
    images: tuple[Disagreement, ...]
    number: str = ERRORS


@dataclass(frozen=True)
class Side:
    """One of two compared models: its name, its run, and the indices of the shared images among its own."""

    name: str
    run: RunByImage
    places: NDArray[np.int64]

    def right(self, columns: Sequence[int]) -> NDArray[np.bool_]:
        """``(N, M)`` whether each answer to the shared images is right."""
        return np.asarray(self.run.right[self.places][:, columns])

    def confidence(self, columns: Sequence[int]) -> NDArray[np.floating]:
        """``(N, M)`` of each answer to them."""
        return np.asarray(self.run.confidence[self.places][:, columns])


def pair_detail(first: Side, second: Side, ids: NDArray[Any], clusters: Clusters | None = None) -> PairDetail:
    """The detail of two models on the same images, which come in clusters, or each stand alone."""
    both = [condition for condition in first.run.conditions if condition in second.run.conditions]
    if not both:
        return PairDetail(first.name, second.name, None, (), {}, ())
    columns = [[side.run.conditions.index(condition) for condition in both] for side in (first, second)]
    one, other = first.run.score, second.run.score
    if one is not None and other is not None:
        codes = None if clusters is None else clusters.codes_of(ids)
        scores = one[first.places][:, columns[0]], other[second.places][:, columns[1]]
        return _detail_of_scores(first.name, second.name, both, scores, codes)
    right = [side.right(at) for side, at in zip((first, second), columns, strict=True)]
    sure = [side.confidence(at) for side, at in zip((first, second), columns, strict=True)]
    corrupted = [k for k, condition in enumerate(both) if "corruption" in condition]
    counted = corrupted or list(range(len(both)))
    wrong, codes = [~side[:, counted] for side in right], None if clusters is None else clusters.codes_of(ids)
    parts: dict[str, Sequence[DifferencePart]] = {}
    if corrupted:
        weights = np.full(len(corrupted), 1 / len(corrupted))
        for key in ("corruption", "severity"):
            groups = [both[k].get(key, "") for k in corrupted]
            parts[key] = by_cells(wrong[0], wrong[1], weights, groups, codes)
    image_differences = wrong[0].mean(axis=1) - wrong[1].mean(axis=1)
    label, namer = first.run.label[first.places], first.run.class_namer
    parts["class"] = by_class(image_differences, label, namer=namer, codes=codes)
    if len(both) == 1 and len(image_differences) >= BIN_SIZE and all(side.any() for side in sure):
        parts["calibration"] = by_calibration((sure[0][:, 0], right[0][:, 0]), (sure[1][:, 0], right[1][:, 0]), codes)
    kappa = error_consistency(right[0], right[1])
    return PairDetail(
        first.name,
        second.name,
        kappa if clusters is None else kappa.without_intervals(Fact(Lack.CLUSTERS_AND_KAPPA)),
        tuple(by_cell(right[0], right[1], both, codes)),
        parts,
        tuple(disagreements(ids, right[0], right[1], (sure[0], sure[1]))[:SHOWN_IMAGES]),
    )


def _detail_of_scores(
    first: str,
    second: str,
    both: Sequence[Condition],
    scores: tuple[NDArray[np.floating], NDArray[np.floating]],
    codes: NDArray[np.int64] | None,
) -> PairDetail:
    """The detail of two models whose pictures have scores: their difference by condition, and its parts by key."""
    disturbed = [k for k, condition in enumerate(both) if condition]
    parts: dict[str, Sequence[DifferencePart]] = {}
    for key in dict.fromkeys(key for condition in both for key in condition):
        groups = [both[k].get(key, "") for k in disturbed]
        if len(set(groups)) > 1:
            weights = np.full(len(disturbed), 1 / len(disturbed))
            parts[key] = by_cells(scores[0][:, disturbed], scores[1][:, disturbed], weights, groups, codes)
    by_condition = by_cells(*scores, np.ones(len(both)), range(len(both)), codes)
    cells = tuple(replace(part, name=condition) for part, condition in zip(by_condition, both, strict=True))
    return PairDetail(first, second, None, cells, parts, (), "mean score")


@dataclass(frozen=True)
class BenchmarkComparison:
    """Several models on one benchmark.

    Attributes:
        benchmark, data: which.
        scores: by score.
        n: images that all share; 0 where they have images of their own.
        notes: what a person should know.
        details: of each pair; none where no image is shared.
        effective: by model, of each that was run on clean photographs too, where there is a line.
        protocol, variant: what tells it from others of the same benchmark and data, e.g. the surrogate of an attack.
        keys: of the runs, by model; empty where they are not known.
        flips: which answers differ, of every two models; without details of few models alone.
        doubts: by model, a word where the report on an attack does not stand by what the attack left.
        pair_scores: of every two models, by metrics of somebody's own of two runs; where there are flips.
        slices: of every two models by the values of columns of the pictures, where these were asked for; never kept.
        clusters: that the images come in, over which all intervals and p-values are; ``None`` where each stands alone.
        equivalences: the verdict on every two models by each score within a margin, where one was stated; never kept.
    """

    benchmark: str
    data: str
    scores: tuple[ScoreComparison, ...]
    n: int
    notes: tuple[Fact, ...]
    details: tuple[PairDetail, ...] = ()
    effective: Mapping[str, EffectiveRobustness] = field(default_factory=dict)
    protocol: str = ""
    variant: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    flips: tuple[PairFlips, ...] = ()
    pair_scores: tuple[PairScore, ...] = ()
    slices: tuple[SlicedDifference, ...] = field(default=(), metadata=json_field(never=True))
    clusters: ClustersOfResult | None = None
    equivalences: tuple[PairEquivalence, ...] = field(default=(), metadata=json_field(never=True))

    def doubt_about(self, score: ScoreComparison, model: str) -> str:
        """The word of doubt where the score is of pictures under attack, as a registered metric's is; else empty."""
        is_under_attack = "epsilon" in score.condition or score.metric in registry
        return self.doubts.get(model, "") if is_under_attack else ""

    def doubt_about_pair(self, score: ScoreComparison, first: str, second: str) -> str:
        """The remark behind a difference that rests on such a number, e.g. ``of a withdrawn number``."""
        words = {self.doubt_about(score, name) for name in (first, second)} - {""}
        if not words:
            return ""
        number = {
            Trust.WITHDRAWN: "a withdrawn number",
            Trust.NOT_CHECKED: "a number not checked",
            Trust.UPPER_BOUND: "an upper bound",
        }
        return f"of {next(text for doubt, text in number.items() if doubt in words)}"

    @property
    def heading(self) -> str:
        """The benchmark, data and images of the comparison, in a line."""
        images = f"{self.n:,} images that all share" if self.n else "different photographs: unpaired"
        images += f" in {self.clusters.text}" if self.clusters else ""
        return ", ".join([f"{self.benchmark} on {self.data}", *self.variant, images])

    def with_effective_robustness(self, folder: Folder, references: Sequence[str] = ()) -> BenchmarkComparison:
        """The comparison with what clean accuracy does not explain of each model, or a note on why nothing is said.

        Args:
            folder: of the runs, whose results hold it by the published lines.
            references: models of one's own that the line goes through instead.
        """
        by_key, robustness, reasons = {result.key: result for result in folder.results}, {}, []
        if self.clusters:
            if references or any(EFFECTIVE.name in by_key[key].details for key in self.keys.values() if key in by_key):
                note = Fact(RunRemark.NO_EFFECTIVE, {"why": Fact(Lack.CLUSTERS_AND_LINE)})
                return replace(self, notes=(*self.notes, note))
            return self
        if references:
            effective, notes = against_references(folder.whole, self.keys, references)
            return replace(self, effective=effective, notes=(*self.notes, *notes))
        for name, key in self.keys.items():
            form = by_key[key].details.get(EFFECTIVE.name) if key in by_key else None
            if form:
                robustness[name] = from_json(EffectiveRobustness, form, EFFECTIVE.name)
            scores = by_key[key].scores if key in by_key else ()
            reasons += [
                Fact(RunRemark.NO_EFFECTIVE, {"why": s.lack}, name)
                for s in scores
                if s.metric == EFFECTIVE.name and s.value is None
            ]
        return replace(self, effective=robustness, notes=(*self.notes, *reasons))


TableKey = tuple[str, str, str, tuple[str, ...]]
"""Facts that only runs of one table agree in: benchmark, data, protocol, and the card's variant."""


def compare_runs(
    folder: Folder, models: Sequence[str] = (), *, details: bool = True, within: EquivalenceMargin | None = None
) -> list[BenchmarkComparison]:
    """Models beside each other on every benchmark that two of them were run on.

    Runs of different protocols, surrogates or norms are never put together. All but details is kept beside the first
    run of each benchmark, and is then of the same rows, noise and baseline; where clusters are asked for nothing that
    is kept is taken, which is of pictures that stand alone.

    Args:
        folder: the stored runs; a model of several output folders is told apart by the folder's name.
        models: which ones, in the order in which they are shown; all if empty.
        details: also what is said of single pairs, which takes most of the time where there are many models.
        within: the margin of verdicts of equivalence; ``None`` for none.

    Raises:
        UnknownNameError: a model was not run.
        ArgumentError: no benchmark has two models, or the baseline model has no stored run to divide by; or clusters
            are asked for, and pictures lack the column, or two runs say otherwise of one.
    """
    groups = runs_by_table(folder, models)
    comparisons = _comparisons(groups, folder, models, details, within)
    if not comparisons:
        places: dict[str, list[str]] = {}
        reasons: dict[str, None] = {}
        for (benchmark, data, *_), runs in groups.items():
            measured = measured_runs(runs, tables=False, base=folder.baseline)
            for name in measured:
                places.setdefault(name, []).append(f"{benchmark} on {data}")
            reasons |= {
                f"{benchmark}: {why_not_measured(run)}": None for name, run in runs.items() if name not in measured
            }
        several = len(places) > 1
        lines = [f"{name} ({', '.join(where)})" if several else name for name, where in places.items()]
        reasons |= dict.fromkeys(lines_of(folder.problems))
        copies = len(folder.alone) < len(folder.stored)
        if reasons and not places:
            raise ArgumentError(f"nothing can be compared: {'; '.join(reasons)}")
        raise ArgumentError(
            "a comparison needs two models that were run on one benchmark and the same data, had "
            f"{'; '.join([*lines, *reasons]) or 'none'}{' (a run that several folders hold is one)' if copies else ''}"
        )
    return comparisons


def not_comparable(folder: Folder, models: Sequence[str] = ()) -> list[str]:
    """Names of benchmarks that two of the models were run on and whose cards give nothing to compare by."""
    groups = runs_by_table(folder, models)
    several = {benchmark: next(iter(runs.values())) for (benchmark, *_), runs in groups.items() if len(runs) > 1}
    return [benchmark for benchmark, run in sorted(several.items()) if not has_measurables(run)]


def kept_comparisons(folder: Folder, *, details: bool = False) -> list[BenchmarkComparison]:
    """Comparisons of all models, usually without details; none of fewer than two models, whose rows are not read."""
    with suppress(ArgumentError):  # the baseline model has no stored run
        return _comparisons(runs_by_table(folder), folder, (), details)
    return []


def runs_by_table(folder: Folder, models: Sequence[str] = ()) -> dict[TableKey, dict[str, ScoredRun]]:
    """The runs of some models, or of all, by what only runs of one table agree in, then by name.

    Raises:
        UnknownNameError: a model was not run.
        ArgumentError: no run's pictures have a column that is asked for.
    """
    groups: dict[TableKey, dict[str, ScoredRun]] = {}
    names: dict[str, None] = {}
    for name, run in _named(folder):
        plain = run.stored.run.model.name
        names |= {name: None, plain: None}
        if (not models or name in models or plain in models) and not run.refusal:
            groups.setdefault(_group(run), {})[name] = run
    for model in models:
        if model not in names:
            raise UnknownNameError("model to compare", model, names)
    return groups


def _comparisons(
    groups: Mapping[TableKey, Mapping[str, ScoredRun]],
    folder: Folder,
    models: Sequence[str],
    details: bool,
    within: EquivalenceMargin | None = None,
) -> list[BenchmarkComparison]:
    noises, base = folder.noises, folder.baseline
    comparisons = []
    for key, runs in sorted(groups.items()):
        distinct, notes = without_twins(in_order(runs, models))
        if len(distinct) < 2:  # one run under two names alone: equal by making, which the notes say
            distinct = in_order(runs, models)
        if len(distinct) > 1 and (comparison := _comparison(key, distinct, noises, base, details, within)) is not None:
            comparisons.append(replace(comparison, notes=(*notes, *comparison.notes)))
    return comparisons


"""The words between the second name of a run and its first, in the note that says so."""


def without_twins(runs: Mapping[str, ScoredRun]) -> tuple[dict[str, ScoredRun], list[Fact]]:
    """The runs, of each that stands under two names the first, and a fact for each that is left out.

    Left out are runs of earlier code, too.
    """
    names, identities = list(runs), [run.stored.run for run in runs.values()]
    twins, earlier = twins_of(identities), earlier_of(identities)
    lines = [
        same_run(identities[later], identities[first], names[first], names[later]) for later, first in twins.items()
    ]
    lines += [Fact(RunRemark.EARLIER_CODE, about=names[place]) for place in earlier]
    return {name: run for place, (name, run) in enumerate(runs.items()) if place not in {**twins, **earlier}}, lines


def _group(run: ScoredRun) -> TableKey:
    identity = run.stored.run
    variant = variant_of(identity)
    return identity.benchmark.name, identity.data.name, identity.benchmark.protocol, variant


def _named(folder: Folder) -> list[tuple[str, ScoredRun]]:
    """Every run under a name that no other run of its table has.

    It is the model's, with its folder, its precision, and what else tells it apart where they are needed.
    """
    addresses = [store.address for store in folder.stores]
    names = [address.rstrip("/").rpartition("/")[2] for address in addresses]
    if len(set(names)) < len(names):
        names = [address.rstrip("/") for address in addresses]
    runs_by_place: dict[str, list[ScoredRun]] = {}
    for run in folder.whole:
        runs_by_place.setdefault(run.stored.files.address, []).append(run)
    named_runs: list[tuple[str, ScoredRun]] = []
    for address, place in zip(addresses, names, strict=True):
        runs = runs_by_place.get(address, [])
        groups: dict[TableKey, list[ScoredRun]] = {}
        for run in runs:
            groups.setdefault(_group(run), []).append(run)
        texts: dict[str, str] = {}
        for group in groups.values():
            stored = [run.stored for run in group]
            differing = differences([r.run for r in stored], [r.key for r in stored], [r.measured for r in stored])
            texts |= {run.key: text for run, text in zip(stored, differing, strict=True)}
        for run in runs:
            model, text, precision = run.stored.run.model, texts[run.stored.key], run.stored.run.precision
            name = f"{model.name} ({text})" if text else model.name
            name += model.mark
            name += "" if precision == "fp32" else f" ({precision})"
            named_runs.append((name if folder.is_one_place or name == place else f"{place}/{name}", run))
    return named_runs


def in_order(runs: Mapping[str, ScoredRun], models: Sequence[str]) -> dict[str, ScoredRun]:
    """The runs in the order in which their models were asked for, else in that in which they were first begun."""

    def place(name: str) -> int:
        places = [k for k, model in enumerate(models) if model in (name, runs[name].stored.run.model.name)]
        return places[0] if places else 0

    return {name: runs[name] for name in sorted(runs, key=lambda name: (place(name), runs[name].stored.begun()))}


def _comparison(
    group: TableKey,
    runs: Mapping[str, ScoredRun],
    noises: Mapping[str, Noise],
    base: StoredBaseline | None,
    detailed: bool,
    within: EquivalenceMargin | None,
) -> BenchmarkComparison | None:
    """The runs of one table beside each other; ``None`` where fewer than two can be compared."""
    few = len(runs) <= MOST_KEPT
    measured = cache(lambda: measured_runs(runs, tables=detailed or few, base=base))
    clusters, sources = clusters_of_runs(runs)

    def compute() -> BenchmarkComparison | None:
        if len(measured()) < 2:
            return None
        keys = {name: run.key for name, run in measured().items()}
        compared = replace(_compared(group, measured(), noises, clusters, sources), keys=keys)
        return with_pairs(compared) if few else compared

    def with_pairs(compared: BenchmarkComparison) -> BenchmarkComparison:
        pairs = {name: runs[name] for name in measured()}
        return replace(compared, flips=flips_of(pairs, clusters), pair_scores=pair_scores_of(pairs, clusters))

    comparison = _kept(runs, noises, base, compute) if clusters is None else compute()
    if comparison is None:
        return None
    remarks = dict.fromkeys(line for run in runs.values() for line in run.column_remarks)
    facts = (*_at_targets(runs), *_of_sizes(runs), *unmatched_answers(runs), *remarks)
    comparison = replace(comparison, notes=(*comparison.notes, *facts, *dependent_pictures(runs.values())))
    if detailed:
        comparison = replace(comparison, details=_details(measured(), clusters))
        comparison = comparison if few else with_pairs(comparison)
    if next(iter(runs.values())).grouping.slices:
        comparison = replace(comparison, slices=_sliced(runs, measured(), base, every_score=few))
    if within is not None:
        comparison = replace(comparison, equivalences=equivalences_of(measured(), clusters, within))
    for run in runs.values():
        run.save()
        run.release()
    return comparison


def _sliced(
    runs: Mapping[str, ScoredRun], measured: Mapping[str, RunByImage], base: StoredBaseline | None, *, every_score: bool
) -> tuple[SlicedDifference, ...]:
    """Every two models by slices of the pictures that all share; of many models by the first score alone."""
    ids = shared_images({name: run.ids for name, run in measured.items()})
    if not len(ids) or any(run.drawn for run in measured.values()):
        return ()
    first = next(iter(measured.values()))
    scores = [score for score in first.scores if all(run.counterparts(score) for run in measured.values())]
    return sliced_differences(
        {name: runs[name] for name in measured},
        ids,
        scores if every_score else scores[:1],
        lambda run: measures_of(run, base),
    )


def _kept(
    runs: Mapping[str, ScoredRun],
    noises: Mapping[str, Noise],
    base: StoredBaseline | None,
    compute: Callable[[], BenchmarkComparison | None],
) -> BenchmarkComparison | None:
    """The comparison of pictures that stand alone as it was kept beside the first run, or computed now and kept."""
    first = min(runs.values(), key=lambda run: run.stored.key)
    noise = [json_form(noises[run.stored.key]) for run in runs.values() if run.stored.key in noises]
    name = f"comparison {digest_of([[name, run.stored.key] for name, run in runs.items()])}"
    divisors = base and [base.of_run(run) for run in runs.values()]
    columns = [column_digests(run) for run in runs.values()]
    of_columns = [columns] if any(columns) else []
    origin = digest_of([[run.digest for run in runs.values()], noise, divisors, *code_of_own_metrics(), *of_columns])
    form = first.memo.value(name if base is None else f"{name} {base.model}", origin, lambda: json_form(compute()))
    return None if form is None else from_json(BenchmarkComparison, form, "the comparison")


def _compared(
    group: TableKey,
    runs: Mapping[str, RunByImage],
    noises: Mapping[str, Noise],
    clusters: Clusters | None,
    sources: tuple[ColumnSource, ...],
) -> BenchmarkComparison:
    """The comparison without the details of single pairs."""
    benchmark, data, protocol, variant = group
    notes: list[Fact] = []
    if (
        not all(run.run.model.has_answers for run in runs.values())
        and len({run.conditions for run in runs.values()}) > 1
    ):
        runs = in_shared_cells(runs)
        notes = [Fact(RunRemark.UNLIKE_CONDITIONS, {"drawn": False})]
    if any(run.drawn for run in runs.values()):
        runs = in_shared_cells(runs)
        notes = [Fact(RunRemark.UNLIKE_CONDITIONS, {"drawn": True})]
    ids = shared_images({name: run.ids for name, run in runs.items()})
    notes += [_left_out(name, run) for name, run in runs.items() if run.left_out or run.failed]
    scores = [
        score for score in next(iter(runs.values())).scores if all(run.counterparts(score) for run in runs.values())
    ]
    if not len(ids):
        notes.append(Fact(RunRemark.NO_SHARED_IMAGE))
    for name, run in runs.items() if len(ids) else ():
        if len(run.ids) > len(ids):
            notes.append(Fact(RunRemark.SHARED_IMAGES, {"shared": len(ids), "images": len(run.ids)}, name))
    which = None
    if clusters is not None:
        pictures = ids if len(ids) else clusters.ids
        clusters = clusters.among(pictures)
        which = ClustersOfResult(clusters.name, clusters.count(), len(pictures), sources)
        notes += [*few_clusters(which.clusters, which.column), *_without_noise(runs, noises)]
    by_score = _scores(scores, runs, ids, {} if clusters is not None else noises, clusters)
    notes += hidden_losses((score.title, pair) for score in by_score for pair in score.pairs.values())
    return BenchmarkComparison(
        benchmark, data, by_score, len(ids), tuple(notes), protocol=protocol, variant=variant, clusters=which
    )


def _without_noise(runs: Mapping[str, RunByImage], noises: Mapping[str, Noise]) -> Iterator[Fact]:
    """The remark that measured noise is left out, which was measured on pictures that stand alone."""
    if any(run.key in noises for run in runs.values()):
        yield Fact(RunRemark.NOISE_LEFT_OUT)


def _of_sizes(runs: Mapping[str, ScoredRun]) -> Iterator[Fact]:
    """A fact where some models were shown pictures that were corrupted at their own size, and others on a canvas."""
    runs = {name: run for name, run in runs.items() if not is_of_level(run.stored.run)}
    is_corrupted = any("corruption" in cell for run in runs.values() for cell in run.stored.run.conditions)
    whole = [name for name, run in runs.items() if run.stored.run.shows_whole_pictures]
    others = [name for name in runs if name not in whole]
    if is_corrupted and whole and others:
        yield Fact(RunRemark.OWN_SIZE, {"whole": tuple(whole), "others": tuple(others)})


def _at_targets(runs: Mapping[str, ScoredRun]) -> Iterator[Fact]:
    """The remark that differences are looked at once, where runs were stopped at a target that may be made smaller."""
    stops = {name: run.stop() for name, run in runs.items()}
    if names := [name for name, stop in stops.items() if stop and stop.precision_target is not None]:
        yield Fact(RunRemark.AT_TARGET, {"models": tuple(names)})


def _details(runs: Mapping[str, RunByImage], clusters: Clusters | None) -> tuple[PairDetail, ...]:
    """The details of every two models; none where no image is shared, or each has random cells of its own.

    Nor where what is compared is no mean of the images' scores, as a ratio of sums is none: details are of such means.
    """
    ids = shared_images({name: run.ids for name, run in runs.items()})
    if not len(ids) or any(run.drawn for run in runs.values()):
        return ()
    if any(run.score is not None and not isinstance(run.scores[0], WeightedSum) for run in runs.values()):
        return ()
    sides = [Side(name, run, np.searchsorted(run.ids, ids)) for name, run in runs.items()]
    return tuple(pair_detail(first, second, ids, clusters) for first, second in combinations(sides, 2))


def _scores(
    scores: Sequence[Measurable],
    runs: Mapping[str, RunByImage],
    ids: NDArray[Any],
    noises: Mapping[str, Noise],
    clusters: Clusters | None,
) -> tuple[ScoreComparison, ...]:
    """The models by each score, every difference adjusted for all pairs and scores; on the shared images, if any."""
    comparisons, tests = [], []
    for score in scores:
        estimates, lacks, noise = {}, {}, {}
        for name, run in runs.items():
            estimates[name], lacks[name] = run.estimate(run.counterparts(score)[0], ids if len(ids) else run.ids)
            if run.key in noises and (least := noises[run.key].least(score.metric, score.condition))[0] > 0:
                noise[name] = least
        tests.append(pairs_tested(estimates, score.span, lacks, clusters))
        values = {name: each.value for name, each in estimates.items()}
        first = next(iter(runs.values()))
        title, unit = first.title(score), first.unit(score)
        comparisons.append(
            ScoreComparison(
                score.metric,
                score.higher_is_better,
                values,
                {},
                len(ids),
                score.condition,
                title,
                noise,
                unit,
                0 if clusters is None else clusters.count(),
            )
        )
    return tuple(replace(each, pairs=pairs) for each, pairs in zip(comparisons, adjust_differences(tests), strict=True))


def hidden_losses(differences: Iterable[tuple[str, Difference]]) -> list[Fact]:
    """Facts on the losses that intervals of differences do not protect against, each with all scores that it is of.

    Args:
        differences: each with the title of its score.
    """
    titles: dict[tuple[int, bool], dict[str, None]] = {}
    for title, difference in differences:
        if difference.can_hide_losses:
            units = difference.clusters or difference.n, bool(difference.clusters)
            titles.setdefault(units, {})[title] = None
    return [
        Fact(RunRemark.HIDDEN_LOSSES, {"scores": tuple(of_units), "n": n, "of_clusters": of_clusters})
        for (n, of_clusters), of_units in titles.items()
    ]


def _left_out(name: str, run: RunByImage) -> Fact:
    """The fact that images are not compared, because they lack a condition or could not be evaluated."""
    arguments = {"images": run.left_out or run.failed, "lack_a_condition": bool(run.left_out)}
    return Fact(RunRemark.LEFT_OUT, arguments, name)
