"""Photographs whose label is a set of classes, asked among a subset or among all; conditions are folders."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.galleries import Gallery, galleries, galleries_kept
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import Photographs, prepared
from hardiness.benchmarks.reliability import confidence_details
from hardiness.benchmarks.shares import (
    PHOTOGRAPH_METRICS,
    SELECTIVE_METRICS,
    TOP1,
    accuracy,
    answered,
    confidence_scores,
    selective_scores,
)
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Image, Item
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError
from hardiness.core.fact import Fact
from hardiness.core.model import IMAGENET_CLASSES, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.reference.class_sets import CLASS_SETS, ClassSet, class_set
from hardiness.reference.classes import wnid_indices
from hardiness.statistics.clusters import EstimateBasis
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.measures import Measurable, WeightedSum, share, weighted_sum

CARD = "class_sets"
CLEAN_IMAGES = 50
"""The number of photographs of each class in ImageNet's validation set."""

TWIN_QUESTION = "How often is the model right on clean photographs of ObjectNet's classes?"

OWN_VIEW = "-own-view"
"""The ending of the name of a set's benchmark in each model's own view."""

GAPS = {
    metric.name: metric
    for metric in (
        Metric(
            "bg_gap",
            "background gap",
            higher_is_better=False,
            signed=True,
            explanation="accuracy where the background is of the same class minus accuracy where it is of another.",
        ),
        Metric(
            "drop_from_originals",
            "drop from the originals",
            higher_is_better=False,
            signed=True,
            explanation="top-1 on the original photographs minus top-1 on the changed ones.",
        ),
    )
}
"""Differences of two parts' accuracies, by the names that data files of sets have for them."""


def class_set_of(run: Run) -> ClassSet:
    """The set that a run is of.

    One of another package has no folders: each label is the one class that its rows name.
    """
    name = run.benchmark.name
    benchmark = registry.find(name)
    if benchmark is not None and issubclass(benchmark, ClassSetPhotographs):
        return benchmark.described
    return ClassSet(name, name, "", "", "", "", {}, "all", "one class each")


@dataclass(frozen=True)
class ClassSetPhotographs(Photographs):
    """Accuracy on one set; base of the benchmarks that its data file describes.

    Class attributes:
        described: the set.
    """

    card: ClassVar[str] = CARD
    marks_in_own_view: ClassVar[bool] = True
    described: ClassVar[ClassSet]

    def __reduce__(self) -> tuple[Callable[[str], Benchmark], tuple[str]]:
        """The name: no module has a class made of a data file, so another process makes its own."""
        return _named, (self.name,)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, what is cut off before the view, then one crop for each canvas."""
        photograph = self.cut(imaging.decode(item.file.read(), item.file.name))
        images = tuple(imaging.on_canvas(photograph, prepared(item, canvas)) for canvas in canvases)
        for condition in conditions:
            yield Expansion(condition, 0, images)

    def cut(self, photograph: Image) -> Image:
        """The photograph without its border, or its centre square."""
        if border := self.described.border_px:
            photograph = photograph[border:-border, border:-border]
        if side := self.described.first_crop_px:
            photograph = imaging.on_canvas(photograph, Canvas(side, side, "bilinear", "unresized"))
        return np.ascontiguousarray(photograph)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, and among those of all labels where the set is asked so."""
        _refuse_other_classes(logits, self.name)
        if self.described.among == "all":
            return decisions.argmax(logits, labels)
        return decisions.subset_columns(logits, labels, self.described.classes)


