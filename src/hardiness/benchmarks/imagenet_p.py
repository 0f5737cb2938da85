"""``imagenet-p``: sequences in which a photograph changes little by little: flip probability and top-5 distance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

import numpy as np

from hardiness import data as datasets
from hardiness import distortions, imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.galleries import SHOWN, Gallery, Sample, galleries_kept
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.sequence_measures import (
    DISTANCES,
    FLIP_PROBABILITY,
    FLIP_RATE,
    FLIPS,
    MFR,
    MT5D,
    T5D,
    TOP5_DISTANCE,
    SequenceMeasure,
    ratio_weights,
    sequences,
)
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Image, Item, PictureFault, Selection
from hardiness.core.codes import DataRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, SampleError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable, Records
from hardiness.reference.sets import distortion_set
from hardiness.statistics.cells import CellMeans, cell_means, equal_weights, is_whole, means_of
from hardiness.statistics.measures import Measurable, mean_of, weighted_sum

IMAGENET_P = distortion_set("imagenet-p")

SOURCES = ("auto", "stored", "generated")


@register("perturbation")
@final
class PerturbationCard(Card):
    """The mFR, flip probability, mT5D and top-5 distance; then each by perturbation.

    Means are over those of the ten test perturbations that were run, at difficulty 1.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetp.py``.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("frame", "prediction", "top5_class")
    stops_on: ClassVar[str] = "mFR, or flip probability where nothing is there to divide by"
    draws_cells: ClassVar[bool] = True
    divides: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (FLIP_PROBABILITY, FLIP_RATE, MFR, TOP5_DISTANCE, T5D, MT5D)
    keys: ClassVar[tuple[str, ...]] = ("perturbation", "severity")
    place: ClassVar[int] = 40
    group: ClassVar[str] = "distortions"
    severity: ClassVar[str] = "difficulty"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The steps, flips and distances of each sequence; right or wrong is its first frame."""
        rows = sequences(records, run)
        counted = {name: rows[name] for name in ("steps", "flips", "moved")}
        return ImageTable.from_rows(rows, run.conditions, {RIGHT: rows["prediction"] == rows["label"], **counted})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The scores of flips and of distances: first those over all perturbations, then by perturbation."""
        scores = [score for quantity in (FLIPS, DISTANCES) for score in _scores(table, quantity, baseline, run.seed)]
        return [*(s for s in scores if not s.condition), *(s for s in scores if s.condition)]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The mean ratio of flips where there is one, and their mean; then those of distances. Flips are compared."""
        cells = np.array([cell in _test(table) for cell in table.present])
        whole, sums = _is_whole(table, run.seed), list[Measurable]()
        for quantity in (FLIPS, DISTANCES) if cells.any() else ():
            values, by_perturbation = quantity.values(table), (baseline or {}).get(quantity.metric.name) or {}
            divisors = np.array([by_perturbation.get(cell["perturbation"], np.nan) for cell in table.present])
            if (divisors[cells] > 0).all():
                weights = np.zeros(len(cells))
                weights[cells] = ratio_weights(divisors[cells])
                mean_ratio = quantity.mean_ratio if whole else quantity.mean_ratio.partial
                sums.append(weighted_sum(mean_ratio, values, weights, top=quantity.top, compared=quantity is FLIPS))
            sums.append(mean_of(quantity.metric, values, cells, quantity.top, compared=quantity is FLIPS))
        return sums

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline:
        """Flip probability and top-5 distance of a run by perturbation, in the form of the published baseline."""
        baseline: dict[str, dict[str, float]] = {}
        for quantity in (FLIPS, DISTANCES):
            values = zip(table.present, means_of(quantity.values(table)).tolist(), strict=True)
            baseline[quantity.metric.name] = {
                cell["perturbation"]: value for cell, value in values if "severity" not in cell
            }
        return baseline

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """The sequences whose answer flips most."""
        return galleries_kept(_restless(table, self.class_namer(run)))


def _restless(table: ImageTable, name: Callable[[int], str]) -> Iterator[Gallery]:
    """The sequences with most flips, no photograph twice."""
    flips = np.where(table.evaluated, table["flips"], -1)
    order = np.argsort(-flips, axis=None, kind="stable")
    chosen: dict[int, int] = {}
    for row, cell in zip(*np.unravel_index(order, flips.shape), strict=True):
        if flips[row, cell] > 0:
            chosen.setdefault(int(row), int(cell))
    if not chosen:
        return
    samples = tuple(
        Sample(
            str(table.ids[row]),
            table.present[cell],
            name(int(table.label[row])),
            note=f"the answer flips at {int(flips[row, cell])} of {int(table['steps'][row, cell])} steps",
        )
        for row, cell in list(chosen.items())[:SHOWN]
    )
    rule = "The sequences whose answer flips most often, no photograph twice; shown is the last frame."
    yield Gallery("Most restless sequences", rule, samples)


def _test(table: ImageTable) -> list[Condition]:
    """The cells of the ten test perturbations that were run."""
    conditions = (Condition(perturbation=name) for name in IMAGENET_P.members)
    return [cell for cell in conditions if cell in table.present]


def _is_whole(table: ImageTable, seed: int) -> bool:
    return is_whole(table, {Condition(perturbation=name) for name in IMAGENET_P.members}, seed)


def _scores(table: ImageTable, quantity: SequenceMeasure, baseline: Baseline | None, seed: int) -> list[Score]:
    means = cell_means(table, quantity.values(table), quantity.top)
    test = _test(table)
    mean_ratio = quantity.mean_ratio if _is_whole(table, seed) else quantity.mean_ratio.partial
    scores = _ratios(means, quantity, test, mean_ratio, baseline)
    if test:
        scores.insert(1, means.score(quantity.metric, equal_weights(test)))
    return scores + [means.score(quantity.metric, {cell: 1.0}, cell) for cell in means.cells]


def _ratios(
    means: CellMeans, quantity: SequenceMeasure, test: Sequence[Condition], metric: Metric, baseline: Baseline | None
) -> list[Score]:
    """The mean ratio and its parts, or why it is undefined."""
    by_perturbation = (baseline or {}).get(quantity.metric.name) or {}
    divisors = np.array([by_perturbation.get(cell["perturbation"], np.nan) for cell in test])
    if lack := quantity.why_undefined(test, divisors, baseline):
        return [metric.score(None, len(means.values), lack=lack)]
    weights = dict(zip(test, ratio_weights(divisors).tolist(), strict=True))
    return [
        means.score(metric, weights),
        *(
            means.score(quantity.ratio, {cell: 1 / divisor}, cell)
            for cell, divisor in zip(test, divisors.tolist(), strict=True)
        ),
    ]


@registry.add("imagenet-p")
@final
@dataclass(frozen=True)
class ImagenetP(Benchmark):
    """How often the answer flips while a photograph changes little by little, against AlexNet's: mFR.

    Stored videos are decoded as they are. Generated frames follow the published rules: shorter side 256 (PIL
    bilinear), perturbation, centre crop 224.

    Source: Hendrycks & Dietterich (2019), arXiv:1903.12261; Orhan (2019), arXiv:1907.07640, ``evaluate_imagenetp.py``.
    Differs: generated frames do not go through video coding; their draws are keyed by seed, perturbation, difficulty
        and id, where the released ones were drawn without a seed.
    """

    name: ClassVar[str] = "imagenet-p"
    question: ClassVar[str] = "Does the answer stay the same while the photograph changes little by little?"
    paper: ClassVar[str] = "Hendrycks & Dietterich 2019, arXiv:1903.12261"
    protocol: ClassVar[str] = "hendrycks2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-p", "imagenet")
    card: ClassVar[str] = "perturbation"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 1
    frames: ClassVar[int] = 31

    extra: bool = field(
        default=False, metadata={"help": "also the four that the authors set apart for validation", "request": True}
    )
    perturbations: tuple[str, ...] = field(
        default=(),
        metadata={"help": "these alone, as in rotate+snow, or your own; all if empty", "request": True},
    )
    difficulty: int = field(
        default=1, metadata={"help": "1, or 2 or 3 for the noises alone, which no mean is made of", "request": True}
    )
    source: str = field(
        default="auto", metadata={"help": "stored, generated, or auto: stored where it is there", "request": True}
    )

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UnknownNameError("source of imagenet-p", self.source, SOURCES)
        for name in self.perturbations:
            distortions.perturbations.get(name)
        if self.difficulty not in IMAGENET_P.levels:
            raise ArgumentError(f"imagenet-p:difficulty must be 1, 2 or 3, was {self.difficulty}")
        for name in self.perturbations:
            distortions.perturbations.get(name).level(self.difficulty)

    @property
    def own(self) -> tuple[str, ...]:
        """The perturbations that were asked for and are not of the set: evaluated beside it, in none of its means."""
        return tuple(sorted(set(self.perturbations) - set(IMAGENET_P.published)))

    def selection(self) -> Selection:
        """The ten, the four for validation, and one's own, at each difficulty; the ten of mFR; those asked for."""
        names = (*IMAGENET_P.published, *self.own)
        requested = self.perturbations or (IMAGENET_P.published if self.extra else IMAGENET_P.members)
        return Selection(
            tuple(condition for difficulty in IMAGENET_P.levels for condition in _sequences(names, difficulty)),
            _sequences(IMAGENET_P.members, 1),
            _sequences(requested, self.difficulty),
        )

    def identity(self) -> dict[str, Any]:
        """The versions of the perturbations; all options pick rows."""
        versions = distortions.perturbation_versions((*IMAGENET_P.published, *self.own))
        return {**super().identity(), "kernels": versions}

    def dataset(self, data: DataRoot) -> DataSet:
        """Stored ImageNet-P where it is there; else the photographs."""
        uses_stored = self.source == "stored" or (self.source == "auto" and data.has("imagenet-p"))
        if not uses_stored:
            return data.dataset("imagenet")
        stored = data.dataset("imagenet-p")
        present = stored.conditions or frozenset()
        absent = (
            Fact(
                DataRemark.ABSENT_CONDITIONS,
                {"cells": (self.folder_of(condition),), "partial": "mFR", "location": stored.location},
            )
            for condition in self.requested()
            if condition not in present
        )
        return replace(stored, notes=(*stored.notes, *absent))

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | PictureFault]:
        """The frames of each condition: decoded from its video, or made of the photograph."""
        for condition in conditions:
            try:
                for index, image in enumerate(self.sequence(item, condition, seed)):
                    yield Expansion(condition, index, (image,))
            except SampleError as error:
                yield PictureFault(condition, str(error))

    def sequence(self, item: Item, condition: Condition, seed: int) -> Iterator[Image]:
        """The frames ``uint8 (224, 224, 3)`` of one sequence, in order.

        Raises:
            SampleError: its video or photograph cannot be read; before the first frame.
        """
        name, difficulty = condition["perturbation"], condition.get("severity", 1)
        if isinstance(item.file, datasets.PerturbedCopies):
            video = item.file.video(self.folder_of(condition))
            frames = distortions.perturbations.get(name).frames
            return iter(imaging.decode_video(video.read(), video.name, frames, CANVAS_224.crop_px))
        photograph = imaging.before_crop(imaging.decode(item.file.read(), item.file.name), CANVAS_224)
        return distortions.perturb(photograph, name, difficulty=difficulty, seed=seed, id=item.id)

    @staticmethod
    def folder_of(condition: Condition) -> str:
        """The folder of a condition in the released layout: the perturbation, with ``_2`` or ``_3`` where harder."""
        return "_".join(str(value) for value in condition.values())

    decide = staticmethod(decisions.argmax)


