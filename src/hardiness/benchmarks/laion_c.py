"""LAION-C: accuracy among 16 superclasses by distortion and intensity, beside the best person's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import data as datasets
from hardiness import imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.category_rules import mean_probability
from hardiness.benchmarks.chat_answers import no_answer
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import sized
from hardiness.benchmarks.shares import accuracy
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Item, PictureFault, Selection
from hardiness.core.condition import Condition
from hardiness.core.errors import SampleError
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.reference.categories import laion_c
from hardiness.reference.classes import wnids
from hardiness.statistics.cells import cell_means, equal_weights, is_whole
from hardiness.statistics.measures import Measurable, mean_of

DISTORTIONS = ("mosaic", "vertical_lines", "glitched", "luminance_checkerboard", "geometric_shapes", "stickers")
SEVERITIES = (1, 2, 3, 4, 5)

MEAN_ACCURACY = Metric(
    "mean_accuracy",
    explanation="the share of pictures answered with the right superclass, the mean over distortions and intensities.",
)
ACCURACY = Metric("accuracy", explanation="the share of pictures answered with the right superclass.")

CELLS = tuple(Condition(corruption=name, severity=severity) for name in DISTORTIONS for severity in SEVERITIES)


@register("laion_c")
@final
class LaionCCard(Card):
    """Mean accuracy over the cells, each of a distortion at an intensity; then by distortion, intensity and cell.

    Source: Li et al. (2025), arXiv:2506.16950.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "superclass")
    stops_on: ClassVar[str] = "mean accuracy"
    draws_cells: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (MEAN_ACCURACY, ACCURACY)
    keys: ClassVar[tuple[str, ...]] = ("corruption", "severity")
    group: ClassVar[str] = "distortions"
    severity: ClassVar[str] = "intensity"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong among the superclasses, and the place of the one that was answered."""
        categories = run.data.categories or laion_c()
        owner = np.full(max(index for group in categories.values() for index in group) + 2, -1)
        for place, group in enumerate(categories.values()):
            owner[list(group)] = place
        answer = np.where(no_answer(records), -1, records["superclass"]).astype(np.int16)
        label = np.minimum(records["label"], len(owner) - 1)
        return ImageTable.from_rows(records, run.conditions, {RIGHT: answer == owner[label], "answer": answer})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Mean accuracy over all cells, by distortion and by intensity, then accuracy by cell; cells weigh alike."""
        cells = list(table.present)
        means = cell_means(table, table.equals(RIGHT))

        def over(metric: Metric, chosen: Sequence[Condition], condition: Condition) -> Score:
            return replace(means.score(metric, equal_weights(chosen), condition), n=len(table))

        scores = [over(_mean_of(table, run), cells, Condition())] if cells else []
        for key in ("corruption", "severity"):
            for value in dict.fromkeys(cell[key] for cell in cells):
                chosen = [cell for cell in cells if cell[key] == value]
                scores.append(over(ACCURACY, chosen, Condition(**{key: value})))
        return scores + [
            accuracy(ACCURACY, table.cell(RIGHT, cell) == 1, cell, ids=table.ids_under(cell)) for cell in cells
        ]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The mean accuracy over the cells."""
        return [mean_of(_mean_of(table, run), table.equals(RIGHT))] if table.present else []

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        return {}


def _mean_of(table: ImageTable, run: Run) -> Metric:
    """The metric of the mean, which has a name of its own for a part of the cells."""
    return MEAN_ACCURACY if is_whole(table, set(run.conditions), run.seed) else MEAN_ACCURACY.partial


@registry.add("laion-c")
@final
@dataclass(frozen=True)
class LaionC(Benchmark):
    """Accuracy among 16 superclasses under six distortions at five intensities, on the released pictures.

    Source: Li et al. (2025), arXiv:2506.16950, and its published code.
    """

    name: ClassVar[str] = "laion-c"
    question: ClassVar[str] = "Does it cope with distortions that are rare on the web, and as well as people?"
    paper: ClassVar[str] = "Li et al. 2025, arXiv:2506.16950"
    protocol: ClassVar[str] = "li2025"
    needs: ClassVar[tuple[str, ...]] = ("laion-c",)
    own_substitute: ClassVar[str] = "-b own-c, which corrupts your own pictures"
    card: ClassVar[str] = "laion_c"
    canvas: ClassVar[Canvas | None] = CANVAS_224
    shard_items: ClassVar[int] = 16

    def selection(self) -> Selection:
        """Six distortions at five intensities."""
        return Selection(CELLS)

    def dataset(self, data: DataRoot) -> DataSet:
        return data.dataset("laion-c")

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion | PictureFault]:
        assert isinstance(item.file, datasets.CorruptedCopies)
        for condition in conditions:
            cell = item.file.cell(condition["corruption"], condition["severity"])
            try:
                image = sized(imaging.decode(cell.read(), cell.name), cell.name, "in the released files")
            except SampleError as error:
                yield PictureFault(condition, str(error))
            else:
                yield Expansion(condition, 0, (image,))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes, and ``superclass``, int16 ``(N,)``: the place of the answer among the 16.

        Source: Li et al. (2025), arXiv:2506.16950: the softmax over all classes, then the mean of each superclass.
        """
        columns = decisions.argmax(logits, labels)
        if logits.shape[1] != len(wnids()):
            return {**columns, "superclass": np.full(len(logits), -1, np.int16)}
        return {**columns, "superclass": mean_probability(logits, laion_c()).astype(np.int16)}
