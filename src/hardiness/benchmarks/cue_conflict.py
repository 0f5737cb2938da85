"""``cue-conflict``: does a model answer with the shape of one category or the texture of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness import distortions, imaging
from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.category_rules import Categories, Rule, max_logit, mean_probability
from hardiness.benchmarks.chat_answers import no_answer
from hardiness.benchmarks.galleries import SHOWN, Answer, Gallery, Sample, galleries_kept
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.photographs import sized
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Expansion, Item, Stimulus
from hardiness.core.codes import Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import UnknownNameError
from hardiness.core.fact import Fact
from hardiness.core.model import CANVAS_224, Canvas
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, Columns, ImageTable, Records
from hardiness.statistics.clusters import EstimateBasis, basis_of_share
from hardiness.statistics.estimate import ROUNDING, mean
from hardiness.statistics.measures import Measurable, share
from hardiness.statistics.measures import shape_bias as shape_bias_of
from hardiness.statistics.spreads.combined import Combined, TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages

CUE_ACCURACY = Metric(
    "cue_accuracy", explanation="the share of stimuli answered with one of their two cues, shape or texture."
)
SHAPE_BIAS = Metric(
    "shape_bias",
    explanation="of the answers that name a cue, the share that names the shape. The answer is the largest logit among "
    "207 classes (orhan2019) or the category with the largest mean probability (geirhos2019). A category in which "
    "neither cue was ever answered has no bias.",
)
TEXTURE_BIAS = Metric(
    "texture_bias",
    higher_is_better=False,
    explanation="of the answers that name a cue, the share that names the texture.",
)
METRICS = (CUE_ACCURACY, SHAPE_BIAS, TEXTURE_BIAS)

NOTHING = ""
"""The stand-in for a category where a chat model gave no answer, which is -1 in a table."""


@dataclass(frozen=True, slots=True)
class CueProtocol:
    """Rules of one publication: how an answer is read off, and whether a stimulus without a conflict counts."""

    rule: Rule
    conflicts_alone: bool


PROTOCOLS: Mapping[str, CueProtocol] = {
    "orhan2019": CueProtocol(max_logit, conflicts_alone=False),
    "geirhos2019": CueProtocol(mean_probability, conflicts_alone=True),
}
"""Protocols by name, the headline's first. The set of ``orhan2019`` holds one stimulus without a conflict."""

HEADLINE = next(iter(PROTOCOLS))


@dataclass(frozen=True)
class Answers:
    """A model's answers, stimulus by stimulus.

    Attributes:
        names: of the stimuli, ``(N,)``.
        shapes, textures: category of each cue, ``(N,)``.
        given: category that was answered, ``(N,)``.
    """

    names: NDArray[np.str_]
    shapes: NDArray[np.str_]
    textures: NDArray[np.str_]
    given: NDArray[np.str_]

    @property
    def by_shape(self) -> NDArray[np.bool_]:
        """Whether each answer is the shape's category, ``(N,)``."""
        return np.asarray(self.given == self.shapes)

    @property
    def by_texture(self) -> NDArray[np.bool_]:
        """Whether each answer is the texture's category, ``(N,)``; where cues are the same it counts for both."""
        return np.asarray(self.given == self.textures)

    def texture_gallery(self) -> Iterator[Gallery]:
        """The first stimulus of each shape whose texture is answered."""
        chosen: dict[str, int] = {}
        fooled = np.flatnonzero(self.by_texture & ~self.by_shape).tolist()
        for place in fooled:
            chosen.setdefault(str(self.shapes[place]), place)
        if not chosen:
            return
        samples = tuple(
            Sample(str(self.names[place]), Condition(), f"shape: {shape}", Answer(str(self.given[place])))
            for shape, place in list(chosen.items())[:SHOWN]
        )
        rule = f"Stimuli answered by their texture ({len(fooled):,} in all), the first of each shape by name."
        yield Gallery("Texture over shape", rule, samples)

    def scores(self, protocol: str) -> Iterator[Score]:
        """Scores of all stimuli, then of each category that is some stimulus's shape."""
        categories = np.unique(self.shapes).tolist()
        conditions = [
            Condition(protocol=protocol),
            *(Condition(protocol=protocol, category=name) for name in categories),
        ]
        if not len(self.names):
            for metric in METRICS:
                yield metric.score(
                    None, 0, condition=conditions[0], lack=Fact(Lack.NOT_EVALUATED, {"what": "stimulus with two cues"})
                )
            return
        inside = np.stack([np.ones(len(self.names), bool), *(self.shapes == name for name in categories)], axis=1)
        by_shape, by_texture, answered = (
            (by.astype(np.int64) @ inside).tolist()
            for by in (self.by_shape, self.by_texture, self.by_shape | self.by_texture)
        )
        for column, condition in enumerate(conditions):
            cues = by_shape[column], by_texture[column]
            for score in _shares(cues, int(inside[:, column].sum()), answered[column], condition):
                yield replace(score, basis=self._basis(score.metric, inside[:, column]))

    def _basis(self, metric: str, inside: NDArray[np.bool_]) -> EstimateBasis:
        """The basis of a score of some stimuli; shape bias is a ratio, as a stimulus may count for both."""
        ids, by_shape, by_texture = self.names[inside], self.by_shape[inside], self.by_texture[inside]
        if metric == CUE_ACCURACY.name:
            return basis_of_share(ids, by_shape | by_texture)
        by_cue = by_texture if metric == TEXTURE_BIAS.name else by_shape
        is_answered = by_shape | by_texture
        if not np.any(by_shape & by_texture):
            return basis_of_share(ids[is_answered], by_cue[is_answered])
        return EstimateBasis(
            lambda: mean(ids, by_cue) / (mean(ids, by_shape) + mean(ids, by_texture)), 0.0, 1.0, ends=(0.0, 1.0)
        )


