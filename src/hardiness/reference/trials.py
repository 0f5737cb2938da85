"""Trials: the words in which studies of people say who answered which stimulus with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PERSON = "subject-"
"""The beginning of the names of people among observers; the others are networks."""

Answers = Mapping[str, Mapping[str, str]]
"""The category that each observer answered each stimulus with, by its name; ``"na"`` for no answer."""


class TrialStimulus(NamedTuple):
    """One stimulus of model-vs-human: its set, its condition, and its own name."""

    set: str
    level: str
    name: str


Right = Mapping[str, Mapping[TrialStimulus, bool]]
"""Whether each observer answered each stimulus with its category."""


class TrialAnswer(NamedTuple):
    """One trial: the category that was answered, ``"na"`` for none, the right one, and the file of the stimulus."""

    answer: str
    category: str
    image: str


SetAnswers = Mapping[str, Mapping[TrialStimulus, TrialAnswer]]
"""Each observer's trials by stimulus."""


def own_name(image: str) -> str:
    """A stimulus's own name, without what an experiment put before it: ``n02123394_6521``, ``cat7``, ``cat7-dog2``.

    Source: ``get_short_imagename`` of model-vs-human: what follows the last underscore, and the part before it where
        that is a wnid.
    """
    stem = image.rpartition("/")[2]
    stem = stem.rpartition(".")[0] if stem.lower().endswith((".png", ".jpeg", ".jpg")) else stem
    *_, before, last = ("", *stem.split("_"))
    return f"{before}_{last}" if before.startswith("n0") else last
