"""Models of one or more output folders beside each other, benchmark by benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import EFFECTIVE, card_of
from hardiness.core import WITHDRAWN, ArgumentError, Result, UnknownNameError, from_json
from hardiness.results.comparisons.effective_robustness import against_references
from hardiness.results.comparisons.stored_baseline import stored_baseline
from hardiness.results.flips import MOST_KEPT, PairFlips, flips_of
from hardiness.results.measured import Measured, in_shared_cells, measured_runs
from hardiness.results.noise import Noise, stored_noise
from hardiness.results.runs import ScoredRun, differences
from hardiness.statistics import (
    BIN_SIZE,
    Compared,
    Consistency,
    DifferencePart,
    Disagreement,
    EffectiveRobustness,
    Measurable,
    adjusted,
    by_calibration,
    by_cell,
    by_cells,
    by_class,
    disagreements,
    error_consistency,
    pairs_tested,
    shared_images,
)
from hardiness.store import Store, StoredRun

SHOWN_IMAGES = 10


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
    """

    first: str
    second: str
    kappa: Consistency | None
    cells: tuple[DifferencePart, ...]
    parts: Mapping[str, Sequence[DifferencePart]]
    images: tuple[Disagreement, ...]


@dataclass(frozen=True)
class Side:
    """One of the two: its name, its run, and where the shared images stand among its own."""

    name: str
    run: Measured
    places: NDArray[np.int64]

    def right(self, columns: Sequence[int]) -> NDArray[np.bool_]:
        """``(N, M)`` whether each answer to the shared images is right."""
        return np.asarray(self.run.right[self.places][:, columns])

    def confidence(self, columns: Sequence[int]) -> NDArray[np.floating]:
        """``(N, M)`` of each answer to them."""
        return np.asarray(self.run.confidence[self.places][:, columns])


def pair_detail(first: Side, second: Side, ids: NDArray[Any]) -> PairDetail:
    """The detail of two models on the same images."""
    both = [condition for condition in first.run.conditions if condition in second.run.conditions]
    if not both:
        return PairDetail(first.name, second.name, None, (), {}, ())
    columns = [[side.run.conditions.index(condition) for condition in both] for side in (first, second)]
    right = [side.right(at) for side, at in zip((first, second), columns, strict=True)]
    sure = [side.confidence(at) for side, at in zip((first, second), columns, strict=True)]
    corrupted = [k for k, condition in enumerate(both) if "corruption" in condition]
    counted = corrupted or list(range(len(both)))
    wrong = [~side[:, counted] for side in right]
    parts: dict[str, Sequence[DifferencePart]] = {}
    if corrupted:
        weights = np.full(len(corrupted), 1 / len(corrupted))
        for key in ("corruption", "severity"):
            groups = [both[k].get(key, "") for k in corrupted]
            parts[key] = by_cells(wrong[0], wrong[1], weights, groups)
    apart = wrong[0].mean(axis=1) - wrong[1].mean(axis=1)
    parts["class"] = by_class(apart, first.run.label[first.places], namer=first.run.class_namer)
    if len(both) == 1 and len(apart) >= BIN_SIZE and all(side.any() for side in sure):
        parts["calibration"] = by_calibration((sure[0][:, 0], right[0][:, 0]), (sure[1][:, 0], right[1][:, 0]))
    return PairDetail(
        first.name,
        second.name,
        error_consistency(right[0], right[1]),
        tuple(by_cell(right[0], right[1], both)),
        parts,
        tuple(disagreements(ids, right[0], right[1], (sure[0], sure[1]))[:SHOWN_IMAGES]),
    )


@dataclass(frozen=True)
class BenchmarkComparison:
    """Several models on one benchmark.

    Attributes:
        benchmark, data: which.
        scores: by score.
        n: images that all share; 0 where they have images of their own.
        notes: what a person should know.
        details: of each pair; none where no image is shared.
        effective: of each model that was run on clean photographs too, where there is a line.
        protocol, variant: what tells it from others of the same benchmark and data, e.g. the surrogate of an attack.
        keys: of the runs, by model; empty where they are not known.
        flips: which answers differ, of every two models; without details of few models alone.
        doubts: by model, a word where the report on an attack does not stand by what the attack left.
    """

    benchmark: str
    data: str
    scores: tuple[Compared, ...]
    n: int
    notes: tuple[str, ...]
    details: tuple[PairDetail, ...]
    effective: tuple[EffectiveRobustness, ...] = ()
    protocol: str = ""
    variant: tuple[str, ...] = field(default=())
    keys: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    flips: tuple[PairFlips, ...] = ()

    def doubt_about(self, score: Compared, model: str) -> str:
        """That word where the score is of pictures under attack; else empty."""
        return self.doubts.get(model, "") if "epsilon" in score.condition else ""

    def doubt_about_pair(self, score: Compared, first: str, second: str) -> str:
        """What is said behind a difference that rests on such a number, e.g. ``of a withdrawn number``."""
        words = {self.doubt_about(score, name) for name in (first, second)} - {""}
        if not words:
            return ""
        return "of a withdrawn number" if WITHDRAWN in words else "of a number not checked"

    def sentences(self) -> list[str]:
        """A sentence for every two models: whether their scores differ, and how many of their answers do."""
        return [pair.sentence(self._scores_differ(pair)) for pair in self.flips]

    def _scores_differ(self, pair: PairFlips) -> bool | None:
        """Whether the first score tells two models apart; ``None`` where there is none of both."""
        for score in self.scores:
            for each in ((pair.first, pair.second), (pair.second, pair.first)):
                if each in score.pairs and score.pairs[each].interval is not None:
                    return score.is_told_apart(each)
        return None

    @property
    def heading(self) -> str:
        """What was compared, in a line."""
        images = f"{self.n:,} images that all share" if self.n else "different photographs: unpaired"
        return ", ".join([f"{self.benchmark} on {self.data}", *self.variant, images])


