"""The shape-texture experiment: how often a cue is answered, and how often that cue is the shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.core import (
    RIGHT,
    Answer,
    Column,
    Condition,
    Gallery,
    ImageTable,
    Interval,
    Records,
    Result,
    Run,
    Sample,
    Score,
    Section,
    Stimulus,
    UnknownNameError,
)
from hardiness.scoring.card import Baseline, Card, ScoreTexts, register
from hardiness.scoring.category_rules import Categories, Rule, max_logit, mean_probability
from hardiness.scoring.galleries import SHOWN
from hardiness.scoring.intervals import wilson
from hardiness.scoring.shape_bias import by_category, people_beside, people_score, shape_bias
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.statistics.measures import shape_bias as shape_bias_of
from hardiness.scoring.statistics.measures import share


@dataclass(frozen=True, slots=True)
class CueProtocol:
    """Rules of one publication: how an answer is read off, and whether a stimulus without a conflict counts."""

    rule: Rule
    conflicts_alone: bool


PROTOCOLS: Mapping[str, CueProtocol] = {
    "orhan2019": CueProtocol(max_logit, conflicts_alone=False),
    "geirhos2019": CueProtocol(mean_probability, conflicts_alone=True),
}
"""By name, the headline's first. The set of ``orhan2019`` holds one stimulus without a conflict."""

HEADLINE = next(iter(PROTOCOLS))


METRICS = {"cue_accuracy": True, "shape_bias": True, "texture_bias": False}
"""The scores, and whether higher is better."""


@dataclass(frozen=True)
class Answers:
    """What a model answered, stimulus by stimulus.

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
        """Where the answer is the shape's category, ``(N,)``."""
        return np.asarray(self.given == self.shapes)

    @property
    def by_texture(self) -> NDArray[np.bool_]:
        """Where the answer is the texture's category, ``(N,)``; where cues are the same it counts for both."""
        return np.asarray(self.given == self.textures)


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
    given = np.array(list(categories))[table[f"answer_{protocol}"]]
    return Answers(table.ids[counted].astype(np.str_), shapes[counted], textures[counted], given[counted])


