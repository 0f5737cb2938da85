"""LAION-C: accuracy among 16 superclasses by distortion and intensity, beside the best person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import data as datasets
from hardiness import imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.chat_answers import no_answer
from hardiness.benchmarks.cue_conflict import mean_probability
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import sized
from hardiness.benchmarks.presentation import ScoreTexts
from hardiness.benchmarks.score_words import Lookup, ends_apart, in_words, mean_intervals, words
from hardiness.benchmarks.shares import accuracy
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Item, PictureFault, Selection
from hardiness.core.condition import Condition
from hardiness.core.errors import SampleError
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Interval, Metric, Result, Score
from hardiness.core.run import Run
from hardiness.core.section import Chart, Dots, Grid, Observer, People
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.reference.categories import laion_c
from hardiness.reference.classes import wnids
from hardiness.reference.published_numbers import published_series
from hardiness.statistics.cells import cell_means, equal_weights, is_whole
from hardiness.statistics.measures import Measurable, mean_of

DISTORTIONS = ("mosaic", "vertical_lines", "glitched", "luminance_checkerboard", "geometric_shapes", "stickers")
SEVERITIES = (1, 2, 3, 4, 5)

BEST_PERSON = 0.552
"""Mean accuracy of the best of 19 people on the released pictures (Li et al. 2025)."""


MEAN_ACCURACY = Metric(
    "mean_accuracy",
    explanation="the share of pictures answered with the right superclass, the mean over distortions and intensities.",
)
ACCURACY = Metric("accuracy", explanation="the share of pictures answered with the right superclass.")


@register("laion_c")
@final
class LaionCCard(Card):
    """Mean accuracy over the cells, each of a distortion at an intensity; then by distortion, intensity and cell.

    Source: Li et al. (2025), arXiv:2506.16950.
    """

    version: ClassVar[int] = 3
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "superclass")
    stops_on: ClassVar[str] = "mean accuracy"
    draws_cells: ClassVar[bool] = True
    metrics: ClassVar[tuple[Metric, ...]] = (MEAN_ACCURACY, ACCURACY)
    keys: ClassVar[tuple[str, ...]] = ("corruption", "severity")
    group: ClassVar[str] = "distortions"
    severity: ClassVar[str] = "intensity"
    names_people: ClassVar[bool] = True

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong among the superclasses, and the place of the one that was answered."""
        known = run.data.categories or laion_c()
        owner = np.full(max(index for group in known.values() for index in group) + 2, -1)
        for place, group in enumerate(known.values()):
            owner[list(group)] = place
        answer = np.where(no_answer(records), -1, records["superclass"]).astype(np.int16)
        label = np.minimum(records["label"], len(owner) - 1)
        return ImageTable.from_rows(records, run.conditions, {RIGHT: answer == owner[label], "answer": answer})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """A mean weighs every cell alike."""
        cells = list(table.present)
        means = cell_means(table, table.equals(RIGHT))

        def over(metric: Metric, chosen: Sequence[Condition], condition: Condition) -> Score:
            return replace(means.score(metric, equal_weights(chosen), condition), n=len(table))

        found = [over(_mean_of(table, run), cells, Condition())] if cells else []
        for key in ("corruption", "severity"):
            for value in dict.fromkeys(cell[key] for cell in cells):
                chosen = [cell for cell in cells if cell[key] == value]
                found.append(over(ACCURACY, chosen, Condition(**{key: value})))
        return found + [accuracy(ACCURACY, table.cell(RIGHT, cell) == 1, cell) for cell in cells]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """The mean accuracy over the cells."""
        return [mean_of(_mean_of(table, run), table.equals(RIGHT))] if table.present else []

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        return {}

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid | str]:
        """Accuracy by distortion beside the best person's, and a grid of it for each model."""
        yield f"The best of 19 people is right on {100 * BEST_PERSON:.1f} % of the released pictures."
        yield from filter(None, [_by_distortion(results), *map(_grid, results)])

    def sentence(self, result: Result, known: ScoreTexts) -> str | tuple[str, Score | None]:
        """The mean accuracy."""
        mean = known.score(MEAN_ACCURACY.name)
        if mean is None or mean.value is None:
            return ""
        return f"is right on {100 * mean.value:.0f} % of {result.benchmark}'s distorted pictures", mean


def _mean_of(table: ImageTable, run: Run) -> Metric:
    """What the mean is: that of a part has a name of its own."""
    return MEAN_ACCURACY if is_whole(table, set(run.conditions), run.seed) else MEAN_ACCURACY.partial


def _by_distortion(results: Sequence[Result]) -> Dots | None:
    observers = []
    for result in results:
        overall = next((s for s in result.scores if s.metric.startswith("mean_accuracy") and s.value is not None), None)
        by_row = {
            str(s.condition["corruption"]): s
            for s in result.scores
            if s.metric == "accuracy" and set(s.condition) == {"corruption"} and s.value is not None
        }
        observers.append(Observer(result.name, overall, by_row))
    present = dict.fromkeys(name for each in observers for name in each.by_row)
    if not present:
        return None
    scores = {name: [each.by_row[name] for each in observers if name in each.by_row] for name in present}
    means = {name: float(np.mean([score.value or 0.0 for score in each])) for name, each in scores.items()}
    rows = tuple(sorted(means, key=lambda name: (means[name], name)))
    caption = (
        "Share of pictures answered with the right superclass, mean over intensities; lines are 95 % intervals. "
        "Red: the best of 19 people, over everything."
    )
    return Dots(
        "accuracy_by_distortion",
        _title({name: means[name] for name in rows}, mean_intervals(scores)),
        caption,
        "accuracy ↑ better",
        ("", ""),
        "all distortions",
        rows,
        tuple(observers),
        People(BEST_PERSON, {}, ()),
        _published(),
        bars=True,
        grey="Grey strokes: published models.",
    )


def _title(shares: Mapping[str, float], intervals: Mapping[str, Interval]) -> str:
    """Under what fewest and most are right, by shares; a range where these are not apart."""
    if len(shares) == 1:
        return f"Right under {words(next(iter(shares)))}"
    least, most = (f"{100 * end(shares.values()):.1f}" for end in (min, max))
    if least == most:
        return "As many are right under each distortion"
    if not (apart := ends_apart(shares, intervals)):
        return f"Right on {least} to {most} %, by distortion"
    many, few = (in_words(map(words, ends), len(shares)) for ends in apart)
    return f"Fewest are right under {few}, most under {many}"


def _published() -> tuple[Observer, ...]:
    series = published_series("laion-c", MEAN_ACCURACY.name)
    return tuple(Observer(model, MEAN_ACCURACY.score(rows[-1].value, rows[-1].n), {}) for model, rows in series.items())


def _grid(result: Result) -> Grid | None:
    """Accuracy by distortion and intensity."""
    at = Lookup(result.scores)
    names = [name for name in DISTORTIONS if ("accuracy", Condition(corruption=name)) in at]
    rows = tuple(
        (
            name.replace("_", " "),
            (
                *(at.cell("accuracy", corruption=name, severity=severity) for severity in SEVERITIES),
                at.cell("accuracy", corruption=name),
            ),
        )
        for name in names
    )
    heads = (*(f"intensity {severity}" for severity in SEVERITIES), "mean")
    return Grid(result.name, "accuracy by distortion and intensity", "distortion", heads, rows) if rows else None


CELLS = tuple(Condition(corruption=name, severity=severity) for name in DISTORTIONS for severity in SEVERITIES)


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
