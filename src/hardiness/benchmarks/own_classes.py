"""Scores by class, of every benchmark whose labels are a person's own classes: recall, the worst, pairs, what is kept.

All are computed from image tables. What a class does under a corruption is the mean over its severities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.class_order import better_order
from hardiness.benchmarks.galleries import Answer, Gallery, Sample
from hardiness.benchmarks.operating_limits import is_of_level
from hardiness.core.codes import Lack, RunRemark
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact, too_few
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.spread import Spread
from hardiness.core.table import RIGHT, ImageTable
from hardiness.statistics.clusters import EstimateBasis, EstimateByCluster, WorstBasis, area_rule
from hardiness.statistics.comparison import FEWEST_DIFFERING
from hardiness.statistics.estimate import Estimate, GroupMeans, mean, means_by_group
from hardiness.statistics.intervals import wilson
from hardiness.statistics.spreads.combined import Combined, cut
from hardiness.statistics.spreads.means import AreaUnderCurve, BoundedMean, ExactlyBoundedMean
from hardiness.statistics.spreads.shares import ExactShare, LowestShare, ShareOfImages

RECALL = Metric("recall", explanation="the share of a class's pictures that are answered rightly.")
BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    explanation="the mean recall over classes, so that a rare class counts as much as a frequent one.",
)
MACRO_F1 = Metric(
    "macro_f1",
    "macro F1",
    explanation="the mean over classes of the harmonic mean of recall and precision; a class without pictures and "
    "without predictions is left out.",
)
WORST_CLASS = Metric(
    "worst_class",
    explanation="the lowest recall of any class: a minimum over noise too, and so lower than the class's own where "
    "classes have few pictures. Its interval is of the lowest true recall (Bonferroni over classes).",
)
AUROC = Metric(
    "auroc_two_classes",
    "AUROC",
    outputs="probabilities",
    explanation="the chance that a picture of the second class gets a higher probability of that class than a picture "
    "of the first.",
)
AVERAGE_PRECISION = Metric(
    "average_precision",
    outputs="probabilities",
    explanation="the mean, over pictures of the second class, of the precision among the pictures that score at least "
    "as high.",
)
CONFUSED = Metric(
    "confused", higher_is_better=False, explanation="the share of a class's pictures that are taken for another class."
)
RETAINED_ACCURACY = Metric(
    "retained_accuracy",
    unit="ratio",
    explanation="accuracy under corruptions divided by accuracy without them, on the same pictures: 100 is nothing "
    "lost.",
)
SEVERITY_BELOW = Metric(
    "severity_below",
    "severity at half",
    "severity",
    explanation="the mildest severity at which accuracy is below half of what it is without corruption.",
)
CLASS_METRICS = (
    *(RECALL, BALANCED_ACCURACY, MACRO_F1, WORST_CLASS, AUROC, AVERAGE_PRECISION),
    *(RETAINED_ACCURACY, SEVERITY_BELOW, CONFUSED),
)
"""The metrics of answers to pictures of a person's own classes."""

BELOW = 0.5
"""The share of the clean accuracy below which a network counts as broken."""

MOST_PAIRS = 10
"""Pairs of classes that are named, of clean pictures; of each corruption `MOST_PAIRS_UNDER`."""

MOST_PAIRS_UNDER = 3

MOST_PICTURES = 6
"""Pairs that are shown with a picture."""

UNCORRUPTED, ALL = "clean", ""
"""The names of clean pictures among corruptions, and of all corruptions together."""

CLEAN = Condition(corruption=UNCORRUPTED)
"""The condition of scores of clean pictures, where there are corrupted ones too."""

FEW_PICTURES = 10
"""Pictures below which a class's own spread is not believed, and what divides by its pictures has no interval."""

MOST_COUNTED = 4_000_000
"""Pairs of classes up to which all are counted at once: sorting those that there are takes ten times as long."""