_Group = tuple[str, str, str, tuple[str, ...]]
"""What only runs of one table agree in: benchmark, data, protocol, and the card's variant."""


def compare_stores(
    stores: Sequence[Store],
    models: Sequence[str] = (),
    *,
    details: bool = True,
    baseline_model: str | None = None,
    kept: Sequence[BenchmarkComparison] = (),
) -> list[BenchmarkComparison]:
    """Models beside each other on every benchmark that two of them were run on.

    Runs of different protocols, surrogates or norms are never put together.

    Args:
        stores: output folders; a model that several hold is told apart by the folder's name.
        models: which ones, in the order in which they are shown; all if empty.
        details: also what is said of single pairs, which takes most of the time where there are many models.
        baseline_model: a model whose stored runs ratios divide by, instead of the published baseline.
        kept: comparisons of the same runs, whose scores are not made again.

    Raises:
        UnknownNameError: a model was not run.
        ArgumentError: no benchmark has two models, or the baseline model has no stored run to divide by.
    """
    groups: dict[_Group, dict[str, StoredRun]] = {}
    known: dict[str, None] = {}
    for name, run in _named(stores):
        plain = run.run.model.name
        known |= {name: None, plain: None}
        if not models or name in models or plain in models:
            groups.setdefault(_group(run), {})[name] = run
    for model in models:
        if model not in known:
            raise UnknownNameError("model to compare", model, known)
    noises, base = stored_noise(stores), stored_baseline(stores, baseline_model) if baseline_model else None
    chosen: dict[str, None] = {}
    compared_ = []
    scores = {(each.benchmark, each.data, each.protocol, each.variant): each.scores for each in kept}
    for key, stored in sorted(groups.items()):
        runs = measured_runs(_ordered(stored, models), tables=details, base=base)
        chosen |= dict.fromkeys(runs)
        if len(runs) > 1:
            keys = {name: run.key for name, run in runs.items()}
            flips = _flips({name: stored[name] for name in runs}) if details or len(runs) <= MOST_KEPT else ()
            compared_.append(replace(_compared(key, runs, noises, details, scores.get(key)), keys=keys, flips=flips))
    if not compared_:
        raise ArgumentError(
            f"a comparison needs two models that were run on one benchmark, had {', '.join(chosen) or 'none'}"
        )
    return compared_


def with_effective_robustness(
    found: BenchmarkComparison, results: Sequence[Result], stores: Sequence[Store], references: Sequence[str] = ()
) -> BenchmarkComparison:
    """The comparison with what clean accuracy does not explain of each model, or a note on why nothing is said.

    Args:
        found: of one benchmark.
        results: of all runs of the folders, which hold it by the published lines.
        stores: the folders.
        references: models of one's own that the line goes through instead.
    """
    if references:
        runs = [ScoredRun(run, card_of(run.run)) for store in stores for run in store.runs()]
        effective, notes = against_references(runs, found.keys, references)
        return replace(found, effective=tuple(effective), notes=(*found.notes, *notes))
    by_key, told, reasons = {result.key: result for result in results}, [], []
    for name, key in found.keys.items():
        kept = by_key[key].details.get(EFFECTIVE.name) if key in by_key else None
        if kept:
            told.append(replace(from_json(EffectiveRobustness, kept, EFFECTIVE.name), model=name))
        scores = by_key[key].scores if key in by_key else ()
        reasons += [
            f"{name}: no effective robustness: {s.reason}" for s in scores if s.metric == EFFECTIVE.name and s.reason
        ]
    return replace(found, effective=tuple(told), notes=(*found.notes, *reasons))


def _flips(runs: Mapping[str, StoredRun]) -> tuple[PairFlips, ...]:
    return flips_of({name: ScoredRun(run, card_of(run.run)) for name, run in runs.items()})


