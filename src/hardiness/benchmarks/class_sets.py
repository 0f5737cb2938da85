"""Photographs whose label is a set of classes, asked among a subset or among all; conditions are folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, make_dataclass, replace
from functools import cache
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, ScoreTexts, register
from hardiness.benchmarks.confidence import confidence_charts, confidence_details
from hardiness.benchmarks.explained import explained_chart
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import Photographs, prepared
from hardiness.benchmarks.selective import SELECTIVE_EXPLANATIONS, SELECTIVE_TITLES, selective_scores
from hardiness.benchmarks.shares import CALIBRATION, EXPLANATIONS, TITLES, accuracy, answered, confidence_scores
from hardiness.core import (
    RIGHT,
    Canvas,
    Columns,
    Condition,
    DataError,
    DataRoot,
    DataSet,
    Dots,
    Expansion,
    Heat,
    Image,
    ImageTable,
    Item,
    Layer,
    Observer,
    Records,
    Result,
    Run,
    Score,
    Section,
)
from hardiness.imaging import decode, on_canvas
from hardiness.reference import CLASS_SETS, ClassSet, class_set
from hardiness.statistics import Estimate, Measurable, mean, share

CARD, IMAGENET_CLASSES = "class_sets", 1000
TWIN_QUESTION = "How often is the model right on clean photographs of ObjectNet's classes?"
OWN_VIEW, TWIN = "-own-view", "-clean"
"""What the names of further benchmarks of a set end with."""


def set_of(benchmark: str) -> ClassSet:
    """The set that a benchmark is of, whatever view it is read under, or whether it is the clean twin.

    One that is none of ours has no folders: each label is the one class that its rows name.
    """
    name = benchmark.removesuffix(OWN_VIEW).removesuffix(TWIN)
    return class_set(name) if name in CLASS_SETS else ClassSet(name, name, "", "", "", "", {}, "all", "one class each")


@dataclass(frozen=True)
class ClassSetPhotographs(Photographs):
    """Accuracy on one set; base of the benchmarks that its data file describes.

    Class attributes:
        described: the set.
    """

    card: ClassVar[str] = CARD
    described: ClassVar[ClassSet]

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, what is cut off before the view, then one crop for each canvas."""
        photograph = self.cut(decode(item.file.read(), item.file.name))
        images = tuple(on_canvas(photograph, prepared(item, canvas)) for canvas in canvases)
        for condition in conditions:
            yield Expansion(condition, 0, images)

    def cut(self, photograph: Image) -> Image:
        """The photograph without its border, or its centre square."""
        if border := self.described.border_px:
            photograph = photograph[border:-border, border:-border]
        if side := self.described.first_crop_px:
            photograph = on_canvas(photograph, Canvas(side, side, "bilinear", "unresized"))
        return np.ascontiguousarray(photograph)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, and among those of all labels where the set is asked so."""
        _need_imagenets(logits, self.name)
        if self.described.among == "all":
            return decisions.argmax(logits, labels)
        return decisions.subset_columns(logits, labels, self.described.classes)


class CleanTwin(ClassSetPhotographs):
    """The validation photographs of a set's classes, each label being the set's: what a shift is held against."""

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs of ImageNet whose class belongs to a label of the set, grouped by these labels.

        Raises:
            DataError: there is none, or the classes are not ImageNet's.
        """
        found = data.dataset("imagenet")
        labels = self.described.labels
        group_of = {index: group for group, indices in labels.items() for index in indices}
        items = [
            replace(item, id=f"{group}/{item.id.replace('/', '-')}", label=labels[group][0])
            for item in found.items
            if (group := group_of.get(item.label))
        ]
        if not items or found.class_names is not None:
            raise DataError(
                f"{self.name} needs photographs of ImageNet's classes, and {found.location} has none of its "
                f"{len(group_of)}; give --data imagenet=PATH"
            )
        digest = hashlib.sha256(f"{self.name} {found.fingerprint}".encode()).hexdigest()
        ordered = tuple(sorted(items, key=lambda item: item.id))
        return replace(found, items=ordered, fingerprint=digest, released=50 * len(group_of))

    def lacks(self, data: DataRoot) -> str:
        """A suite leaves it out where the set itself is not there: nothing would be held against it."""
        return super().lacks(data) or ("" if data.has(self.described.name) else f"no data set {self.described.name}")

    def cut(self, photograph: Image) -> Image:
        """The photograph: it has no border."""
        return photograph


def _need_imagenets(logits: NDArray[np.float32], name: str) -> None:
    if logits.shape[1] != IMAGENET_CLASSES:
        raise DataError(f"{name} needs a model of ImageNet's 1,000 classes, and this one has {logits.shape[1]:,}")