class CleanTwin(ClassSetPhotographs):
    """The validation photographs of a set's classes, each label being the set's, which a shift is held against."""

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs of ImageNet whose class belongs to a label of the set, grouped by these labels.

        Raises:
            DataError: there is none, or the classes are not ImageNet's.
        """
        photographs = data.dataset("imagenet")
        labels = self.described.labels
        group_of = {index: group for group, indices in labels.items() for index in indices}
        items = [
            replace(item, id=f"{group}/{item.id.replace('/', '-')}", label=labels[group][0])
            for item in photographs.items
            if (group := group_of.get(item.label))
        ]
        if not items or photographs.class_names is not None:
            raise DataError(
                f"{self.name} needs photographs of ImageNet's classes, and {photographs.location} has none of its "
                f"{len(group_of)}; give --data imagenet=PATH"
            )
        digest = hashlib.sha256(f"{self.name} {photographs.fingerprint}".encode()).hexdigest()
        ordered = tuple(sorted(items, key=lambda item: item.id))
        return replace(photographs, items=ordered, fingerprint=digest, released=self.images)

    def lacks(self, data: DataRoot) -> Fact | None:
        """The data that are missing, the set itself among them: without it nothing is held against its clean twin."""
        absent = Fact(DataRemark.LACKS_DATA, {"sets": (self.described.name,)})
        return super().lacks(data) or (None if data.has(self.described.name) else absent)

    def cut(self, photograph: Image) -> Image:
        """The photograph: it has no border."""
        return photograph


def _refuse_other_classes(logits: NDArray[np.float32], name: str) -> None:
    if logits.shape[1] != IMAGENET_CLASSES:
        raise DataError(f"{name} needs a model of ImageNet's 1,000 classes, and this one has {logits.shape[1]:,}")


def _named(name: str) -> Benchmark:
    return registry.get(name)()


def _benchmark(described: ClassSet, name: str) -> type[ClassSetPhotographs]:
    """The benchmark of that name: a set's own, that in each model's own view, or its clean twin."""
    own, twin = name.endswith(OWN_VIEW), name == described.clean_twin
    attributes: dict[str, Any] = {
        "__doc__": f"{described.question}\n\nSource: {described.source}",
        "__module__": __name__,
        "name": name,
        "question": TWIN_QUESTION if twin else described.question,
        "paper": described.paper,
        "protocol": described.own_view_protocol if own else described.protocol,
        "second_protocol": described.among_all_protocol,
        "needs": ("imagenet",) if twin else (described.name,),
        "needs_imagenet_classes": twin,
        "described": described,
        "clean_twin": described.clean_twin,
        "images": CLEAN_IMAGES * len(described.classes) if twin else described.images,
        "border_rgb": () if twin else described.border_rgb,
        "canvas": None if own or twin else described.canvas,
    }
    title = "".join(word.capitalize() for word in name.split("-"))
    base = CleanTwin if twin else ClassSetPhotographs
    return final(make_dataclass(title, (), bases=(base,), namespace=attributes, frozen=True))


@registry.family
def _benchmarks() -> Iterator[tuple[str, type[ClassSetPhotographs], str]]:
    """The benchmarks of each set: its own, that in each model's own view where both are published, its clean twin."""
    for set_name in CLASS_SETS:
        described = class_set(set_name)
        own_view = f"{set_name}{OWN_VIEW}" if described.own_view_protocol else ""
        for name in filter(None, (set_name, own_view, described.clean_twin)):
            yield name, _benchmark(described, name), f"reference/class_sets/{set_name}.json"


