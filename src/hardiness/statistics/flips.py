"""Flips: how often two runs answer the same pictures otherwise, and which way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.spread import Spread
from hardiness.statistics.clusters import Clusters, clustered_share
from hardiness.statistics.comparison import Difference, adjust_differences, detectable_among, difference
from hardiness.statistics.decomposition import class_parts
from hardiness.statistics.estimate import Estimate, mean, means_by_group
from hardiness.statistics.spreads.means import BoundedMean
from hardiness.statistics.spreads.shares import ShareOfImages

METRICS = Metric("negative_flips", higher_is_better=False), Metric("positive_flips"), Metric("agreement")
"""Those of `Flips`, in its order."""


@dataclass(frozen=True, slots=True)
class Flips:
    """How the answers of a later run differ from those of an earlier one on the same pictures.

    Attributes:
        negative: share of pictures that were answered rightly before and are answered wrongly now.
        positive: the share that was wrong before and is right now.
        agreement: the share that is given the same answer, right or wrong.

    Source: Yan et al. (2021), arXiv:2011.09161, for negative flips.
    """

    negative: Score
    positive: Score
    agreement: Score

    @property
    def n(self) -> int:
        """Images."""
        return self.agreement.n

    @property
    def changed(self) -> float:
        """The share of answers that are others than before; rounding leaves none below 0."""
        return max(1 - self.agreement.number, 0.0)


@dataclass(frozen=True, slots=True)
class FlipsByClass:
    """The flips by class. Classes of fewer than ten images say nothing alone: they are one part together, the last.

    Attributes:
        flips: of the images of each class; that with most negative flips first.
        changes: what each class's recall gained from the earlier run to the later one; what lost most first. All are
            adjusted together by Holm's procedure: an interval leaves out 0 exactly where p is below .05. Recall is a
            mean over cells; of one cell its test is exact.
        small: how many classes are the last part; 0 where there is no such part. Where every class is small, there is
            no part at all.
    """

    flips: tuple[tuple[str, Flips], ...]
    changes: tuple[tuple[str, Difference], ...]
    small: int


def _flips(n: int, shares: Iterable[tuple[float, Spread | None]], clusters: int = 0, lack: Fact | None = None) -> Flips:
    """The flips of the three shares and their spreads."""
    scores = (
        metric.score(share, n, spread, lack=lack, clusters=clusters)
        for metric, (share, spread) in zip(METRICS, shares, strict=True)
    )
    return Flips(*scores)


def _clustered(estimates: Sequence[Estimate], clusters: Clusters) -> Flips:
    """The flips of estimates of the three shares, over clusters."""
    spreads = [clustered_share(estimate, clusters) for estimate in estimates]
    shares = ((estimate.value, each.spread) for estimate, each in zip(estimates, spreads, strict=True))
    return _flips(estimates[0].n, shares, spreads[0].clusters, spreads[0].lack)


@dataclass(frozen=True)
class FlipTable:
    """Flips image by image and cell by cell; NaN where one of the two runs has no answer.

    Attributes:
        ids: ``(N,)`` of the images, sorted.
        label: ``(N,)`` class index of each.
        conditions: of the M cells.
        negative, positive, agreement: float64 ``(N, M)`` of 0, 1 and NaN.
        clusters: of the images; ``None`` where each stands alone.
    """

    ids: NDArray[np.object_]
    label: NDArray[np.int32]
    conditions: tuple[Condition, ...]
    negative: NDArray[np.float64]
    positive: NDArray[np.float64]
    agreement: NDArray[np.float64]
    clusters: Clusters | None = None

    @classmethod
    def from_answers(
        cls,
        ids: NDArray[np.object_],
        label: NDArray[np.int32],
        conditions: Sequence[Condition],
        right: tuple[NDArray[np.integer], NDArray[np.integer]],
        answer: tuple[NDArray[np.integer], NDArray[np.integer]],
        clusters: Clusters | None = None,
    ) -> FlipTable:
        """The table of two runs.

        Args:
            ids, label, conditions: of the images and cells that both have.
            right: ``(N, M)`` of the earlier and of the later run: 1 right, 0 wrong, -1 not evaluated.
            answer: the classes that they named, ``(N, M)`` each.
            clusters: of the images; ``None`` where each stands alone.
        """
        before, now = right
        has_both = (before >= 0) & (now >= 0)

        def where(counts: NDArray[np.bool_]) -> NDArray[np.float64]:
            return np.where(has_both, counts, np.nan)

        return cls(
            ids,
            label,
            tuple(conditions),
            where((before == 1) & (now == 0)),
            where((before == 0) & (now == 1)),
            where(answer[0] == answer[1]),
            clusters,
        )

    @property
    def under_conditions(self) -> FlipTable:
        """The table of all cells but that of clean pictures, if there are others."""
        places = [place for place, condition in enumerate(self.conditions) if condition]
        if not places or len(places) == len(self.conditions):
            return self
        return replace(
            self,
            conditions=tuple(self.conditions[place] for place in places),
            negative=self.negative[:, places],
            positive=self.positive[:, places],
            agreement=self.agreement[:, places],
        )

    def over(self, cells: Sequence[int] | None = None, rows: NDArray[Any] | None = None) -> Flips | None:
        """The flips over some cells, each weighing the same, and some images; ``None`` where nothing was evaluated."""
        columns = slice(None) if cells is None else list(cells)
        images = slice(None) if rows is None else rows
        parts = [table[images][:, columns] for table in (self.negative, self.positive, self.agreement)]
        is_evaluated = ~np.isnan(parts[0])
        if not is_evaluated.any():
            return None
        has_cell = is_evaluated.any(axis=0)
        ids = self.ids[images]
        estimates = [mean(ids, part[:, has_cell]) for part in parts]
        if self.clusters is not None:
            return _clustered(estimates, self.clusters)
        shares = ((estimate.value, estimate.spread(0.0, 1.0)) for estimate in estimates)
        return _flips(int(np.count_nonzero(is_evaluated.any(axis=1))), shares)

    def by_condition(self) -> list[tuple[Condition, Flips]]:
        """The flips under each condition that was evaluated, in the order of the cells."""
        flips = []
        n = np.count_nonzero(~np.isnan(self.negative), axis=0).tolist()
        counts = [
            np.nansum(part, axis=0).astype(int).tolist() for part in (self.negative, self.positive, self.agreement)
        ]
        for cell, condition in enumerate(self.conditions):
            if n[cell] and self.clusters is not None:
                parts = (self.negative, self.positive, self.agreement)
                flips.append((condition, _clustered([mean(self.ids, part[:, cell]) for part in parts], self.clusters)))
            elif n[cell]:
                spreads = (ShareOfImages(hits[cell], n[cell]) for hits in counts)
                flips.append((condition, _flips(n[cell], ((spread.value, spread) for spread in spreads))))
        return flips

    def by_class(self, namer: Callable[[int], str] = str) -> FlipsByClass:
        """The flips and the recall by class, over all cells.

        Args:
            namer: the name of a class by its index.
        """
        evaluated = np.flatnonzero(~np.isnan(self.negative).all(axis=1))
        group, names, small = class_parts(self.label[evaluated], namer)
        if not names:
            return FlipsByClass((), (), 0)
        flips, changes = self._flips(evaluated, group, len(names)), self._changes(evaluated, group, len(names))
        last = range(len(names))[-1:] if small else ()
        by_flips = sorted(
            range(len(names)), key=lambda k: (k in last, -flips[k].negative.number, -flips[k].positive.number, k)
        )
        by_change = sorted(range(len(names)), key=lambda k: (k in last, changes[k].value, k))
        return FlipsByClass(
            tuple((names[k], flips[k]) for k in by_flips), tuple((names[k], changes[k]) for k in by_change), small
        )

    def _flips(self, rows: NDArray[np.int64], group: NDArray[np.int64], groups: int) -> list[Flips]:
        """The flips of each group of some images."""
        if self.clusters is not None:
            by_group = (self.over(rows=rows[group == place]) for place in range(groups))
            return [flips for flips in by_group if flips is not None]
        parts = [means_by_group(table[rows], group, groups) for table in (self.negative, self.positive, self.agreement)]
        shares = [
            [
                (share, BoundedMean(share, float(variance), int(differing), int(m)))
                for value, variance, differing, m in zip(*part, strict=True)
                for share in (float(min(max(value, 0.0), 1.0)),)
            ]
            for part in parts
        ]
        return [_flips(int(m), of_group) for m, of_group in zip(parts[0].n, zip(*shares, strict=True), strict=True)]

    def _changes(self, rows: NDArray[np.int64], group: NDArray[np.int64], groups: int) -> list[Difference]:
        """The change of recall in each group of some images, adjusted for all of these groups."""
        tests = {}
        starts = np.cumsum(np.bincount(group, minlength=groups))
        rows_by_group = np.split(rows[np.argsort(group, kind="stable")], starts[:-1])
        for place, members in enumerate(rows_by_group):
            has_cell = ~np.isnan(self.negative[members]).all(axis=0)
            won, lost = (mean(self.ids[members], part[members][:, has_cell]) for part in (self.positive, self.negative))
            tested = difference(won, lost, 1.0, clusters=self.clusters)
            tests[str(place), ""] = replace(tested, detectable=detectable_among(tested.detectable, groups))
        (differences,) = adjust_differences([tests])
        return list(differences.values())