def answers(table: ImageTable, categories: Categories, protocol: str) -> Answers:
    """The answers that a protocol reads off a model's logits.

    Args:
        table: of this card.
        categories: the class indices of each category.
        protocol: ``"orhan2019"`` or ``"geirhos2019"``.

    Raises:
        UnknownNameError: there is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol of cue-conflict", protocol, PROTOCOLS)
    shapes, textures = _cues(table.ids)
    counted = shapes != textures if PROTOCOLS[protocol].conflicts_alone else np.ones(len(table), bool)
    given = np.array([*categories, NOTHING])[table[f"answer_{protocol}"]]
    return Answers(table.ids[counted].astype(np.str_), shapes[counted], textures[counted], given[counted])


def _cues(names: NDArray[np.object_]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """The categories of the shapes and of the textures of stimuli."""
    parsed = [Stimulus.parse(name) for name in names.tolist()]
    stimuli = [stimulus for stimulus in parsed if stimulus is not None]
    assert len(stimuli) == len(parsed), "the data set holds no other names"
    return np.array([stimulus.shape for stimulus in stimuli]), np.array([stimulus.texture for stimulus in stimuli])


@register("cue_conflict")
@final
class CueConflictCard(Card):
    """Cue accuracy, shape bias and texture bias under both protocols, over all stimuli and by the shape's category.

    Source: Geirhos et al. (2019), arXiv:1811.12231, section 2.4; Orhan (2019), arXiv:1907.07640.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("logits",)
    stops_on: ClassVar[str] = "shape bias"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS
    keys: ClassVar[tuple[str, ...]] = ("protocol", "category")
    place: ClassVar[int] = 60
    people: ClassVar[str] = "kappa"
    group: ClassVar[str] = "shape"
    headline: ClassVar[Metric | None] = SHAPE_BIAS
    by_category: ClassVar[bool] = True  # stimuli are labelled by a class of their shape's

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The place of each protocol's answer among the categories; right is the shape under the headline's."""
        categories = run.data.categories
        columns = {
            f"answer_{name}": np.where(no_answer(records), -1, protocol.rule(records["logits"], categories)).astype(
                np.int16
            )
            for name, protocol in PROTOCOLS.items()
        }
        shapes, _ = _cues(records["sample"])
        right = np.array([*categories, NOTHING])[columns[f"answer_{HEADLINE}"]] == shapes
        return ImageTable.from_rows(records, run.conditions, {RIGHT: right}, columns)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """All stimuli first, then each category."""
        scores: list[Score] = []
        for protocol in PROTOCOLS:
            scores += answers(table, run.data.categories, protocol).scores(protocol)
        return [
            *(s for s in scores if "category" not in s.condition),
            *(s for s in scores if "category" in s.condition),
        ]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Stimuli that are answered by their texture."""
        if not run.data.categories:
            return {}
        return galleries_kept(answers(table, run.data.categories, HEADLINE).texture_gallery())

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Measurable]:
        """Shape bias and cue accuracy under the headline's protocol.

        Differs: runs are stopped by shape bias as a share of the stimuli that were answered with one of two cues; in
        the score, by which they are compared, a stimulus whose cues are one category counts for both.
        """
        headline_answers, at_headline = answers(table, run.data.categories, HEADLINE), Condition(protocol=HEADLINE)
        by_shape, by_texture = headline_answers.by_shape, headline_answers.by_texture
        of_conflicts = np.where(by_shape ^ by_texture, by_shape, np.nan)
        return [
            share(SHAPE_BIAS, of_conflicts, at_headline, compared=False),
            shape_bias_of(SHAPE_BIAS, by_shape, by_texture, at_headline),
            share(CUE_ACCURACY, by_shape | by_texture, at_headline),
        ]