@register(CARD)
@final
class ClassSets(Card):
    """Top-1 where the answer is any of a label's classes: over all photographs or as a mean over parts, and by part.

    Source: each set's file in ``reference/class_sets``; Taori et al. (2020), arXiv:2007.00644, for labels of several
        classes and their clean twin.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "subset_prediction", "subset_confidence")
    metrics: ClassVar[tuple[Metric, ...]] = (*PHOTOGRAPH_METRICS, *GAPS.values(), *SELECTIVE_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("protocol",)
    place: ClassVar[int] = 36
    group: ClassVar[str] = "natural shift"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong by the classes that the photograph's group names, the answer and its confidence."""
        described = class_set_of(run)
        within = "subset_" if described.among == "labels" else ""
        columns = answered(records, f"{within}prediction", f"{within}confidence")
        if run.benchmark.protocol == described.own_view_protocol:
            described = replace(described, never_right=())
        columns[RIGHT] = _is_right(described, records, f"{within}prediction")
        if within:
            columns["right_1000-way"] = _is_right(described, records, "prediction")
        return ImageTable.from_rows(records, run.conditions, columns)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The headline, its calibration and AURRA, other rules, the gap, then each part."""
        described = class_set_of(run)
        right = table[RIGHT][:, 0] == 1
        parts, levels = _places(described, table.ids)
        scores = [_headline(described, table.ids, right, parts)]
        chosen = _headline_rows(described, parts)
        scores += confidence_scores(table["confidence"][chosen, 0], right[chosen], ids=table.ids[chosen])
        scores += selective_scores(table) if chosen.all() else []
        if described.among == "labels":
            protocol = described.among_all_protocol or "1000-way"
            among_all = table["right_1000-way"][chosen, 0] == 1
            scores.append(accuracy(TOP1, among_all, Condition(protocol=protocol), ids=table.ids[chosen]))
        scores += _gap(described, table.ids, right)
        for place, part in enumerate(described.parts):
            if (parts == place).any():
                of_part = parts == place
                scores.append(accuracy(TOP1, right[of_part], part.condition, ids=table.ids[of_part]))
        return [*scores, *_level_scores(described, table.ids, right, parts, levels)]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Top-1, over all photographs or as a mean over parts, and the gap where there is one."""
        described, right = class_set_of(run), table[RIGHT][:, 0] == 1
        over_all = share(TOP1, right) if described.headline == "all" else None
        headline = over_all or _headline_score(described, table.ids, right)
        return [score for score in (headline, _gap_score(described, table.ids, right)) if score is not None]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Reliability, coverage, and the surest mistakes."""
        mistakes = _mistakes(class_set_of(run), table, self.class_namer(run))
        return {**confidence_details(table), **galleries_kept(mistakes)}


def _mistakes(described: ClassSet, table: ImageTable, name: Callable[[int], str]) -> Iterator[Gallery]:
    """The surest mistakes, each labelled by its folder, or by all classes that are right."""
    for gallery in galleries(table, name):
        yield replace(
            gallery,
            samples=tuple(replace(sample, label=_label(described, sample.id, name)) for sample in gallery.samples),
        )


def _label(described: ClassSet, sample: str, name: Callable[[int], str]) -> str:
    """The label of a photograph, in words."""
    group = sample.split("/")[-2]
    if group in described.labels and group not in wnid_indices():
        return group.replace("_", " ")
    return " or ".join(map(name, described.right(group))) or group


def _is_right(described: ClassSet, records: Records, answers: str) -> NDArray[np.bool_]:
    """``(N,)`` whether each answer is one of the classes that its photograph's group names."""
    groups = [str(sample).rpartition("/")[0].rpartition("/")[2] for sample in records["sample"].tolist()]
    predictions = records[answers].astype(np.int64)
    codes = {group: code for code, group in enumerate(dict.fromkeys(groups))}
    holds = np.zeros((len(codes), max(IMAGENET_CLASSES, int(predictions.max()) + 1)), bool)
    for group, code in codes.items():
        if group not in described.never_right:
            holds[code, list(described.right(group))] = True
    rows = np.array([codes[group] for group in groups], np.int64)
    unnamed = np.array([not described.right(group) for group in codes], bool)[rows]
    return np.asarray(np.where(unnamed, predictions == records["label"], holds[rows, predictions]))


