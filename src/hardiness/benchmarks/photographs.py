"""Photographs as they are, each classified once: ImageNet and the sets beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import imaging, reference
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.losses import COLUMN, loss_columns
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.reliability import confidence_details
from hardiness.benchmarks.shares import (
    BRIER,
    NLL,
    PHOTOGRAPH_METRICS,
    SELECTIVE_METRICS,
    TOP1,
    TOP5,
    accuracy,
    answered,
    classes,
    confidence_measurables,
    confidence_scores,
    conformal_scores,
    selective_scores,
)
from hardiness.benchmarks.temperature import temperature_scores
from hardiness.benchmarks.validation_subsets import HELP, check_subset, part_of
from hardiness.core.benchmark import AS_IT_IS, Benchmark, DataRoot, DataSet, Expansion, Image, Item
from hardiness.core.condition import Condition
from hardiness.core.errors import SampleError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.metrics.imagenet_real import FIRST_FIVE
from hardiness.reference.small_pictures import SmallPictures, small_pictures
from hardiness.statistics.measures import Measurable, share

UNDISTURBED = "clean"
"""The group of photographs that set what a shift is held against."""

SHIFTED_SETS = ("imagenet-a", "imagenet-r")
"""Sets of 200 classes within which rows may have an answer of their own, so that shifted sets can be compared."""


CLASSES_FOR_TOP5 = 20
"""Classes of one's own from which on the first five answers are a score: of fewer a guess is often among them."""


class Photographs(Benchmark):
    """A data set of labelled photographs, each classified once in the model's own view."""

    card: ClassVar[str] = "classification"

    def dataset(self, data: DataRoot) -> DataSet:
        """The data set this benchmark is named after in ``needs``."""
        return data.dataset(self.needs[0])

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, then one crop for each canvas."""
        photograph = imaging.decode(item.file.read(), item.file.name)
        views = [prepared(item, canvas) for canvas in canvases]
        images = tuple(imaging.on_canvas(photograph, canvas) for canvas in views)
        for condition in conditions:
            yield Expansion(condition, 0, images)

    decide = staticmethod(decisions.argmax)


class CalibratedPhotographs(Photographs):
    """Photographs of all classes whose rows also keep the sums that temperature scaling takes."""

    marks_in_own_view: ClassVar[bool] = True
    decide = staticmethod(decisions.with_temperatures)

    def at_own_size(self) -> Benchmark | None:
        """Itself where it is of ordinary photographs, of one's own or of ImageNet; no shifted set is shown so."""
        return self if self.group == UNDISTURBED else None


def prepared(item: Item, canvas: Canvas) -> Canvas:
    """The canvas for an item; one that is on its own already is resized where the model's is larger, never cropped."""
    if AS_IT_IS not in item.tags:
        return canvas
    return replace(canvas, resize_px=canvas.crop_px, interpolation="bicubic", crop_mode="squash")