def _group(run: StoredRun) -> _Group:
    identity = run.run
    variant = card_of(identity).variant(identity)
    return identity.benchmark.name, identity.data.name, identity.benchmark.protocol, variant


def _named(stores: Sequence[Store]) -> list[tuple[str, StoredRun]]:
    """Every run under a name that no other run of its table has: with its folder, its precision, and what else tells
    it apart where they are needed."""
    folders = [store.address.rstrip("/").rpartition("/")[2] for store in stores]
    if len(set(folders)) < len(folders):
        folders = [store.address.rstrip("/") for store in stores]
    found: list[tuple[str, StoredRun]] = []
    for folder, store in zip(folders, stores, strict=True):
        runs = list(store.runs())
        groups: dict[_Group, list[StoredRun]] = {}
        for run in runs:
            groups.setdefault(_group(run), []).append(run)
        texts: dict[str, str] = {}
        for group in groups.values():
            told = differences([r.run for r in group], [r.key for r in group], [r.measured for r in group])
            texts |= {run.path: text for run, text in zip(group, told, strict=True)}
        for run in runs:
            name = f"{run.run.model.name} ({texts[run.path]})" if texts[run.path] else run.run.model.name
            name += run.run.model.mark
            name += "" if run.run.precision == "fp32" else f" ({run.run.precision})"
            found.append((name if len(stores) == 1 or name == folder else f"{folder}/{name}", run))
    return found


def _ordered(runs: Mapping[str, StoredRun], models: Sequence[str]) -> dict[str, StoredRun]:
    """The runs in the order in which their models were asked for."""

    def place(name: str) -> int:
        asked = [k for k, model in enumerate(models) if model in (name, runs[name].run.model.name)]
        return asked[0] if asked else 0

    return {name: runs[name] for name in sorted(runs, key=place)}


def _compared(
    group: _Group,
    runs: Mapping[str, Measured],
    noises: Mapping[str, Noise],
    detailed: bool,
    known: Sequence[Compared] | None,
) -> BenchmarkComparison:
    benchmark, data, protocol, variant = group
    drawn = any(run.drawn for run in runs.values())
    if drawn:
        runs, detailed = in_shared_cells(runs), False
    ids = shared_images({name: run.ids for name, run in runs.items()})
    notes = ["images have some random cells each: compared on the cells of each image that all have, without details"]
    notes = notes if drawn else []
    notes += [_left_out(name, run) for name, run in runs.items() if run.left_out or run.failed]
    scores = [score for score in next(iter(runs.values())).scores if all(_same(score, run) for run in runs.values())]
    if not len(ids):
        notes.append("the models share no image: they are compared as on different photographs, which tells far less")
    for name, run in runs.items() if len(ids) else ():
        if len(run.ids) > len(ids):
            notes.append(f"{name}: {len(ids):,} of {len(run.ids):,} images are shared, and only those are compared")
    found = tuple(known) if known is not None else _scores(scores, runs, ids, noises)
    sides = [Side(name, run, np.searchsorted(run.ids, ids)) for name, run in runs.items()]
    detailed = detailed and len(ids) > 0
    details = tuple(pair_detail(first, second, ids) for first, second in combinations(sides, 2) if detailed)
    return BenchmarkComparison(benchmark, data, found, len(ids), tuple(notes), details, (), protocol, variant)


def _scores(
    scores: Sequence[Measurable], runs: Mapping[str, Measured], ids: NDArray[Any], noises: Mapping[str, Noise]
) -> tuple[Compared, ...]:
    """The models by each score, every difference adjusted for all pairs and scores; on the shared images, if any."""
    found, tests = [], []
    for score in scores:
        estimates, lacks, noise = {}, {}, {}
        for name, run in runs.items():
            estimates[name], lacks[name] = run.estimate(_same(score, run)[0], ids if len(ids) else run.ids)
            if run.key in noises and (least := noises[run.key].least(score.metric, score.condition))[0] > 0:
                noise[name] = least
        tests.append(pairs_tested(estimates, score.span, lacks))
        values = {name: each.value for name, each in estimates.items()}
        title = next(iter(runs.values())).title(score)
        found.append(
            Compared(score.metric, score.higher_is_better, values, {}, len(ids), score.condition, title, noise)
        )
    return tuple(replace(each, pairs=pairs) for each, pairs in zip(found, adjusted(tests), strict=True))


def _left_out(name: str, run: Measured) -> str:
    """What is said of images that are not compared."""
    count, why = (run.left_out, "lack") if run.left_out else (run.failed, "could not be evaluated")
    if count == 1:
        return f"{name}: 1 image {'lacks a condition' if run.left_out else why} and is left out"
    return f"{name}: {count:,} images {'lack a condition' if run.left_out else why} and are left out"


def _same(score: Measurable, run: Measured) -> list[Measurable]:
    """The run's score of that name and condition; none or one."""
    return [each for each in run.scores if (each.metric, each.condition) == (score.metric, score.condition)]