def _places(described: ClassSet, ids: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """``(N,)`` the place of each photograph's part among those of the set, -1 for none, and what was set within it."""
    places = {part.folder: place for place, part in enumerate(described.parts)}
    parts, levels = np.full(len(ids), -1), np.full(len(ids), "", object)
    for row, sample in enumerate(ids.tolist()):
        above = "/".join(str(sample).split("/")[:-2])
        if above not in places and described.levels:
            above, _, levels[row] = above.rpartition("/")
        parts[row] = places.get(above, -1)
    return parts, levels


def _headline_rows(described: ClassSet, parts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``(N,)`` the photographs that the headline counts."""
    counted = [place for place, part in enumerate(described.parts) if part.counted]
    return np.isin(parts, counted) if described.parts else np.ones(len(parts), bool)


@dataclass(frozen=True, eq=False)
class PartsScore:
    """A weighted sum of parts' accuracies, paired on the photographs that parts share: a mean over them, or a gap.

    Attributes:
        measured: the metric.
        names: ``(N,)`` of the photograph that each picture is of.
        columns: ``(N,)`` the part of each picture, as its place in ``weights``; -1 where it does not count.
        right: ``(N,)`` whether it was answered rightly.
        weights: ``(M,)`` of the parts.
    """

    measured: Metric
    names: NDArray[np.object_]
    columns: NDArray[np.int64]
    right: NDArray[np.bool_]
    weights: NDArray[np.float64]
    condition: Condition = field(default_factory=Condition)
    compared: ClassVar[bool] = True

    @property
    def metric(self) -> str:
        return self.measured.name

    @property
    def higher_is_better(self) -> bool:
        return self.measured.higher_is_better

    @property
    def span(self) -> float:
        return self._sum(np.arange(len(self.names)))[0].span

    def estimate(self, places: NDArray[np.int64]) -> Estimate:
        """The score of the pictures at these places; its ids are the first place of each photograph."""
        total, firsts = self._sum(places)
        estimate = total.estimate(np.arange(len(firsts)))
        return replace(estimate, ids=firsts[estimate.ids])

    def lacks(self, places: NDArray[np.int64]) -> Fact | None:
        """Why the pictures at these places are too few; ``None`` where they are not."""
        total, firsts = self._sum(places)
        return total.lacks(np.arange(len(firsts)))

    def _sum(self, places: NDArray[np.int64]) -> tuple[WeightedSum, NDArray[np.int64]]:
        """The score of these pictures by photograph, and the first place of each."""
        chosen = np.asarray(places)[self.columns[places] >= 0]
        _, begins, at = np.unique(self.names[chosen], return_index=True, return_inverse=True)
        order = np.argsort(begins)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        values = np.full((len(order), len(self.weights)), np.nan)
        values[rank[at], self.columns[chosen]] = self.right[chosen]
        return weighted_sum(self.measured, values, self.weights), chosen[begins[order]]


def _parts_score(
    described: ClassSet, metric: Metric, weights: Mapping[int, float], ids: NDArray[Any], right: NDArray[np.bool_]
) -> PartsScore:
    """The sum of the accuracies of parts, each by its place, times these weights."""
    parts, _ = _places(described, ids)
    columns = np.full(len(parts), -1)
    for column, place in enumerate(weights):
        columns[parts == place] = column
    names = np.array(["/".join(str(sample).split("/")[-2:]) for sample in ids.tolist()], object)
    return PartsScore(metric, names, columns, right, np.array(list(weights.values())))


def _headline_score(described: ClassSet, ids: NDArray[Any], right: NDArray[np.bool_]) -> PartsScore | None:
    """Top-1 as a mean over the counted parts, by photograph; ``None`` where it is over photographs themselves."""
    parts, _ = _places(described, ids)
    present = [place for place, part in enumerate(described.parts) if part.counted and (parts == place).any()]
    if described.headline == "all" or not present:
        return None
    return _parts_score(described, TOP1, dict.fromkeys(present, 1 / len(present)), ids, right)


def _gap_score(described: ClassSet, ids: NDArray[Any], right: NDArray[np.bool_]) -> PartsScore | None:
    """The difference of two parts' accuracies, or of a part's less the counted ones'; ``None`` without one."""
    if not described.gap:
        return None
    metric, *ends = described.gap
    parts, _ = _places(described, ids)
    weights: dict[int, float] = {}
    for end, sign in zip(ends, (1.0, -1.0), strict=True):
        present = [
            place
            for place, part in enumerate(described.parts)
            if (end in part.condition.values() if end else part.counted) and (parts == place).any()
        ]
        if not present:
            return None
        weights |= dict.fromkeys(present, sign / len(present))
    return _parts_score(described, GAPS[metric], weights, ids, right)


def _headline(described: ClassSet, ids: NDArray[Any], right: NDArray[np.bool_], parts: NDArray[np.int64]) -> Score:
    """Top-1 over all photographs, or the mean over the counted parts, by photograph."""
    score = _headline_score(described, ids, right)
    if score is None or len(score.weights) < 2:
        counted = _headline_rows(described, parts)
        return accuracy(TOP1, right[counted], ids=ids[counted])
    estimate = score.estimate(np.arange(len(ids)))
    basis = EstimateBasis(lambda: replace(estimate, ids=ids[estimate.ids]), 0.0, 1.0, has_two_tests=True)
    return TOP1.score(estimate.value, estimate.n, estimate.spread_of_cells(1.0), basis=basis)


def _gap(described: ClassSet, ids: NDArray[Any], right: NDArray[np.bool_]) -> Iterator[Score]:
    """The difference of two parts' accuracies, where both were evaluated."""
    if score := _gap_score(described, ids, right):
        difference = score.estimate(np.arange(len(ids)))
        basis = EstimateBasis(lambda: replace(difference, ids=ids[difference.ids]), -1.0, 1.0)
        yield score.measured.score(difference.value, difference.n, difference.spread(-1.0, 1.0), basis=basis)


def _by_number(level: str) -> tuple[float, str]:
    """The sorting key of a level: numbers by their size, before words."""
    try:
        return float(level), ""
    except ValueError:
        return math.inf, level


def _level_scores(
    described: ClassSet,
    ids: NDArray[Any],
    right: NDArray[np.bool_],
    parts: NDArray[np.int64],
    levels: NDArray[np.object_],
) -> Iterator[Score]:
    """Accuracy at each level of each part, numbers by their size."""
    for place in np.unique(parts).tolist():
        base = dict(described.parts[place].condition) if place >= 0 else {}
        for level in sorted(set(levels[parts == place].tolist()) - {""}, key=_by_number):
            there = (parts == place) & (levels == level)
            yield accuracy(TOP1, right[there], Condition(**base, **{described.level: level}), ids=ids[there])