def _sequences(names: Sequence[str], difficulty: int) -> tuple[Condition, ...]:
    having = (name for name in names if difficulty <= len(distortions.perturbations.get(name).levels))
    if difficulty == 1:
        return tuple(Condition(perturbation=name) for name in having)
    return tuple(Condition(perturbation=name, severity=difficulty) for name in having)


def strips(benchmark: Benchmark, item: Item, seed: int) -> dict[str, Image]:
    """A strip of frames of an item for each sequence that is asked for and can be read, by its name.

    Raises:
        SampleError: none of them can be read.
    """
    images: dict[str, Image] = {}
    for condition in benchmark.requested():
        expansions = benchmark.expand(item, (condition,), (benchmark.canvas or CANVAS_224,), seed)
        with suppress(SampleError):
            name = " ".join(map(str, condition.values())).replace("_", " ")
            images[name] = imaging.strip(_frame(expansion) for expansion in expansions)
    if not images:
        raise SampleError(f"{item.file.name}: must hold a sequence to show, but none of it can be read")
    return images


def _frame(expansion: Expansion | PictureFault) -> Image:
    if isinstance(expansion, PictureFault):
        raise SampleError(expansion.reason)
    image: Image = expansion.images[0]  # type: ignore[assignment]  # of sequences every frame is an image
    return image
