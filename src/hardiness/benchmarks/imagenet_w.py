"""``imagenet-w``: photographs with and without a watermark that networks take for a carton."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import distortions, imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.cell_calibration import condition_calibration
from hardiness.benchmarks.losses import nll_column
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import Photographs
from hardiness.benchmarks.shares import CLEAN_ACCURACY, CONDITION_METRICS, accuracy, answered, seen_both_ways
from hardiness.core.benchmark import Expansion, Item, Selection
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.model import Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.reference.classes import wnids
from hardiness.statistics.clusters import basis_of_difference
from hardiness.statistics.comparison import spread_of_difference
from hardiness.statistics.measures import Measurable, share, weighted_sum

CARTON = 478
CLEAN, MARKED = Condition(), Condition(corruption="watermark")

IN_W_GAP = Metric(
    "in_w_gap",
    "IN-W gap",
    signed=True,
    explanation="accuracy with the watermark minus accuracy without it, on the same photographs.",
)
CARTON_GAP = Metric("carton_gap", signed=True, explanation="the IN-W gap on photographs of cartons alone.")
PROBABILITY_GAP = Metric(
    "carton_probability_gap",
    higher_is_better=False,
    signed=True,
    explanation="the mean probability of carton with the watermark minus that without it.",
)
PROBABILITY_GAP_ON_CARTONS = Metric(
    "carton_probability_gap_on_cartons",
    higher_is_better=False,
    signed=True,
    explanation="the mean probability of carton with the watermark minus that without it, on photographs of cartons "
    "alone.",
)
GAPS = (IN_W_GAP, CARTON_GAP, PROBABILITY_GAP, PROBABILITY_GAP_ON_CARTONS)
WATERMARK_ACCURACY = Metric(
    "watermark_accuracy", explanation="the share of pictures with the watermark answered rightly."
)


@register("watermark")
@final
class Watermark(Card):
    """Gaps in accuracy and in the probability of "carton" (marked less clean), over all photographs and over cartons.

    Closer to 0 is better. Both sides are of the same photographs, so the intervals are of paired differences.

    Source: Li et al. (2023), arXiv:2212.04825.
    """

    group: ClassVar[str] = "natural shift"
    details_by_condition: ClassVar[bool] = True
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "label_logit", "carton")
    stops_on: ClassVar[str] = "IN-W gap"
    metrics: ClassVar[tuple[Metric, ...]] = (*GAPS, CLEAN_ACCURACY, WATERMARK_ACCURACY, *CONDITION_METRICS)
    keys: ClassVar[tuple[str, ...]] = ("corruption", "protocol")

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, the answer, its confidence, the label's likelihood, the probability of carton; both ways."""
        cells = {**answered(records), **nll_column(records), "carton": records["carton"].astype(np.float32)}
        return ImageTable.from_rows(records, run.conditions, cells)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """Gaps over the photographs that were seen both ways, both accuracies, and calibration both ways."""
        everything = np.ones(len(table), bool)
        cartons = table.label == CARTON
        right, carton = (seen_both_ways(table, name, CLEAN, MARKED) for name in (RIGHT, "carton"))
        return [
            _gap(IN_W_GAP, table.ids, right, everything),
            _gap(CARTON_GAP, table.ids, right, cartons),
            _gap(PROBABILITY_GAP, table.ids, carton, everything),
            _gap(PROBABILITY_GAP_ON_CARTONS, table.ids, carton, cartons),
            accuracy(CLEAN_ACCURACY, table.cell(RIGHT, CLEAN) == 1, ids=table.ids_under(CLEAN)),
            accuracy(WATERMARK_ACCURACY, table.cell(RIGHT, MARKED) == 1, ids=table.ids_under(MARKED)),
            *condition_calibration(table),
        ]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The gap in accuracy over all photographs, and both accuracies."""
        gap = weighted_sum(IN_W_GAP, seen_both_ways(table, RIGHT, CLEAN, MARKED), np.array([-1.0, 1.0]))
        if not gap.is_defined:
            return []
        right = table.equals(RIGHT)
        ways = {CLEAN_ACCURACY: CLEAN, WATERMARK_ACCURACY: MARKED}
        return [gap, *(share(metric, right[:, table.present.index(way)]) for metric, way in ways.items())]


def _gap(metric: Metric, ids: NDArray[np.object_], values: NDArray[np.float64], chosen: NDArray[np.bool_]) -> Score:
    """The gap of a metric: the mean with the watermark less the mean without."""
    is_paired = chosen & ~np.isnan(values).any(axis=1)
    paired = values[is_paired]
    if not len(paired):
        return metric.score(None, 0, lack=Fact(Lack.UNPAIRED, {"what": "photograph"}))
    spread = spread_of_difference(paired[:, 1] - paired[:, 0], 1.0)
    basis = basis_of_difference(ids[is_paired], paired[:, 1] - paired[:, 0])
    return metric.score(float(np.diff(paired.mean(axis=0))[0]), len(paired), spread, basis=basis)


@registry.add("imagenet-w")
@final
@dataclass(frozen=True)
class ImagenetW(Photographs):
    """How much accuracy a watermark costs, and how often the answer becomes "carton".

    Each photograph is classified twice in the model's own view: as it is, and with the watermark drawn on its crop.

    Source: Li et al. (2023), arXiv:2212.04825, and its published code.
    """

    name: ClassVar[str] = "imagenet-w"
    question: ClassVar[str] = "Is it fooled by a watermark that stands on many training photographs of cartons?"
    paper: ClassVar[str] = "Li et al. 2023, arXiv:2212.04825"
    protocol: ClassVar[str] = "li2023"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    card: ClassVar[str] = "watermark"

    def selection(self) -> Selection:
        """Each photograph clean, and with the watermark."""
        return Selection((CLEAN, MARKED))

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "kernels": distortions.corruption_versions(["watermark"])}

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """One decode, one crop for each canvas, and the watermark on it."""
        photograph = imaging.decode(item.file.read(), item.file.name)
        crops = tuple(imaging.on_canvas(photograph, canvas) for canvas in canvases)
        for condition in conditions:
            marked = bool(condition)
            yield Expansion(
                condition, 0, tuple(distortions.corrupt(crop, "watermark", 1) if marked else crop for crop in crops)
            )

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and ``carton``, float32 ``(N,)``: its probability; NaN without ImageNet's 1,000."""
        columns = decisions.argmax(logits, labels)
        carton = np.full(len(logits), np.nan, np.float32)
        if logits.shape[1] == len(wnids()):
            carton = np.exp(logits[:, CARTON] - columns["logsumexp"].astype(np.float32))
        return {**columns, "carton": carton}