@cache
def class_set_benchmark(name: str) -> type[ClassSetPhotographs]:
    """The benchmark of that name: a set's own, that in each model's own view (``-own-view``), or its clean twin."""
    described = set_of(name)
    own, twin = name.endswith(OWN_VIEW), name.endswith(TWIN)
    attributes: dict[str, Any] = {
        "__doc__": f"{described.question}\n\nSource: {described.source}",
        "__module__": __name__,
        "name": name,
        "question": TWIN_QUESTION if twin else described.question,
        "paper": described.paper,
        "protocol": described.own_view_protocol if own else described.protocol,
        "needs": ("imagenet",) if twin else (described.name,),
        "described": described,
        "canvas": None if own or twin else described.canvas,
    }
    title = "".join(word.capitalize() for word in name.split("-"))
    base = CleanTwin if twin else ClassSetPhotographs
    return final(make_dataclass(title, (), bases=(base,), namespace=attributes, frozen=True))


def names() -> Iterator[str]:
    """The benchmarks of all sets."""
    for name in CLASS_SETS:
        described = class_set(name)
        yield name
        yield from (f"{name}{OWN_VIEW}" for _ in filter(None, [described.own_view_protocol]))
        yield from filter(None, [described.clean_twin])


for _name in names():
    registry.register(_name, class_set_benchmark(_name), f"reference/class_sets/{set_of(_name).name}.json")


@register(CARD)
@final
class ClassSets(Card):
    """Top-1 where the answer is any of a label's classes: over all photographs or as a mean over parts, and by part.

    Source: each set's file in ``reference/class_sets``; Taori et al. (2020), arXiv:2007.00644, for labels of several
        classes and their clean twin.
    """

    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "subset_prediction", "subset_confidence")
    titles: ClassVar[Mapping[str, str]] = {**TITLES, **SELECTIVE_TITLES, "bg_gap": "background gap"}
    keys: ClassVar[tuple[str, ...]] = ("protocol",)
    place: ClassVar[int] = 36
    group: ClassVar[str] = "natural shift"
    explanations: ClassVar[Mapping[str, str]] = {**EXPLANATIONS, **SELECTIVE_EXPLANATIONS}

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong by the classes that the photograph's group names, the answer and its confidence."""
        described = set_of(run.benchmark.name)
        within = "subset_" if described.among == "labels" else ""
        columns = answered(records, f"{within}prediction", f"{within}confidence")
        columns[RIGHT] = _is_right(described, records, f"{within}prediction")
        if within:
            columns["right_1000-way"] = _is_right(described, records, "prediction")
        return ImageTable.from_rows(records, run.conditions, columns)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The headline, its calibration and AURRA, other rules, the gap, then each part."""
        described = set_of(run.benchmark.name)
        right = table[RIGHT][:, 0] == 1
        parts = _parts(described, table.ids) if described.parts else np.full(len(right), -1)
        found = [_headline(described, table.ids, right, parts)]
        chosen = _headline_rows(described, parts)
        found += confidence_scores(table["confidence"][chosen, 0], right[chosen])
        found += selective_scores(table) if chosen.all() else []
        if described.among == "labels":
            protocol = described.among_all_protocol or "1000-way"
            found.append(accuracy("top1", table["right_1000-way"][chosen, 0] == 1, Condition(protocol=protocol)))
        found += _gap(described, table.ids, right, parts)
        for place, part in enumerate(described.parts):
            if (parts == place).any():
                found.append(accuracy("top1", right[parts == place], part.condition))
        return found

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """Top-1, where it is over all photographs."""
        right = table[RIGHT][:, 0] == 1
        over_all = set_of(run.benchmark.name).headline == "all"
        return [share("top1", right)] if over_all else []

    def is_headline(self, score: Score) -> bool:
        """Accuracies, the gap, RMS calibration error and AURRA are always shown."""
        return score.metric not in CALIBRATION and super().is_headline(score)

    def column_scores(self, scores: Sequence[Score]) -> list[Score]:
        """The scores of the whole set: those of parts stand in a figure."""
        return [score for score in scores if set(score.condition) <= {"protocol"}]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Reliability and coverage. Of ObjectNet no picture is ever shown unless one asks for it."""
        return {**confidence_details(table)}

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, accuracy by part, what clean accuracy explains, and how far confidence is trusted."""
        described = set_of(results[0].benchmark)
        by_part = _matrix(described, results) if described.axes else _by_part(described, results)
        charts = [by_part, explained_chart(results), *confidence_charts(results)]
        return replace(super().view(results), charts=[chart for chart in charts if chart])

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """The share answered rightly."""
        top1 = known.value("top1")
        return f"answers {100 * top1:.1f} % of {result.benchmark} rightly" if top1 is not None else ""


def _is_right(described: ClassSet, records: Records, answers: str) -> NDArray[np.bool_]:
    """``(N,)`` whether each answer is one of the classes that its photograph's group names."""
    groups = [str(sample).rpartition("/")[0].rpartition("/")[2] for sample in records["sample"].tolist()]
    found = records[answers].astype(np.int64)
    codes = {group: code for code, group in enumerate(dict.fromkeys(groups))}
    holds = np.zeros((len(codes), max(IMAGENET_CLASSES, int(found.max()) + 1)), bool)
    for group, code in codes.items():
        holds[code, list(described.right(group))] = True
    rows = np.array([codes[group] for group in groups], np.int64)
    unnamed = np.array([not described.right(group) for group in codes], bool)[rows]
    return np.asarray(np.where(unnamed, found == records["label"], holds[rows, found]))


