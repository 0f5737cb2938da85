"""The 17 sets of stimuli of model-vs-human as data: their conditions, and what people answered; one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hardiness.core.errors import UnknownNameError

SETS = (
    "colour",
    "contrast",
    "high-pass",
    "low-pass",
    "phase-scrambling",
    "power-equalisation",
    "false-colour",
    "rotation",
    "eidolonI",
    "eidolonII",
    "eidolonIII",
    "uniform-noise",
    "sketch",
    "stylized",
    "edge",
    "silhouette",
    "cue-conflict",
)
"""Names of the sets of stimuli, in the order of the published page."""


@dataclass(frozen=True, slots=True)
class Level:
    """One condition of a set, and people's answers under it.

    Attributes:
        name: in the names of files, e.g. ``"c05"``.
        title: as people read it, e.g. ``"5"``.
        counted: whether the benchmark's means count it: no control, and nothing that people hardly recognise.
        right, trials: how many of people's answers were right, and how many there are.
    """

    name: str
    title: str
    counted: bool
    right: int
    trials: int

    @property
    def accuracy(self) -> float:
        """The share of people's answers that was right."""
        return self.right / self.trials


@dataclass(frozen=True, slots=True)
class StimulusSet:
    """One set of stimuli, each shown under one of its conditions.

    Attributes:
        name: published name, e.g. ``"contrast"``.
        about: what it shows.
        axis: what varies, where that is a number; else empty.
        paper: citation with identifier.
        images: how many were released.
        named: whether file names hold condition and category; else the folder is the category.
        observers: how many people answered.
        no_answer: trials without an answer, which count as wrong.
        levels: its conditions, in the published order.
        accuracy_by_observer: each person's share of right answers, over all conditions.
    """

    name: str
    about: str
    axis: str
    paper: str
    images: int
    named: bool
    observers: int
    no_answer: int
    levels: tuple[Level, ...]
    accuracy_by_observer: Mapping[str, float]

    @property
    def counted(self) -> tuple[Level, ...]:
        """The conditions that the benchmark's means count."""
        return tuple(level for level in self.levels if level.counted)

    @property
    def accuracy(self) -> float:
        """People's accuracy over the conditions that count."""
        return sum(level.right for level in self.counted) / sum(level.trials for level in self.counted)

    def level(self, name: str) -> Level | None:
        """The condition of that name, as ``0.10`` and ``0.1`` are one, and ``True`` and ``true``."""
        return next((level for level in self.levels if _plain(level.name) == _plain(name)), None)


@cache
def stimulus_set(name: str) -> StimulusSet:
    """The set of that name.

    Raises:
        UnknownNameError: there is none.

    Source: Geirhos et al. (2021), arXiv:2106.07411; people's answers were counted from ``raw-data`` of
        bethgelab/model-vs-human at 79ed7cd1d9ac, the conditions that count are those of its ``plotting/plot.py``.
    """
    if name not in SETS:
        raise UnknownNameError("set of stimuli", name, SETS)
    facts = tomllib.loads(Path(__file__).parent.joinpath(f"{name}.toml").read_text("utf-8"))
    levels = tuple(Level(*level) for level in facts.pop("levels"))
    return StimulusSet(name=name, levels=levels, **facts)


def _plain(name: str) -> float | str:
    """A condition's name so that equal ones are equal."""
    try:
        return float(name)
    except ValueError:
        return name.casefold()