class SubsetPhotographs(Photographs):
    """A data set over 200 of the 1,000 classes, decided among those 200."""

    card: ClassVar[str] = "subset_classification"
    marks_in_own_view: ClassVar[bool] = True

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max and softmax among the 200 classes, and the 1,000-way decision beside them."""
        return decisions.subset_columns(logits, labels, reference.subset(self.needs[0]))


def sized(image: Image, name: str, pictures: str, canvas: Canvas = CANVAS_224) -> Image:
    """The picture itself: it has the size of the fixed canvas, so nothing is resampled.

    Args:
        image: the decoded picture.
        name: the file, for the message.
        pictures: the pictures that have this size, for the message.
        canvas: the fixed canvas.

    Raises:
        SampleError: it has another size.
    """
    side = canvas.crop_px
    if image.shape[:2] != (side, side):
        raise SampleError(f"{name}: must be {side}x{side} pixels as {pictures}, was {image.shape[1]}x{image.shape[0]}")
    return image


@register("classification")
@final
class Classification(Card):
    """Top-1, top-5, calibration and AURRA over all of the model's classes, then top-1 within ImageNet-A's and -R's 200.

    Source: Orhan (2019), arXiv:1907.07640; Hendrycks et al. (2019), arXiv:1907.07174.
    """

    columns: ClassVar[tuple[str, ...] | None] = (
        "prediction",
        "confidence",
        "top5_class",
        "logsumexp",
        "label_logit",
        COLUMN,
        *(f"prediction_{subset}" for subset in SHIFTED_SETS),
    )
    stops_on: ClassVar[str] = "top-1"
    metrics: ClassVar[tuple[Metric, ...]] = (*PHOTOGRAPH_METRICS, *SELECTIVE_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("protocol", "decision")
    place: ClassVar[int] = 25
    group: ClassVar[str] = "natural shift"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the first five answers, confidence and losses, and the answers within the 200s."""
        top5 = (records["top5_class"] == records["label"][:, None]).any(axis=1)
        within = {f"answer_{subset}": f"prediction_{subset}" for subset in SHIFTED_SETS}
        images = {name: classes(records[column]) for name, column in within.items() if column in records}
        images |= {name: classes(records["top5_class"][:, place]) for place, name in enumerate(FIRST_FIVE)}
        images |= loss_columns(records)
        return ImageTable.from_rows(records, run.conditions, {**answered(records), "right_top5": top5}, images)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Accuracy, calibration and selective prediction, each over all images."""
        right = table[RIGHT][:, 0] == 1
        losses = {metric.name: table[metric.name] for metric in (BRIER, NLL) if metric.name in table}
        scores = [
            accuracy(TOP1, right, ids=table.ids),
            *([] if _says_nothing(run) else [accuracy(TOP5, table["right_top5"][:, 0] == 1, ids=table.ids)]),
            *confidence_scores(table["confidence"][:, 0], right, losses, ids=table.ids),
            *temperature_scores(table),
            *selective_scores(table),
            *(conformal_scores(table) if self.group_of(run) == UNDISTURBED else ()),
        ]
        for subset in SHIFTED_SETS:
            if f"answer_{subset}" in table:
                answer = table[f"answer_{subset}"]
                inside = answer >= 0
                same = answer[inside] == table.label[inside]
                scores.append(accuracy(TOP1, same, Condition(decision=f"{subset}-200"), ids=table.ids[inside]))
        return scores

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Top-1, calibration and AURRA; top-5 beside."""
        top5 = share(TOP5, table.equals("right_top5")[:, 0], compared=False)
        return [*confidence_measurables(table), top5]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Reliability and coverage, and the pictures behind the numbers."""
        return {**super().details(table, run), **confidence_details(table)}


@register("subset_classification")
@final
class SubsetClassification(Card):
    """Top-1 within the 200 classes, its calibration and AURRA, and the 1,000-way top-1 beside it.

    Source: Hendrycks et al. (2019), arXiv:1907.07174; Hendrycks et al. (2020), arXiv:2006.16241.
    """

    columns: ClassVar[tuple[str, ...] | None] = (
        "prediction",
        "subset_prediction",
        "subset_confidence",
        "subset_logsumexp",
        "subset_label_logit",
        f"subset_{COLUMN}",
    )
    stops_on: ClassVar[str] = "top-1"
    metrics: ClassVar[tuple[Metric, ...]] = (*PHOTOGRAPH_METRICS, *SELECTIVE_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("protocol", "decision")
    place: ClassVar[int] = 26
    group: ClassVar[str] = "natural shift"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence and losses among the 200 classes, and right or wrong among all."""
        within = answered(records, "subset_prediction", "subset_confidence")
        among_all = {"right_1000-way": records["prediction"] == records["label"]}
        losses = loss_columns(records, "subset_")
        return ImageTable.from_rows(records, run.conditions, {**within, **among_all}, losses)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Accuracy, calibration and selective prediction, each over all images."""
        right = table[RIGHT][:, 0] == 1
        losses = {metric.name: table[metric.name] for metric in (BRIER, NLL) if metric.name in table}
        return [
            accuracy(TOP1, right, ids=table.ids),
            *confidence_scores(table["confidence"][:, 0], right, losses, ids=table.ids),
            *temperature_scores(table),
            *selective_scores(table),
            accuracy(TOP1, table["right_1000-way"][:, 0] == 1, Condition(decision="1000-way"), ids=table.ids),
        ]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Top-1 within the 200 classes, calibration and AURRA; top-1 among all classes beside."""
        among_all = table.equals("right_1000-way")[:, 0]
        return [*confidence_measurables(table), share(TOP1, among_all, Condition(decision="1000-way"), compared=False)]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Reliability and coverage, and the pictures behind the numbers."""
        return {**super().details(table, run), **confidence_details(table)}


@registry.add("imagenet-val")
@final
@dataclass(frozen=True)
class ImagenetVal(CalibratedPhotographs):
    """Clean accuracy and calibration, single crop, in the model's own view.

    Source: Orhan (2019), arXiv:1907.07640, ``evaluate_validation.py``; Russakovsky et al. (2015), arXiv:1409.0575.
    """

    name: ClassVar[str] = "imagenet-val"
    question: ClassVar[str] = "Is the model right on ordinary photographs, and less sure where it is wrong?"
    paper: ClassVar[str] = "Russakovsky et al. 2015, arXiv:1409.0575"
    protocol: ClassVar[str] = "orhan2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    place: ClassVar[int | None] = 10
    group: ClassVar[str] = UNDISTURBED
    images: ClassVar[int] = 50_000
    stands_for: ClassVar[str] = "clean"
    warns_of_accuracy: ClassVar[bool] = True

    subset: str = field(default="", metadata={"help": HELP})

    def __post_init__(self) -> None:
        check_subset(self.name, self.subset)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs, a published part of them, or adversarial pictures where a folder of those was named."""
        return part_of(data.dataset("adversarial" if data.has("adversarial") else "imagenet"), self.subset)

    def lacks(self, data: DataRoot) -> Fact | None:
        """The data that are missing; a folder of adversarial pictures will do."""
        return None if data.has("adversarial") else super().lacks(data)

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and what temperature scaling takes.

        For ImageNet-A's and -R's classes also the answer among their 200 (else ``-1``).
        """
        columns = dict(super().decide(logits, labels))
        if logits.shape[1] == len(reference.wnids()):
            for subset in SHIFTED_SETS:
                classes = reference.subset(subset)
                prediction, _ = decisions.within_subset(logits, classes)
                columns[f"prediction_{subset}"] = np.where(np.isin(labels, classes), prediction, -1).astype(np.int32)
        return columns


@registry.add("own")
@final
@dataclass(frozen=True)
class Own(CalibratedPhotographs):
    """Accuracy, calibration and scores by class on your own pictures in your own classes, in the model's own view.

    Source: none but your data; each score is named after its own.
    """

    name: ClassVar[str] = "own"
    question: ClassVar[str] = "How often is the model right on your own pictures, and on each of your classes?"
    paper: ClassVar[str] = "your own data"
    protocol: ClassVar[str] = "own"
    needs: ClassVar[tuple[str, ...]] = ("own",)
    is_own: ClassVar[bool] = True
    stands_for: ClassVar[str] = "own classes"
    place: ClassVar[int | None] = 10
    group: ClassVar[str] = UNDISTURBED


def _says_nothing(run: Run) -> bool:
    """Whether a label is among the first five of so few classes of one's own, whatever the model has learned."""
    return run.has_own_classes and run.data.num_classes < CLASSES_FOR_TOP5


