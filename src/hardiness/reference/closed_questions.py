"""Closed questions to chat models: prompts by benchmark, letters, versions; and what was published of their answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class QuestionWording:
    """How closed questions are put, as data.

    Attributes:
        version: of the words; part of a run's key.
        reading_version: of the rule that reads answers; part of a run's key too.
        letters: of the options, in order; as many as a question has options at most.
        option: one option's line, with ``{letter}`` and ``{name}``.
        closing: the last line.
        prompts: by benchmark its first lines by name, the usual one first; under ``""`` those of all other benchmarks.
    """

    version: int
    reading_version: int
    letters: str
    option: str
    closing: str
    prompts: Mapping[str, Mapping[str, str]]

    def prompts_of(self, benchmark: str) -> Mapping[str, str]:
        """The first lines of a benchmark's questions by name, the usual one first."""
        return self.prompts.get(benchmark) or self.prompts[""]


@cache
def question_wording() -> QuestionWording:
    """The words in which closed questions are put.

    Source: Gavrikov et al. (2025), arXiv:2403.09193, for ``cue-conflict``; ours for other benchmarks.
    """
    facts = json.loads(Path(__file__).with_name("closed_questions.json").read_text("utf-8"))
    return QuestionWording(**{name: facts[name] for name in QuestionWording.__slots__})


@dataclass(frozen=True, slots=True)
class PublishedShapeBias:
    """Shape bias of one model on the cue-conflict stimuli.

    Attributes:
        model: its name in the publication.
        kind: ``vqa`` (asked a closed question), ``captioning`` (its caption was read), ``clip`` or ``classifier``.
        n: stimuli.
        shape_bias, cue_accuracy: shares, in [0, 1].
        no_answer: stimuli without an answer that could be read; ``None`` where that was not counted.
    """

    model: str
    kind: str
    n: int
    shape_bias: float
    cue_accuracy: float
    no_answer: int | None

    @property
    def is_chat(self) -> bool:
        """Whether it is a chat model."""
        return self.kind in ("vqa", "captioning")


@cache
def vlm_shape_bias() -> tuple[PublishedShapeBias, ...]:
    """The published shape bias of chat models, CLIP models and classifiers, in the order of the file.

    Source: Gavrikov et al. (2025), arXiv:2403.09193.
    """
    rows = json.loads(Path(__file__).with_name("vlm_cue_conflict.json").read_text("utf-8"))["results"]
    shares = ("shape_bias", "cue_accuracy")
    return tuple(PublishedShapeBias(**{**row, **{name: row[name] / 100 for name in shares}}) for row in rows)