def _parts(described: ClassSet, ids: NDArray[Any]) -> NDArray[np.int64]:
    """``(N,)`` the place of each photograph's part among those of the set."""
    places = {part.folder: place for place, part in enumerate(described.parts)}
    return np.array([places.get("/".join(str(sample).split("/")[:-2]), -1) for sample in ids.tolist()], np.int64)


def _headline_rows(described: ClassSet, parts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """``(N,)`` the photographs that the headline counts."""
    counted = [place for place, part in enumerate(described.parts) if part.counted]
    return np.isin(parts, counted) if described.parts else np.ones(len(parts), bool)


def _headline(described: ClassSet, ids: NDArray[Any], right: NDArray[np.bool_], parts: NDArray[np.int64]) -> Score:
    """Top-1 over all photographs, or the mean over the counted parts, by photograph."""
    rows = _headline_rows(described, parts)
    counted = [place for place, part in enumerate(described.parts) if part.counted]
    held = [place for place in counted if (parts == place).any()]
    if described.headline != "mean" or len(held) < 2:
        return accuracy("top1", right[rows])
    names = np.array(["/".join(str(sample).split("/")[-2:]) for sample in ids.tolist()], object)
    photographs, at = np.unique(names, return_inverse=True)
    values = np.full((len(photographs), len(held)), np.nan)
    for column, place in enumerate(held):
        values[at[parts == place], column] = right[parts == place]
    some = ~np.isnan(values).all(axis=1)
    found = mean(photographs[some], values[some])
    return Score("top1", found.value, "fraction", int(some.sum()), found.interval(0.0, 1.0))


def _gap(described: ClassSet, ids: NDArray[Any], right: NDArray[np.bool_], parts: NDArray[np.int64]) -> Iterator[Score]:
    """The difference of two parts' accuracies, where both were evaluated."""
    if not described.gap:
        return
    metric, *ends = described.gap
    places = [next(k for k, part in enumerate(described.parts) if end in part.condition.values()) for end in ends]
    held = [parts == place for place in places if (parts == place).any()]
    sides: list[Estimate] = [mean(ids[rows], right[rows]) for rows in held]
    if len(sides) == len(places):
        apart = sides[0] - sides[1]
        yield Score(metric, apart.value, "fraction", apart.n, apart.interval(-1.0, 1.0), False)


def _score_of(result: Result, condition: Condition) -> Score | None:
    return next((s for s in result.scores if (s.metric, s.condition) == ("top1", condition)), None)


def _by_part(described: ClassSet, results: Sequence[Result]) -> Dots | None:
    """Accuracy by part, a row each."""
    rows = {str(next(iter(part.condition.values()))).replace("_", " "): part.condition for part in described.parts}
    observers = []
    for result in results:
        known = {name: score for name, condition in rows.items() if (score := _score_of(result, condition))}
        observers.append(Observer(result.name, _score_of(result, Condition()), known))
    if not any(each.by_row for each in observers):
        return None
    return Dots(
        "accuracy_by_part",
        f"{described.title}: accuracy by {next(iter(described.parts[0].condition))}",
        "Accuracy on each part of the set; lines are 95 % intervals.",
        "accuracy, higher is better",
        ("", ""),
        "headline",
        tuple(name for name in rows if any(name in each.by_row for each in observers)),
        tuple(observers),
        bars=True,
    )


def _matrix(described: ClassSet, results: Sequence[Result]) -> Heat | None:
    """Accuracy by the settings of the counted parts, rows and columns as the set says."""
    down, across = described.axes
    counted = [part.condition for part in described.parts if part.counted]

    def named(condition: Condition, keys: Sequence[str]) -> str:
        return " ".join(f"ISO {condition[key]}" if key == "iso" else str(condition[key]) for key in keys)

    rows = tuple(dict.fromkeys(named(each, down) for each in counted))
    heads = tuple(dict.fromkeys(named(each, across) for each in counted))
    layers = []
    for result in results:
        values = {(named(c, down), named(c, across)): s.value for c in counted if (s := _score_of(result, c))}
        if values:
            layers.append(Layer(result.name, tuple(tuple(values.get((row, head)) for head in heads) for row in rows)))
    if not layers:
        return None
    return Heat(
        "accuracy_by_setting",
        f"{described.title}: accuracy by light, aperture, shutter and ISO",
        "Accuracy on the same photographs under each setting of the camera, in percent.",
        ", ".join(down),
        heads,
        rows,
        tuple(layers),
        higher_is_better=True,
        across=", ".join(across),
    )
