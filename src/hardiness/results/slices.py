"""The scores of a stored run by slices of its pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import card_of
from hardiness.benchmarks.galleries import KEPT, galleries_kept, mistakes_among
from hardiness.core.codes import Lack, RunRemark
from hardiness.core.columns import SliceOfPictures
from hardiness.core.fact import Fact
from hardiness.core.result import FEW_IN_SLICE, Result, Score, SlicedScore, SliceScore
from hardiness.results.measured import RunByImage, has_measurables, images_of, measures_of
from hardiness.results.runs import ScoredRun
from hardiness.results.stored_baseline import StoredBaseline
from hardiness.statistics.comparison import LEVEL
from hardiness.statistics.measures import ImageScore, Measurable, WeightedSum
from hardiness.statistics.slices import Partition, SlicedEstimate
from hardiness.statistics.spreads.combined import Among, TwoEnds


def sliced_scores(run: ScoredRun, base: StoredBaseline | None = None) -> tuple[SlicedScore, ...]:
    """Every score that models are compared by, of each value of the columns that its grouping names.

    Of the pictures that have every condition; nothing where there is none.

    Args:
        run: which.
        base: what its ratios divide by where that was run on the same pictures, instead of the published baseline.

    Raises:
        ArgumentError: the pictures have no such column, or it cannot part them.
    """
    slices = run.slices if run.grouping.slices else []
    by_image = run_by_image(run, base) if slices else None
    if by_image is None:
        return ()
    all_ids, clusters = run.table.ids, run.clusters
    cluster_codes = None if clusters is None else clusters.codes_of(by_image.ids)
    rows = np.searchsorted(all_ids, by_image.ids)
    scores: list[SlicedScore] = []
    memory = _OwnValues()
    for each in slices:
        part = SlicePartition.of(each, rows, cluster_codes)
        mix = run.grouping.mix.get(each.name, {})
        for score in by_image.scores:
            estimate = part.estimate(score, by_image, memory)
            scores.append(_sliced_score(part, score, by_image, estimate, mix, clusters.name if clusters else ""))
    return tuple(scores)


def why_not_sliced(run: ScoredRun) -> list[Fact]:
    """The fact that a run with scores has none by slice, where these were asked for."""
    if not run.grouping.slices:
        return []
    arguments = {"columns": tuple(run.grouping.slices), "card": run.stored.run.benchmark.card}
    has_whole = bool(len(run.table)) and bool(images_of(run.table, run.stored.run)[0].any())
    reasons = {"has_measurables": has_measurables(run), "has_whole_pictures": has_whole}
    return [Fact(RunRemark.NOT_SLICED, {**arguments, **reasons})]


def headline_slices(result: Result) -> list[SlicedScore]:
    """The headline of a result by each column that was asked for; else the first score by it."""
    card = card_of(result.run)
    column = card.headline_of(card.columns_of([result]))
    chosen: dict[str, SlicedScore] = {}
    for score in result.slices:
        is_headline = column is not None and (score.metric, score.condition) == (column.metric, column.condition)
        if is_headline or score.column not in chosen:
            chosen[score.column] = score
    return list(chosen.values())


def with_worst_pictures(result: Result, run: ScoredRun) -> Result:
    """The result with a gallery of the pictures behind the worst slice of each column, where it has slices.

    Args:
        result: of the run, with its slices.
        run: which.
    """
    galleries = []
    by_name = {each.name: each for each in run.slices} if result.slices else {}
    for score in headline_slices(result) if result.slices else ():
        worst = score.worst_of_many
        if worst is None:
            continue
        pictures = by_name[score.column]
        rows = np.flatnonzero(pictures.codes == list(map(str, pictures.values)).index(worst.value))
        namer = card_of(run.stored.run).class_namer(run.stored.run)
        galleries.append(mistakes_among(run.table, namer, rows, f"{score.column} {worst.value}"))
    pictured = [gallery for gallery in galleries if gallery is not None]
    if not pictured:
        return result
    details = {**result.details, KEPT: [*result.details.get(KEPT, ()), *galleries_kept(pictured)[KEPT]]}
    return replace(result, details=details)


def run_by_image(run: ScoredRun, base: StoredBaseline | None = None) -> RunByImage | None:
    """A run by image, of which each image may have some random cells alone; ``None`` as of `measures_of`."""
    by_image = measures_of(run, base)
    if by_image is not None and by_image.drawn:
        return by_image.on_table(run.table)
    return by_image


class _OwnValues:
    """The sums of each picture's own cells, made once for all columns."""

    def __init__(self) -> None:
        self._values: dict[int, NDArray[np.float64] | None] = {}

    def of(self, score: WeightedSum) -> NDArray[np.float64] | None:
        """``(N,)``; ``None`` where a picture lacks a cell that counts, so that it is no mean of such sums."""
        if id(score) not in self._values:
            cells = np.flatnonzero(score.weights)
            values = score.values if len(cells) == score.values.shape[1] else score.values[:, cells]
            sums = _weighted(values, score.weights[cells])
            self._values[id(score)] = None if np.isnan(sums).any() else sums
        return self._values[id(score)]


ROWS_AT_ONCE = 4096
"""Pictures whose answers are numbers at a time: all of them together would take eight times the memory of a table."""