def _shares(cues: tuple[int, int], stimuli: int, answered: int, condition: Condition) -> Iterator[Score]:
    """The three scores of some stimuli, with Wilson's intervals: given how many answers name a cue, each is a share.

    Args:
        cues: how many were answered by shape, and by texture; one without a conflict counts for both, as published.
        stimuli: how many there are.
        answered: how many of them were answered with one of their cues.
        condition: what the scores are of.
    """
    either = sum(cues)
    named = min(either, stimuli)
    yield _score(CUE_ACCURACY, named / stimuli, ShareOfImages(named, stimuli), condition)
    if answered:
        bias = cues[0] / either
        by_shape = round(bias * answered)
        yield _score(SHAPE_BIAS, bias, ShareOfImages(by_shape, answered), condition)
        yield _score(TEXTURE_BIAS, 1 - bias, ShareOfImages(answered - by_shape, answered), condition)
    else:
        for metric in (SHAPE_BIAS, TEXTURE_BIAS):
            yield metric.score(None, 0, condition=condition, lack=Fact(Lack.NO_CUE, {"stimuli": stimuli}))


def _score(metric: Metric, value: float, share: ShareOfImages, condition: Condition) -> Score:
    # A stimulus that counts for both cues can put the value between two counts.
    is_count = abs(value - share.value) < ROUNDING
    spread = share if is_count else Combined((TwoEnds(value, value, value), share))
    return metric.score(value, int(share.n), spread, condition)


@registry.add("cue-conflict")
@final
@dataclass(frozen=True)
class CueConflict(Benchmark):
    """Shape bias: of the answers that name one of two conflicting cues, the share that names the shape.

    Stimuli are shown as they are, 224x224, or all under one corruption at one severity. All logits are kept, so that a
    decision rule can be changed without the model; the card applies both: ``orhan2019`` (the largest logit among the
    categories' classes) and ``geirhos2019`` (the largest mean probability of a category).

    Source: Geirhos et al. (2019), arXiv:1811.12231; Orhan (2019), arXiv:1907.07640, ``evaluate_shapebias.py``.
    """

    name: ClassVar[str] = "cue-conflict"
    question: ClassVar[str] = "Does the model go by an object's shape, as people do, or by its texture?"
    paper: ClassVar[str] = "Geirhos et al. 2019, arXiv:1811.12231"
    protocol: ClassVar[str] = "orhan2019"
    needs: ClassVar[tuple[str, ...]] = ("cue-conflict",)
    own_substitute: ClassVar[str] = (
        "stimuli of your own classes, which 'hardiness make stimuli --shapes FOLDER --textures FOLDER' makes for "
        "--data cue-conflict=OUT"
    )
    card: ClassVar[str] = "cue_conflict"
    canvas: ClassVar[Canvas | None] = CANVAS_224

    corruption: str = field(default="", metadata={"help": "that stimuli are shown under, e.g. fog; none if empty"})
    severity: int = field(default=3, metadata={"help": "of the corruption, from 1"})

    def __post_init__(self) -> None:
        if self.corruption:
            distortions.corruptions.get(self.corruption).level(self.severity)

    def identity(self) -> dict[str, Any]:
        """The corruption and its version, where there is one."""
        if not self.corruption:
            return {}
        return {**super().identity(), "kernels": distortions.corruption_versions([self.corruption])}

    def dataset(self, data: DataRoot) -> DataSet:
        """The stimuli whose cues are in conflict, and the one more that ``orhan2019`` has.

        Corrupted, they are data of another name, which neither people nor published models were shown.
        """
        stimuli = data.dataset("cue-conflict")
        if not self.corruption:
            return stimuli
        name = f"{stimuli.name}-{self.corruption}-{self.severity}"
        digest = sha256(f"{stimuli.fingerprint} {self.corruption} {self.severity}".encode()).hexdigest()
        return replace(stimuli, name=name, fingerprint=digest)

    def expand(
        self, item: Item, conditions: Sequence[Condition], canvases: Sequence[Canvas], seed: int
    ) -> Iterator[Expansion]:
        """The stimulus as it is, or corrupted."""
        image = sized(imaging.decode(item.file.read(), item.file.name), item.file.name, "the published stimuli are")
        if self.corruption:
            image = distortions.corrupt(image, self.corruption, self.severity, seed=seed, id=item.id)
        for condition in conditions:
            yield Expansion(condition, 0, (image,))

    def decide(self, logits: NDArray[np.float32], labels: NDArray[np.int32]) -> Columns:
        """Arg max over all classes and, float32 ``(N, K)``, the ``logits`` themselves."""
        return {**decisions.argmax(logits, labels), "logits": logits}