class SmallPhotographs(CalibratedPhotographs):
    """A test set of small pictures, at their own size.

    Class attributes:
        small: the declaration of the set.
    """

    small: ClassVar[SmallPictures]
    place: ClassVar[int | None] = 10

    def __reduce__(self) -> tuple[Callable[[str], Benchmark], tuple[str]]:
        """The name: no module has a class made of a data file, so another process looks it up."""
        return _of_name, (self.name,)

    def at_own_size(self) -> Benchmark | None:
        return self


def _of_name(name: str) -> Benchmark:
    return registry.get(name)()


@registry.add("imagenet-a")
@final
@dataclass(frozen=True)
class ImagenetA(SubsetPhotographs):
    """Natural adversarial examples: unmodified photographs that a ResNet-50 gets wrong.

    Source: Hendrycks et al. 2019, arXiv:1907.07174.
    """

    name: ClassVar[str] = "imagenet-a"
    question: ClassVar[str] = (
        "Is it right on photographs picked because networks fail on them, and less sure where it is wrong?"
    )
    paper: ClassVar[str] = "Hendrycks et al. 2019, arXiv:1907.07174"
    protocol: ClassVar[str] = "hendrycks2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-a",)
    place: ClassVar[int | None] = 20


@registry.add("imagenet-r")
@final
@dataclass(frozen=True)
class ImagenetR(SubsetPhotographs):
    """Renditions of 200 classes: art, cartoons, sculptures, toys, tattoos.

    Source: Hendrycks et al. 2020, arXiv:2006.16241.
    """

    name: ClassVar[str] = "imagenet-r"
    question: ClassVar[str] = "Does the model recognise an object that is drawn, carved or sewn?"
    paper: ClassVar[str] = "Hendrycks et al. 2020, arXiv:2006.16241"
    protocol: ClassVar[str] = "hendrycks2020"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-r",)