def _cues(names: NDArray[np.object_]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """The categories of the shapes and of the textures of stimuli."""
    stimuli = [Stimulus.parse(name) for name in names.tolist()]
    known = [stimulus for stimulus in stimuli if stimulus is not None]
    assert len(known) == len(stimuli), "the data set holds no other names"
    return np.array([stimulus.shape for stimulus in known]), np.array([stimulus.texture for stimulus in known])


@register("cue_conflict")
@final
class CueConflictCard(Card):
    """Cue accuracy, shape bias and texture bias under both protocols, over all stimuli and by the shape's category.

    Source: Geirhos et al. (2019), arXiv:1811.12231, section 2.4; Orhan (2019), arXiv:1907.07640.
    """

    columns: ClassVar[tuple[str, ...] | None] = ("logits",)
    keys: ClassVar[tuple[str, ...]] = ("protocol", "category")
    place: ClassVar[int] = 60
    group: ClassVar[str] = "shape"
    explanations: ClassVar[Mapping[str, str]] = {
        "cue accuracy": "the share of stimuli answered with one of their two cues, shape or texture.",
        "shape bias": "of those answers, the share that names the shape; texture bias is the rest. orhan2019 answers "
        "with the largest logit among 207 classes, geirhos2019 with the largest mean probability of a category. A "
        "category in which neither cue was ever answered has no bias.",
    }

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The place of each protocol's answer among the categories; right is the shape under the headline's."""
        categories = run.data.categories
        given = {
            f"answer_{name}": protocol.rule(records["logits"], categories).astype(np.int16)
            for name, protocol in PROTOCOLS.items()
        }
        shapes, _ = _cues(records["sample"])
        right = np.array(list(categories))[given[f"answer_{HEADLINE}"]] == shapes
        return ImageTable.from_rows(records, run.conditions, {RIGHT: right}, given)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """All stimuli first, then each category."""
        scores: list[Score] = []
        for protocol in PROTOCOLS:
            scores += _scores(answers(table, run.data.categories, protocol), protocol)
        return [
            *(s for s in scores if "category" not in s.condition),
            *(s for s in scores if "category" in s.condition),
        ]

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Stimuli that are answered by their texture."""
        if not run.data.categories:
            return {}
        return {"galleries": [g.as_dict() for g in _by_texture(answers(table, run.data.categories, HEADLINE))]}

    def headline_of(self, columns: Sequence[Column]) -> Column | None:
        """Shape bias under the headline's protocol."""
        bias = [column for column in columns if column.metric == "shape_bias" and column.headline]
        return bias[0] if bias else super().headline_of(columns)

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """Shape bias, and people's."""
        bias = known.value("shape_bias", protocol=result.protocol)
        if bias is None:
            return ""
        people = people_beside(result)
        beside = f" (people: {100 * people.overall.shape_bias:.0f} %)" if people else ""
        return f"follows the shape in {100 * bias:.0f} % of conflicts{beside}"

    def class_namer(self, run: Run) -> Callable[[int], str]:
        """The category that a class of ImageNet belongs to: stimuli are labelled by a class of their shape's."""
        of = {index: name for name, classes in run.data.categories.items() for index in classes}
        return lambda index: of.get(index, f"class {index}")

    def measurables(self, table: ImageTable, run: Run) -> list[Measurable]:
        """Shape bias and cue accuracy under the headline's protocol."""
        read, at_headline = answers(table, run.data.categories, HEADLINE), Condition(protocol=HEADLINE)
        by_shape, by_texture = read.by_shape, read.by_texture
        return [
            Measurable("shape_bias", at_headline, True, lambda at: shape_bias_of(by_shape[at], by_texture[at])),
            Measurable("cue_accuracy", at_headline, True, lambda at: share((by_shape | by_texture)[at])),
        ]

    def view(self, results: Sequence[Result]) -> Section:
        """The table of models, people's scores, shape bias by category as a figure, and a grid for each model."""
        return replace(
            super().view(results),
            people_score=people_score(results[0]),
            charts=[chart] if (chart := shape_bias(results)) else [],
            grids=[grid for result in results if (grid := by_category(result))],
        )


def _by_texture(read: Answers) -> Iterator[Gallery]:
    """The first stimulus of each shape whose texture is answered."""
    chosen: dict[str, int] = {}
    fooled = np.flatnonzero(read.by_texture & ~read.by_shape).tolist()
    for place in fooled:
        chosen.setdefault(str(read.shapes[place]), place)
    if not chosen:
        return
    samples = tuple(
        Sample(str(read.names[place]), Condition(), f"shape: {shape}", Answer(str(read.given[place])))
        for shape, place in list(chosen.items())[:SHOWN]
    )
    rule = f"Stimuli answered by their texture, the first of each shape by name; {len(fooled):,} qualify."
    yield Gallery("Texture over shape", rule, samples)


def _scores(read: Answers, protocol: str) -> Iterator[Score]:
    """Scores of all stimuli, then of each category that is some stimulus's shape."""
    categories = np.unique(read.shapes).tolist()
    conditions = [Condition(protocol=protocol), *(Condition(protocol=protocol, category=name) for name in categories)]
    if not len(read.names):
        for metric in METRICS:
            yield _undefined(metric, conditions[0], "no stimulus with two cues was evaluated")
        return
    inside = np.stack([np.ones(len(read.names), bool), *(read.shapes == name for name in categories)], axis=1)
    by_shape, by_texture, answered = (
        (by.astype(np.int64) @ inside).tolist()
        for by in (read.by_shape, read.by_texture, read.by_shape | read.by_texture)
    )
    for column, condition in enumerate(conditions):
        cues = by_shape[column], by_texture[column]
        yield from _shares(cues, int(inside[:, column].sum()), answered[column], condition)


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
    yield _score("cue_accuracy", named / stimuli, stimuli, wilson(named, stimuli), condition)
    if answered:
        bias = cues[0] / either
        by_shape = round(bias * answered)
        yield _score("shape_bias", bias, answered, wilson(by_shape, answered), condition)
        yield _score("texture_bias", 1 - bias, answered, wilson(answered - by_shape, answered), condition)
    else:
        reason = f"none of {stimuli} stimuli was answered with one of its cues, so the ratio is undefined"
        yield _undefined("shape_bias", condition, reason)
        yield _undefined("texture_bias", condition, reason)


def _score(metric: str, value: float, n: int, interval: Interval, condition: Condition) -> Score:
    # A stimulus that counts for both cues can put the value between two counts.
    around = Interval(min(interval.low, value), max(interval.high, value))
    return Score(metric, value, "fraction", n, around, METRICS[metric], condition)


def _undefined(metric: str, condition: Condition, reason: str) -> Score:
    return Score(metric, None, "fraction", 0, None, METRICS[metric], condition, reason)