def _weighted(values: NDArray[np.generic], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of rows times weights ``(N,)``, some at a time."""
    sums = np.empty(len(values))
    for start in range(0, len(values), ROWS_AT_ONCE):
        chosen = slice(start, start + ROWS_AT_ONCE)
        sums[chosen] = values[chosen].astype(np.float64) @ weights
    return sums


class SlicePartition:
    """The pictures of a run parted by one column, without parts of two columns that are too small.

    Args:
        name: of the column.
        values: K, in their order.
        partition: of the pictures.
        too_few: pictures of each part that is left out.
    """

    def __init__(self, name: str, values: Sequence[str], partition: Partition, too_few: Mapping[str, int]) -> None:
        self.name, self.values, self.partition, self.too_few = name, tuple(values), partition, too_few

    @classmethod
    def of(
        cls, pictures: SliceOfPictures, rows: NDArray[np.int64], clusters: NDArray[np.int64] | None
    ) -> SlicePartition:
        """The partition of the pictures at these rows of a table, with the cluster of each."""
        codes, too_few = pictures.codes[rows], {}
        values = np.array(pictures.values, object)
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        chosen = counts > 0
        if "+" in pictures.name:
            too_few = {
                str(values[k]): int(counts[k]) for k in np.flatnonzero(chosen & (counts < FEW_IN_SLICE)).tolist()
            }
            chosen &= counts >= FEW_IN_SLICE
        if not chosen.all():
            place = np.where(chosen, np.cumsum(chosen) - 1, -1)
            codes = np.where(codes >= 0, np.append(place, -1)[codes], -1)
        names = [str(value) for value in values[chosen]]
        return cls(pictures.name, names, Partition(codes, len(names), clusters), too_few)

    def estimate(self, score: Measurable, by_image: RunByImage, memory: _OwnValues | None = None) -> SlicedEstimate:
        """A score of each slice."""
        metric = card_of(by_image.run).metric(score.metric)
        low, high = metric.range
        if isinstance(score, WeightedSum):
            weights = score.weights[score.weights != 0]
            least, most = (score.top * float(weights[side].sum()) for side in (weights < 0, weights > 0))
            low, high = (max(least, low), min(most, high)) if metric.unit == "fraction" else (least, most)
            own = (memory or _OwnValues()).of(score)
            if own is not None:
                return self.partition.means(own, low, high, signed=least < 0)
            return self.partition.estimates(score.estimate, score.lacks, low, high, signed=least < 0)
        own_spread = score.spread if isinstance(score, ImageScore) else None
        return self.partition.estimates(score.estimate, score.lacks, low, high, own_spread)


def _sliced_score(
    part: SlicePartition,
    score: Measurable,
    by_image: RunByImage,
    estimate: SlicedEstimate,
    mix: Mapping[str, float],
    cluster: str,
) -> SlicedScore:
    n, unit, spreads = int(estimate.n.sum()), by_image.unit(score), estimate.simultaneous()
    of = Score(score.metric, math.nan, unit, n, higher_is_better=score.higher_is_better, condition=score.condition)
    slices = []
    for k, (value, difference) in enumerate(zip(part.values, estimate.against_rest(), strict=True)):
        number = replace(
            of,
            value=None if math.isnan(estimate.value[k]) else float(estimate.value[k]),
            n=int(estimate.n[k]),
            spread=spreads.get(k),
            lack=estimate.why_no_interval(k),
            clusters=int(estimate.variation.units[k]) if estimate.is_clustered else 0,
        )
        less_rest = replace(
            of,
            value=difference.value,
            n=difference.n,
            spread=Among(difference.spread, difference.level / LEVEL) if difference.spread else None,
            lack=None if difference.spread else difference.lack,
        )
        slices.append(SliceScore(value, number, None if math.isnan(difference.value) else less_rest, difference.p))
    sign = 1 if score.higher_is_better else -1
    ordered = sorted(slices, key=lambda each: (each.score.value is None, sign * (each.score.value or 0.0), each.value))
    worst = next((each.score for each in ordered if each.score.spread), None)
    ends, gap = estimate.extreme(-sign), estimate.gap()
    sliced = SlicedScore(
        column=part.name,
        metric=score.metric,
        condition=score.condition,
        unit=unit,
        higher_is_better=score.higher_is_better,
        title=card_of(by_image.run).title(score.metric, score.condition),
        slices=tuple(ordered),
        worst=replace(worst, spread=TwoEnds(worst.number, ends.low, ends.high)) if worst and ends else None,
        gap=replace(of, value=gap[0], spread=TwoEnds(gap[0], gap[1].low, gap[1].high)) if gap else None,
        n=n,
        without_value=int(np.count_nonzero(part.partition.codes < 0)) - sum(part.too_few.values()),
        too_few=dict(part.too_few),
        cluster=cluster,
    )
    if not mix:
        return sliced
    total = math.fsum(mix.values())
    shares = {value: share / total for value, share in mix.items() if share}
    return replace(sliced, mix=shares, average=_average(of, part.values, estimate, shares))


def _average(of: Score, values: Sequence[str], estimate: SlicedEstimate, shares: Mapping[str, float]) -> Score:
    """The average for these proportions of the slices, or why there is none; as the score in all else."""
    weights = np.array([shares.get(value, 0.0) for value in values])
    lacks = {value: Fact(Lack.UNSEEN_SLICE) for value in shares if value not in values}
    lacks |= {values[k]: lack for k in np.flatnonzero(weights).tolist() if (lack := estimate.why_no_interval(k))}
    if lacks:
        return replace(of, value=None, lack=Fact(Lack.MIX, {"slices": tuple(lacks.items())}))
    there = weights > 0
    average, ends = float(weights[there] @ estimate.value[there]), estimate.average(weights)
    return replace(of, value=average, spread=TwoEnds(average, ends.low, ends.high))
