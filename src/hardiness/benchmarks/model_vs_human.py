"""``model-vs-human``: distorted pictures of 16 categories that people were shown too."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.category_rules import mean_probability
from hardiness.benchmarks.chat_answers import no_answer
from hardiness.benchmarks.galleries import SHOWN, Answer, Gallery, Sample, galleries_kept
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import sized
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Item
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import DataError, UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.reference.categories import sixteen
from hardiness.reference.stimulus_sets import SETS, Level, stimulus_set
from hardiness.statistics.clusters import EstimateBasis, basis_of_share
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import centred, resampled_means
from hardiness.statistics.measures import Measurable, mean_of
from hardiness.statistics.spreads.combined import TwoEnds, cut
from hardiness.statistics.spreads.shares import ShareOfImages

OOD_ACCURACY = Metric(
    "ood_accuracy",
    "OOD accuracy",
    explanation="accuracy among 16 categories, the mean over the sets of stimuli. Conditions without a distortion do "
    "not count, nor do those in which people were hardly ever right.",
)
ACCURACY_DIFFERENCE = Metric(
    "accuracy_difference",
    unit="score",
    largest=1.0,
    higher_is_better=False,
    explanation="the squared difference between the model's accuracy and each person's, averaged over the conditions, "
    "people and sets, as published; 'hardiness show --people OUT --humans raw-data' reads each person's answers.",
)
SQUARED_DIFFERENCE = Metric(
    "squared_difference",
    "squared difference from all people together",
    unit="score",
    largest=1.0,
    higher_is_better=False,
    detail=True,
    explanation="the squared difference between the model's accuracy and people's, averaged over the conditions of a "
    "set, then over sets: 0 is people's accuracy in every condition.",
)
ACCURACY = Metric("accuracy", explanation="the share of stimuli answered with the right one of 16 categories.")
Cell = tuple[str, str]
"""A set and one of its conditions, by name."""


@register("model_vs_human")
@final
class ModelVsHumanCard(Card):
    """Out-of-distribution accuracy as the mean over sets, its squared distance from people's, and every condition.

    A set's accuracy is that over its counted conditions: without its control, and without those under which people
    were right less than about one time in five. The headline is named ``_partial`` where a set is missing.

    Source: Geirhos et al. (2021), arXiv:2106.07411, section 2 and the published ``plotting/plot.py``.
    Differs: ``squared_difference`` compares with all people of a condition together; the published
        ``accuracy_difference`` is the mean over single people, which needs their trials (``hardiness show --people``).
    """

    columns: ClassVar[tuple[str, ...] | None] = ("category",)
    metrics: ClassVar[tuple[Metric, ...]] = (OOD_ACCURACY, ACCURACY_DIFFERENCE, SQUARED_DIFFERENCE, ACCURACY)
    keys: ClassVar[tuple[str, ...]] = ("set", "condition")
    place: ClassVar[int] = 61
    people: ClassVar[str] = "likeness"
    group: ClassVar[str] = "shape"

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """Right or wrong, and the first class of the category that was answered."""
        groups = list(run.data.categories.values())
        firsts = np.array([group[0] for group in groups], np.int16)
        owner = {index: place for place, group in enumerate(groups) for index in group}
        true_place = np.array([owner.get(label, -1) for label in records["label"].tolist()])
        given_place = np.where(no_answer(records), -1, records["category"].astype(np.int64))
        answer = np.append(firsts, np.int16(-1))[given_place]
        return ImageTable.from_rows(records, run.conditions, {RIGHT: given_place == true_place}, {"answer": answer})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The means, then each set, then each condition."""
        cells, right = cells_of(table.ids), table[RIGHT][:, 0] == 1
        present = sorted(set(cells), key=_order)
        counted = [cell for cell in present if _level(cell).counted]
        sets = list(dict.fromkeys(name for name, _ in counted))
        inside = [np.array([of == cell for of in cells]) for cell in present]
        pooled = [np.any([inside[present.index(c)] for c in counted if c[0] == name], axis=0) for name in sets]
        headlines = _means(
            table.ids, right, dict(zip(counted, (inside[present.index(c)] for c in counted), strict=True)), pooled
        )
        of_sets = [
            _share(table.ids[rows], right[rows], Condition(set=name)) for name, rows in zip(sets, pooled, strict=True)
        ]
        of_cells = [
            _share(table.ids[rows], right[rows], Condition(set=name, condition=level))
            for (name, level), rows in zip(present, inside, strict=True)
        ]
        return [*headlines, *of_sets, *of_cells]

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """OOD accuracy, the mean over sets."""
        cells, right = cells_of(table.ids), table[RIGHT][:, 0] == 1
        counted = {cell for cell in set(cells) if _level(cell).counted}
        sets = sorted({name for name, _ in counted}, key=SETS.index)
        if not sets:
            return []
        set_names = np.array([cell[0] if cell in counted else "" for cell in cells])
        values = np.stack([np.where(set_names == name, right, np.nan) for name in sets], axis=1)
        return [mean_of(_headline(counted), values, np.ones(len(sets), bool))]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Stimuli that are answered wrongly where people find it easy."""
        return galleries_kept(_mistakes(table, run))


def cells_of(ids: NDArray[np.object_]) -> list[Cell]:
    """The set and condition of each stimulus, from ids ``<set>/<condition>/<name>``."""
    parts = (str(id_).split("/") for id_ in ids.tolist())
    return [(name, level) for name, level, *_ in parts]


def _level(cell: Cell) -> Level:
    level = stimulus_set(cell[0]).level(cell[1])
    assert level is not None, "the data set holds no other conditions"
    return level


def _order(cell: Cell) -> tuple[int, int]:
    return SETS.index(cell[0]), stimulus_set(cell[0]).levels.index(_level(cell))


def _means(
    ids: NDArray[np.object_],
    right: NDArray[np.bool_],
    cells: Mapping[Cell, NDArray[np.bool_]],
    sets: Sequence[NDArray[np.bool_]],
) -> Iterator[Score]:
    """The mean accuracy over sets, and the mean squared difference from people.

    Args:
        ids, right: ``(N,)``.
        cells: the stimuli of each condition that counts, ``(N,)`` each.
        sets: the stimuli of each set that count, likewise.
    """
    names = list(dict.fromkeys(name for name, _ in cells))
    metric = _headline(cells)
    if not sets:
        yield metric.score(None, 0, lack=Fact(Lack.NOT_EVALUATED, {"what": "stimulus of a condition that counts"}))
        return
    values = [
        np.stack([np.where(rows, right, np.nan) for rows in groups], axis=1) for groups in (sets, [*cells.values()])
    ]
    accuracy = mean(np.arange(len(right)), values[0])
    basis = EstimateBasis(lambda: mean(ids, values[0]), 0.0, 1.0, has_two_tests=True)
    yield metric.score(accuracy.value, accuracy.n, accuracy.spread_of_cells(1.0), basis=basis)
    means = np.vstack([np.nanmean(values[1], axis=0), resampled_means(values[1], "model_vs_human")])
    people = np.array([_level(cell).accuracy for cell in cells])
    squares = (means - people) ** 2
    places = [[place for place, (of, _) in enumerate(cells) if of == name] for name in names]
    of_sets = np.stack([_across(squares[:, columns]) for columns in places], axis=1)
    difference = _across(of_sets)
    ends = centred(difference[1:], float(difference[0]))
    spread = cut(TwoEnds(float(difference[0]), ends.low, ends.high))
    yield ACCURACY_DIFFERENCE.score(None, accuracy.n, lack=Fact(Lack.ONE_BY_ONE))
    yield SQUARED_DIFFERENCE.score(float(difference[0]), accuracy.n, spread)


def _across(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of each row over its values, NaN where it has none: few images may all be missing from a resample."""
    is_number = ~np.isnan(values)
    count = is_number.sum(axis=1)
    return np.where(count > 0, np.where(is_number, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _headline(cells: Container[Cell]) -> Metric:
    """The metric of the mean over sets, named as a part where a condition that counts is missing."""
    whole = all((name, level.name) in cells for name in SETS for level in stimulus_set(name).counted)
    return OOD_ACCURACY if whole else OOD_ACCURACY.partial


def _share(ids: NDArray[np.object_], right: NDArray[np.bool_], condition: Condition) -> Score:
    hits, n = int(right.sum()), len(right)
    return ACCURACY.score(hits / n, n, ShareOfImages(hits, n), condition, basis=basis_of_share(ids, right))


def _mistakes(table: ImageTable, run: Run) -> Iterator[Gallery]:
    """The first wrong answer of each set, under the condition that people find easiest among those that count."""
    names = {index: name for name, group in run.data.categories.items() for index in group}
    cells, wrong = cells_of(table.ids), table[RIGHT][:, 0] == 0
    counted = [row for row in np.flatnonzero(wrong).tolist() if _level(cells[row]).counted]
    first: dict[str, int] = {}
    for row in sorted(counted, key=lambda row: (-_level(cells[row]).accuracy, row)):
        first.setdefault(cells[row][0], row)
    if not first:
        return
    samples = tuple(
        Sample(
            str(table.ids[row]),
            Condition(),
            names.get(int(table.label[row]), ""),
            Answer(names.get(int(table["answer"][row]), "no answer")),
            note=f"{name}: people are right on {100 * _level(cells[row]).accuracy:.0f} %",
        )
        for name, row in list(first.items())[:SHOWN]
    )
    rule = (
        "Wrong answers under the conditions that people find easiest, without controls, the first of each set; "
        f"{len(counted):,} are wrong."
    )
    yield Gallery("Wrong where people are right", rule, samples)


@registry.add("model-vs-human")
@final
@dataclass(frozen=True)
class ModelVsHuman(Benchmark):
    """Accuracy among 16 categories on 17 sets of stimuli, condition by condition, beside people's.

    A stimulus is shown under one condition alone, 224x224, as it is; the answer is the category with the largest mean
    probability of its classes. Whatever sets are on disk are evaluated; the benchmark's own mean is over all 17.

    Source: Geirhos et al. (2021), arXiv:2106.07411; Geirhos et al. (2018), arXiv:1808.08750, of twelve of the sets.
    """

    name: ClassVar[str] = "model-vs-human"
    question: ClassVar[str] = "Does the model recognise distorted objects as well as people do?"
    paper: ClassVar[str] = "Geirhos et al. 2021, arXiv:2106.07411"
    protocol: ClassVar[str] = "geirhos2021"
    needs: ClassVar[tuple[str, ...]] = ("model-vs-human",)
    own_substitute: ClassVar[str] = "-b own-c, which corrupts your own pictures"
    card: ClassVar[str] = "model_vs_human"
    canvas: ClassVar[Canvas | None] = CANVAS_224

    sets: tuple[str, ...] = field(
        default=(), metadata={"help": "these alone, as in contrast+edge; all that are there if empty"}
    )

    def __post_init__(self) -> None:
        for name in self.sets:
            if name not in SETS:
                raise UnknownNameError("set of model-vs-human", name, SETS)

    def dataset(self, data: DataRoot) -> DataSet:
        """The stimuli of the sets that were asked for.

        Raises:
            DataError: they are not there, or one of the sets is not.
        """
        stimuli = data.dataset("model-vs-human")
        if not self.sets:
            return stimuli
        chosen = tuple(item for item in stimuli.items if item.id.partition("/")[0] in self.sets)
        present = {item.id.partition("/")[0] for item in chosen}
        if missing := [name for name in self.sets if name not in present]:
            raise DataError(
                f"{stimuli.location} must hold the set {missing[0]}, but does not; leave it out, or fetch it"
            )
        digest = sha256("\n".join((stimuli.fingerprint, *sorted(self.sets))).encode()).hexdigest()
        return replace(stimuli, items=chosen, fingerprint=digest, released=None)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        image = sized(imaging.decode(item.file.read(), item.file.name), item.file.name, "the published stimuli are")
        for condition in conditions:
            yield Expansion(condition, 0, (image,))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and, int16 ``(N,)``, the place of the answer among the 16 ``category`` names."""
        categories = sixteen()
        return {**decisions.argmax(logits, labels), "category": mean_probability(logits, categories).astype(np.int16)}