@dataclass(frozen=True)
class _AnswersByClass:
    """The answers of a table by class.

    Attributes:
        table: with answers.
        names: of the classes, in the order of the data.
        is_of_level: whether it is of a level of a corruption, which no mean takes.
        computed: a number of a cell, and what each picture adds to it, by cell and name.
    """

    table: ImageTable
    names: tuple[str, ...]
    is_of_level: bool = False
    computed: dict[tuple[int, str], tuple[float, NDArray[np.float32]]] = field(default_factory=dict)

    @cached_property
    def label(self) -> NDArray[np.int64]:
        return self.table.label.astype(np.int64)

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """``(N, M)``; NaN where an image was not evaluated."""
        return np.where(self.seen, self.table[RIGHT], np.nan).astype(np.float64)

    @cached_property
    def pictures(self) -> NDArray[np.int64]:
        """The number of pictures of each class, ``(K,)``."""
        return np.bincount(self.label, minlength=len(self.names))

    def groups(self) -> Iterator[tuple[Condition, list[int]]]:
        """The cells of clean pictures, of each corruption and, without a condition, of all corruptions together.

        Where the benchmark corrupts nothing, clean pictures have no condition; a level stands by itself.
        """
        if self.is_of_level:
            yield self.table.present[0], [0]
            return
        corruptions: dict[Condition, list[int]] = {}
        for place, cell in enumerate(self.table.present):
            corruptions.setdefault(Condition(corruption=cell.get("corruption", UNCORRUPTED)), []).append(place)
        corrupted = [place for cell, places in corruptions.items() if cell != CLEAN for place in places]
        if not any(self.table.conditions):
            yield Condition(), corruptions[CLEAN]
            return
        if corrupted:
            yield Condition(), corrupted
        yield from corruptions.items()

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Whether each picture was evaluated, ``(N, M)``."""
        return self.table.evaluated

    @cached_property
    def of_cell(self) -> tuple[NDArray[np.bool_], NDArray[np.int16]]:
        """Whether each picture was evaluated, and the answers, each ``(M, N)``: a cell's lie side by side."""
        return np.ascontiguousarray(self.seen.T), np.ascontiguousarray(self.table["answer"].T)

    @cached_property
    def wrong(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """The wrong answers by cell: of each the pair of label and answer as one number, and its weight; made once."""
        return {}

    def wrong_of(self, cell: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The wrong answers of a cell."""
        if cell not in self.wrong:
            classes, (evaluated, answer) = len(self.names), (column[cell] for column in self.of_cell)
            at = np.flatnonzero(evaluated & (self.label != answer) & (answer >= 0) & (answer < classes))
            label = self.label[at]
            pictures = np.bincount(self.label[evaluated], minlength=classes)
            self.wrong[cell] = label * classes + answer[at], 1.0 / pictures[label]
        return self.wrong[cell]

    def accuracy(self, cells: Sequence[int]) -> Estimate:
        """The mean over cells of the share of pictures that are answered rightly."""
        return mean(self.table.ids, self.right[:, list(cells)])

    def over_cells(self, cells: Sequence[int], measure: Callable[[int], tuple[float, NDArray[np.float64]]]) -> Estimate:
        """The mean over cells of a number, from the number of one cell and what each picture of it adds."""
        influence, values = np.zeros(len(self.table)), []
        for cell in cells:
            evaluated = self.of_cell[0][cell]
            key = cell, measure.__name__
            if key not in self.computed:
                value, added = measure(cell)
                self.computed[key] = value, added.astype(np.float32)
            values.append(self.computed[key][0])
            influence[evaluated] += self.computed[key][1] * (
                len(evaluated) / int(np.count_nonzero(evaluated)) / len(cells)
            )
        return Estimate(float(np.mean(values)), self.table.ids, influence)

    def area_under_roc(self, cell: int) -> tuple[float, NDArray[np.float64]]:
        """The area under the ROC curve of one cell, and what each of its pictures adds."""
        return area_under_roc(*self.positive(cell))

    def average_precision(self, cell: int) -> tuple[float, NDArray[np.float64]]:
        """The average precision of one cell, and what each of its pictures adds."""
        return average_precision(*self.positive(cell))

    def macro_f1(self, cell: int) -> tuple[float, NDArray[np.float64]]:
        """The macro F1 of one cell, and what each of its pictures adds.

        Of class k it is twice the share of pictures that show it and are taken for it, over the share that show it plus
        the share that are taken for it: a ratio of means.
        """
        (evaluated, answers), n_classes = (column[cell] for column in self.of_cell), len(self.names)
        label, answer = self.label[evaluated], answers[evaluated].astype(np.int64)
        right = (label == answer).astype(np.float64)
        total = len(label)
        is_class = (answer >= 0) & (answer < n_classes)
        below = (np.bincount(label, minlength=n_classes) + np.bincount(answer[is_class], minlength=n_classes)) / total
        hits = np.bincount(label, weights=right, minlength=n_classes) / total
        counted = below > 0
        f1 = np.divide(2 * hits, below, out=np.zeros(n_classes), where=counted)
        inverse = np.divide(1.0, below, out=np.zeros(n_classes), where=counted)
        guess = np.where(is_class, answer, 0)
        added = (2 * right - f1[label]) * inverse[label] - np.where(is_class, f1[guess] * inverse[guess], 0.0)
        return float(f1[counted].mean()), added / np.count_nonzero(counted)

    def positive(self, cell: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Which pictures of a cell show the second of two classes, and how probable each was called to show it."""
        evaluated = self.seen[:, cell]
        confidence = self.table["confidence"][evaluated, cell].astype(np.float64)
        is_second = self.table["answer"][evaluated, cell] == 1
        return self.label[evaluated] == 1, np.where(is_second, confidence, 1 - confidence)

    def scores_under(self, condition: Condition, cells: Sequence[int]) -> Iterator[Score]:
        """Every score under one condition: a mean over its cells."""
        n, classes = len(self.table), len(self.names)
        recalls = means_by_group(self.right[:, list(cells)], self.label, classes)
        there = recalls.n > 0
        balanced = float(recalls.value[there].mean())
        of_balanced = _spread_of_balanced(recalls, balanced)
        make = partial(self.balanced_estimate, cells)
        basis = EstimateBasis(make, 0.0, 1.0, kinds=self.places_by_class, names="classes")
        yield BALANCED_ACCURACY.score(balanced, n, of_balanced, condition, basis=basis)
        f1, fewest = self.over_cells(cells, self.macro_f1), int(recalls.n[there].min())
        yield self._of_counts(MACRO_F1, lambda: self.over_cells(cells, self.macro_f1), f1, fewest, n, condition)
        of_worst = WorstBasis(lambda: [recall for recall in self.recall_estimates(cells) if recall])
        yield replace(_worst(recalls, condition, len(cells) == 1), basis=of_worst)
        if classes == 2 and "confidence" in self.table:
            yield from self._scores_of_two_classes(condition, cells)
        for k in np.flatnonzero(there).tolist():
            named = Condition(**{"class": self.names[k]}, **condition)
            spread = _spread_of_recall(recalls, k, len(cells) == 1)
            of_class = EstimateBasis(partial(self.recall_estimate, k, cells), 0.0, 1.0)
            yield RECALL.score(float(recalls.value[k]), int(recalls.n[k]), spread, named, basis=of_class)
        for k in np.flatnonzero(~there).tolist():
            named = Condition(**{"class": self.names[k]}, **condition)
            yield RECALL.score(None, 0, condition=named, lack=Fact(Lack.EMPTY_CLASS, {"of_two": False}))
        most = MOST_PAIRS_UNDER if condition else MOST_PAIRS
        for label, answer, share, pictures in self.confusions(cells)[:most]:
            named = Condition(**{"class": self.names[label], "answer": self.names[answer]}, **condition)
            of_pair = ShareOfImages(round(share * pictures), pictures) if len(cells) == 1 else None
            lack = None if of_pair else Fact(Lack.OVER_SEVERITIES)
            confused = EstimateBasis(partial(self.confusion_estimate, label, answer, cells[0]), 0.0, 1.0)
            yield CONFUSED.score(share, pictures, of_pair, named, lack=lack, basis=confused)

    def places_by_class(self) -> list[NDArray[np.int64]]:
        """The places of the pictures of each class that has some."""
        return [np.flatnonzero(self.label == k) for k in np.flatnonzero(self.pictures).tolist()]

    def recall_estimate(self, k: int, cells: Sequence[int]) -> Estimate:
        """The recall of one class, which has a picture that was evaluated: the mean over cells that have some."""
        at = np.flatnonzero(self.label == k)
        values = self.right[at][:, list(cells)]
        return mean(at, values[:, ~np.isnan(values).all(axis=0)])

    def recall_estimates(self, cells: Sequence[int]) -> list[Estimate | None]:
        """The recall of each class; ``None`` of one without a picture that was evaluated."""
        has_picture = np.bincount(self.label, self.seen[:, list(cells)].any(axis=1), len(self.names)) > 0
        return [self.recall_estimate(k, cells) if has else None for k, has in enumerate(has_picture.tolist())]

    def balanced_estimate(self, cells: Sequence[int]) -> Estimate:
        """The mean recall over classes."""
        recalls = [recall for recall in self.recall_estimates(cells) if recall]
        n = sum(recall.n for recall in recalls)
        ids = np.concatenate([recall.ids for recall in recalls])
        influence = np.concatenate([recall.influence * (n / recall.n / len(recalls)) for recall in recalls])
        order = np.argsort(ids)
        return Estimate(float(np.mean([recall.value for recall in recalls])), ids[order], influence[order])

    def confusion_estimate(self, k: int, answer: int, cell: int) -> Estimate:
        """The share of a class's pictures of a cell that get an answer."""
        at = np.flatnonzero((self.label == k) & self.seen[:, cell])
        return mean(at, self.table["answer"][at, cell] == answer)

    def _scores_of_two_classes(self, condition: Condition, cells: Sequence[int]) -> Iterator[Score]:
        measures = {AUROC: self.area_under_roc, AVERAGE_PRECISION: self.average_precision}
        for metric, measure in measures.items():
            kinds = [self.positive(cell)[0] for cell in cells]
            if not all(kind.any() and (~kind).any() for kind in kinds):
                yield metric.score(None, 0, condition=condition, lack=Fact(Lack.EMPTY_CLASS, {"of_two": True}))
                continue
            fewest = min(int(min(kind.sum(), (~kind).sum())) for kind in kinds)
            value = self.over_cells(cells, measure)
            make = partial(self.over_cells, cells, measure)
            spread, rule = None, None
            if metric is AUROC:
                sides = self._sides_of_area(value, cells)
                spread = Combined((value.spread(0, 1), AreaUnderCurve(value.value, *sides)))
                rule = area_rule(*sides)
            yield self._of_counts(metric, make, value, fewest, value.n, condition, spread, rule)

    def _sides_of_area(self, value: Estimate, cells: Sequence[int]) -> tuple[int, int, float]:
        """The pictures of either class behind a mean of areas over cells, and how much it varies beside a single one.

        A good classifier is known by few pictures of the rare class, which DeLong's variance does not see."""
        single = float(np.mean([self.over_cells([cell], self.area_under_roc).variance for cell in cells]))
        share = min(value.variance / single, 1.0) if single > 0 else 1.0
        kinds = [self.positive(cell)[0] for cell in cells]
        ours, others = (min(int(np.count_nonzero(kind == side)) for kind in kinds) for side in (True, False))
        return ours, others, share

    def _of_counts(
        self,
        metric: Metric,
        make: Callable[[], Estimate],
        estimate: Estimate,
        fewest: int,
        n: int,
        condition: Condition,
        spread: Spread | None = None,
        rule: Callable[[EstimateByCluster], Spread] | None = None,
    ) -> Score:
        """A score that divides by counts of classes, of which the smallest has ``fewest`` pictures.

        Args:
            metric, condition, n: of the score.
            make: makes the estimate again.
            estimate: of the score.
            fewest: pictures of the smallest class.
            spread: where it is not the estimate's own.
            rule: that of the spread by clusters, where that is not the estimate's own.
        """
        basis = EstimateBasis(make, 0.0, 1.0, kinds=self.places_by_class, names="classes", rule=rule)
        if fewest < FEW_PICTURES:
            lack = Fact(Lack.SMALL_CLASS, {"had": fewest, "needed": FEW_PICTURES})
            return metric.score(estimate.value, n, condition=condition, lack=lack, basis=basis)
        return metric.score(estimate.value, n, spread or estimate.spread(0, 1), condition, basis=basis)

    def confusions(self, cells: Sequence[int]) -> list[tuple[int, int, float, int]]:
        """Class, answer, mean share of the class's pictures that get it, and its pictures; the largest share first."""
        classes = len(self.names)
        keys, weights = zip(*(self.wrong_of(cell) for cell in cells), strict=True)
        key = np.concatenate(keys)
        if classes**2 <= MOST_COUNTED:
            pairs = np.flatnonzero(np.bincount(key, minlength=classes**2))
            shares = np.bincount(key, np.concatenate(weights), classes**2)[pairs] / len(cells)
        else:
            pairs, place = np.unique(key, return_inverse=True)
            shares = np.bincount(place, np.concatenate(weights), len(pairs)) / len(cells)
        most = max(MOST_PAIRS, MOST_PICTURES)
        if len(shares) > most:
            is_large = shares >= np.partition(shares, -most)[-most] - 1e-12
            pairs, shares = pairs[is_large], shares[is_large]
        first = np.lexsort((pairs, -np.round(shares, 12)))[:most]
        return [
            (*divmod(int(pairs[at]), classes), float(shares[at]), int(self.pictures[pairs[at] // classes]))
            for at in first
        ]

    def retained_scores(self) -> Iterator[Score]:
        """Retained accuracy by corruption and over all."""
        groups = dict(self.groups())
        if not {CLEAN, Condition()} <= groups.keys():
            return
        clean, every = self.accuracy(groups.pop(CLEAN)), groups.pop(Condition())
        if not clean.value:
            yield RETAINED_ACCURACY.score(None, clean.n, lack=Fact(Lack.CLEAN_ZERO))
            return
        of_clean = dict(self.groups())[CLEAN]
        for condition, cells in {Condition(): every, **groups}.items():
            basis = EstimateBasis(partial(self.retained, cells, of_clean), ends=(0.0, math.inf))
            yield replace(_ratio(self.accuracy(cells) / clean, condition), basis=basis)

    def retained(self, cells: Sequence[int], of_clean: Sequence[int]) -> Estimate:
        """The accuracy over cells divided by that over those of clean pictures."""
        return self.accuracy(cells) / self.accuracy(of_clean)

    def severities_below(self, below: float | None) -> Iterator[Score]:
        """The severity at which accuracy falls below a share of the clean one, by corruption; of half by default."""
        name = SEVERITY_BELOW.name if below is None else f"{SEVERITY_BELOW.name}_{100 * below:g}"
        groups = dict(self.groups())
        if CLEAN not in groups:
            return
        clean = self.accuracy(groups.pop(CLEAN))
        for condition, cells in groups.items() if clean.value else ():
            if condition:
                severities = {cell: self.table.present[cell].get("severity") for cell in cells}
                levels = {int(level): self.accuracy([cell]) for cell, level in severities.items() if level}
                if levels:  # a watermark has none
                    score = severity_below(levels, clean, condition, BELOW if below is None else below)
                    yield replace(score, metric=name)

    def order_warnings(self, outputs: Sequence[str], *, by_name: bool) -> Iterator[Fact]:
        """Whether accuracy is near chance, and another order of the outputs that is surely better.

        Args:
            outputs: the names of the classes in the order of the outputs.
            by_name: a chat model answers so, and no order of outputs can be wrong.
        """
        place = self.table.place(Condition())
        if place is None:
            return
        evaluated = self.seen[:, place]
        label, answer = self.label[evaluated], self.table["answer"][evaluated, place].astype(np.int64)
        ids, n_classes = self.table.ids[evaluated], len(self.names)
        hits, n = int(np.count_nonzero(label == answer)), len(label)
        if not n:
            return
        frequent = int(np.bincount(label, minlength=n_classes).argmax())
        chance = float(np.count_nonzero(label == frequent)) / n
        if wilson(hits, n).low <= chance:
            arguments = {"accuracy": hits / n, "images": n, "frequent": self.names[frequent], "chance": chance}
            yield Fact(RunRemark.NEAR_CHANCE, {**arguments, "by_name": by_name})
        if by_name:
            return
        inside = (answer >= 0) & (answer < n_classes)
        output_of_class = np.array([outputs.index(name) for name in self.names])
        better = better_order(output_of_class[label[inside]], output_of_class[answer[inside]], ids[inside], n_classes)
        if better is not None:
            order, before, after, p = better
            moved = [k for k in range(n_classes) if order[k] != k]
            arguments = {"before": before, "after": after, "p": p}
            outputs_moved = tuple((k, outputs[order[k]]) for k in moved)
            yield Fact(RunRemark.ORDER_OF_CLASSES, {**arguments, "outputs": outputs_moved})


def area_under_roc(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> tuple[float, NDArray[np.float64]]:
    """The chance that a picture of the positive class scores above one of the other, ties half; what each adds.

    Args:
        positive: ``(N,)``, of both kinds at least one.
        score: ``(N,)``.

    Source: DeLong, DeLong & Clarke-Pearson (1988), doi:10.2307/2531595, for what each adds.
    """
    ours, others = np.sort(score[positive]), np.sort(score[~positive])
    n, above = len(score), np.empty(len(score))
    below = (np.searchsorted(others, score, "left") + np.searchsorted(others, score, "right")) / (2 * len(others))
    over = 1 - (np.searchsorted(ours, score, "left") + np.searchsorted(ours, score, "right")) / (2 * len(ours))
    above[positive], above[~positive] = below[positive], over[~positive]
    area = float(above[positive].mean())
    return area, (above - area) * np.where(positive, n / len(ours), n / len(others))


def average_precision(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> tuple[float, NDArray[np.float64]]:
    """The mean, over pictures of the positive class, of the precision among those that score as high; what each adds.

    Args:
        positive: ``(N,)``, at least one.
        score: ``(N,)``.
    """
    values, place = np.unique(-score, return_inverse=True)
    flagged = np.cumsum(np.bincount(place, minlength=len(values)))
    hits = np.bincount(place, weights=positive.astype(np.float64), minlength=len(values))
    precision = np.cumsum(hits) / flagged
    n, ours = len(score), np.count_nonzero(positive)
    value = float((hits * precision).sum() / ours)
    # A picture takes part in the precision at its own score and at every lower one.
    gained = np.cumsum((hits / flagged)[::-1])[::-1]
    lost = np.cumsum((hits * precision / flagged)[::-1])[::-1]
    added = np.where(positive, precision[place] - value + gained[place], 0.0) - lost[place]
    return value, added * (n / ours)


def class_scores(table: ImageTable, run: Run, below: float | None = None) -> list[Score]:
    """The scores by class of a table of at least one image; headlines first.

    Recall, balanced accuracy, macro F1 and the worst class, clean and under each corruption; with two classes AUROC and
    average precision of the second; the pairs most confused; retained accuracy, and the severity at which accuracy
    falls below a share of the clean one: ``below``, or half where it is ``None``.
    """
    if not run.has_own_classes or "answer" not in table or table["answer"].ndim != 2 or not len(table):
        return []
    answers = _AnswersByClass(table, run.data.classes, is_of_level(run))
    scores: list[Score] = []
    for condition, cells in answers.groups():
        scores += answers.scores_under(condition, cells)
    scores += [*answers.retained_scores(), *answers.severities_below(below)]
    return [*(score for score in scores if not score.condition), *(score for score in scores if score.condition)]


def _spread_of_balanced(recalls: GroupMeans, value: float) -> Spread:
    """How well the mean over classes is known: each picture is of one of them, so that their variances add up.

    Of a class of few pictures its own spread says little, and of one that is all right nothing: it counts for no less
    than the spread within all classes. How well the sum is known follows Satterthwaite.

    Source: Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
    """
    there = recalls.n > 0
    n, variance = recalls.n[there].astype(np.float64), recalls.variance[there]
    within = float(((n - 1) * n * variance).sum() / max(float((n - 1).sum()), 1.0))
    parts = np.where(n < FEW_PICTURES, np.maximum(variance, within / n), variance) / len(n) ** 2
    total = float(parts.sum())
    if not total:  # every class is all right, or all wrong: of equal classes so many pictures would tell as much
        return BoundedMean(value, 0.0, 1, max(int(len(n) ** 2 / float(np.sum(1.0 / n))), 1))
    degrees = total**2 / float((parts**2 / np.maximum(n - 1, 1)).sum())
    return BoundedMean(value, total, int(degrees) + 1, 1)


def _spread_of_recall(recalls: GroupMeans, k: int, is_share: bool) -> Spread:
    """How well one class's recall is known."""
    value, n = float(recalls.value[k]), int(recalls.n[k])
    if is_share:
        return ShareOfImages(round(value * n), n)
    return BoundedMean(value, float(recalls.variance[k]), int(recalls.differing[k]), n, n)


def _worst(recalls: GroupMeans, condition: Condition, is_share: bool) -> Score:
    """The lowest recall, with bounds that hold for all classes at once: one of K is lowest by chance alone.

    They are exact ones of as many answers as would vary as much: Wilson's tails are short at the level of one of many.

    Source: Bonferroni; `clopper_pearson`.
    """
    there = np.flatnonzero(recalls.n > 0).tolist()
    worst = min(there, key=lambda k: float(recalls.value[k]))
    spreads = tuple(_spread_of_recall(recalls, k, is_share) for k in there)
    if len(there) > 1:
        spreads = (LowestShare(tuple(map(_exact, spreads))),)
    return WORST_CLASS.score(float(recalls.value[worst]), int(recalls.n[worst]), spreads[0], condition)


def _exact(of_recall: Spread) -> Spread:
    """The spread of one recall of many, by exact intervals."""
    if isinstance(of_recall, ShareOfImages):
        return ExactShare(of_recall.hits, of_recall.n)
    assert isinstance(of_recall, BoundedMean)
    return ExactlyBoundedMean(of_recall.value, of_recall.variance, of_recall.telling, of_recall.answers)


def _ratio(value: Estimate, condition: Condition) -> Score:
    lack, spread = None, None
    if value.differing < FEWEST_DIFFERING:
        lack = too_few((FEWEST_DIFFERING, "pictures that differ from the others"), had=(value.differing,))
    else:
        spread = cut(value.spread(), 0.0, math.inf)
    return RETAINED_ACCURACY.score(value.value, value.n, spread, condition, lack=lack)


def severity_below(levels: Mapping[int, Estimate], clean: Estimate, condition: Condition, below: float) -> Score:
    """The mildest severity at which accuracy is below a share of the clean one; it has no interval.

    An interval that is given where the last severity is surely below is given to unlucky samples where it is near: of
    those 32 to 76 % held.

    Args:
        levels: accuracy by severity.
        clean: accuracy without corruption.
        condition: of the score.
        below: the share.
    """
    n, first = clean.n, next((k for k in sorted(levels) if levels[k].value < below * clean.value), None)
    if first is None:
        lack = Fact(Lack.STAYS_ABOVE, {"share": below, "severity": max(levels)})
        return SEVERITY_BELOW.score(None, n, condition=condition, lack=lack)
    return SEVERITY_BELOW.score(float(first), n, condition=condition, lack=Fact(Lack.FEW_STEPS))


def class_warnings(table: ImageTable, run: Run) -> list[Fact]:
    """Facts about the classes: which are nearly empty, and whether their order can be right."""
    if not run.has_own_classes or "answer" not in table or table["answer"].ndim != 2 or not len(table):
        return []
    answers = _AnswersByClass(table, run.data.classes)
    codes = (RunRemark.EMPTY_CLASSES, RunRemark.SINGLE_PICTURES)
    facts = [
        Fact(code, {"classes": tuple(answers.names[k] for k in np.flatnonzero(answers.pictures == count).tolist())})
        for count, code in enumerate(codes)
        if (answers.pictures == count).any()
    ]
    return [*facts, *answers.order_warnings(run.model.classes or run.data.classes, by_name=bool(run.model.mark))]


def class_gallery(table: ImageTable, classes: tuple[str, ...]) -> Gallery | None:
    """The pairs of classes most often confused, over all conditions, each with the picture that was surest wrong."""
    if "answer" not in table or "confidence" not in table or not len(table):
        return None
    answers, samples = _AnswersByClass(table, classes), []
    for label, answer, share, pictures in answers.confusions(range(len(table.cells)))[:MOST_PICTURES]:
        wrong = (table["answer"] == answer) & (table.label == label)[:, None] & table.evaluated
        surest = np.where(wrong, np.nan_to_num(table["confidence"], nan=0.0), -1.0)
        row, cell = divmod(int(surest.argmax()), surest.shape[1])
        names = answers.names[label], answers.names[answer]
        note = f"{names[0]} taken for {names[1]}: {100 * share:.1f} % of the answers to {pictures:,} pictures"
        confidence = round(float(table["confidence"][row, cell]), 4)
        samples.append(
            Sample(str(table.ids[row]), table.present[cell], names[0], Answer(names[1], confidence), note=note)
        )
    rule = "The pairs of classes most often confused, over all conditions; of each the wrong answer given most surely."
    return Gallery("Pairs most confused", rule, tuple(samples)) if samples else None


__all__ = [
    "CLASS_METRICS",
    "class_gallery",
    "class_scores",
    "class_warnings",
]