@registry.add("imagenet-sketch")
@final
@dataclass(frozen=True)
class ImagenetSketch(CalibratedPhotographs):
    """Black-and-white sketches of all 1,000 classes.

    Source: Wang et al. 2019, arXiv:1905.13549.
    """

    name: ClassVar[str] = "imagenet-sketch"
    question: ClassVar[str] = "Does the model recognise shape when texture and colour are gone?"
    paper: ClassVar[str] = "Wang et al. 2019, arXiv:1905.13549"
    protocol: ClassVar[str] = "wang2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-sketch",)


@registry.add("imagenet-v2")
@final
@dataclass(frozen=True)
class ImagenetV2(CalibratedPhotographs):
    """A second validation set, collected as the first one was.

    Source: Recht et al. 2019, arXiv:1902.10811.
    """

    name: ClassVar[str] = "imagenet-v2"
    question: ClassVar[str] = "How much of the accuracy was fitted to one validation set?"
    paper: ClassVar[str] = "Recht et al. 2019, arXiv:1902.10811"
    protocol: ClassVar[str] = "recht2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-v2",)


@registry.family
def _of_small_pictures() -> Iterator[tuple[str, type[Benchmark], str]]:
    """The benchmark of each test set of small pictures, which are shown at their own size."""
    for small in small_pictures().values():
        kind = type(
            small.name,
            (SmallPhotographs,),
            {
                "__doc__": f"Accuracy and calibration on {small.name} at its own {small.side_px} px: nothing resized "
                "unless the network states another size.\n\nSource: " + small.paper,
                "__module__": __name__,
                "name": small.name,
                "question": small.question,
                "paper": small.paper,
                "protocol": small.name,
                "needs": (small.name,),
                "canvas": Canvas(small.side_px, small.side_px),
                "images": small.images,
                "clean_twin": small.clean_twin or small.name,
                "group": "natural shift" if small.clean_twin else UNDISTURBED,
                "stands_for": "" if small.clean_twin else "clean",
                "precedence": 1,
                "small": small,
            },
        )
        yield small.name, final(dataclass(frozen=True)(kind)), "reference/small_pictures.toml"
