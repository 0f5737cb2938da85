"""People's answers to stimuli: by experiment, and trial by trial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple


class CueCounts(NamedTuple):
    """Counts of trials with conflicting cues: answered with the shape, answered with the texture, and all."""

    shape: int
    texture: int
    trials: int

    @property
    def shape_bias(self) -> float:
        """The share of answers naming the shape, among those that name a cue."""
        return self.shape / (self.shape + self.texture)

    @property
    def cue_accuracy(self) -> float:
        """The share of trials answered with one of the cues."""
        return (self.shape + self.texture) / self.trials


@dataclass(frozen=True, slots=True)
class Humans:
    """People's answers to cue-conflict stimuli.

    Attributes:
        observers: how many people answered.
        categories: counts by the shape's category, over all observers.
        shape_bias_by_observer: each person's own.
        source: where it stands.
    """

    observers: int
    categories: Mapping[str, CueCounts]
    shape_bias_by_observer: Mapping[str, float]
    source: str

    @property
    def overall(self) -> CueCounts:
        """The counts of all trials together."""
        return CueCounts(*(sum(counts[part] for counts in self.categories.values()) for part in range(3)))


@cache
def humans() -> Humans:
    """Ten observers on the 1,200 published stimuli with conflicting cues.

    Source: Geirhos et al. (2019), arXiv:1811.12231; the file names the table that was counted.
    """
    facts = json.loads(Path(__file__).with_name("humans.json").read_text())["cue-conflict"]
    return Humans(
        observers=facts["observers"],
        categories={category: CueCounts(**counts) for category, counts in facts["answers"].items()},
        shape_bias_by_observer=facts["shape_bias_by_observer"],
        source=facts["source"],
    )
