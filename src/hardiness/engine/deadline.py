"""Several benchmarks within one time, each as far as the time allows."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hardiness.core.codes import RunRemark
from hardiness.core.fact import Fact
from hardiness.engine.goals import EvaluationToGoal
from hardiness.engine.rounds import Rounds
from hardiness.statistics.stopping import Extent

FIRST_IMAGES_IN_TIME = 4
"""Images of the first round of each benchmark, which measures what an image costs."""

WARMING = 2
"""Rounds of each benchmark before one is chosen by its cost."""

LARGEST_SHARE = 0.4
"""The share of the remaining time that a round may take by what was measured: images differ, and so do moments."""

LAST_SHARE = 0.8
"""The share of the remaining time for a round that cannot be smaller: one image, or one more condition of each."""

KEPT_SHARE, LEAST_KEPT_S, MOST_KEPT_S = 0.1, 4.0, 120.0
"""Time that is kept for scores and pages."""

SHARED = 0.6
"""Correlation of two cells of an image, as in real rows: what more cells of the same image cannot narrow."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a command must have ended.

    Attributes:
        seconds: that it was given.
        ends_s: when no more work may be begun, on the clock of `time.monotonic`.
    """

    seconds: float
    ends_s: float

    @classmethod
    def from_now(cls, seconds: float, spent_s: float = 0.0) -> Deadline:
        """The budget of a command, less what its scores and pages will take.

        Args:
            seconds: that the command was given when it began.
            spent_s: how long ago that was. To begin and to end take about as long on a busy machine.
        """
        reserved_s = min(max(KEPT_SHARE * seconds, LEAST_KEPT_S, spent_s), MOST_KEPT_S, seconds / 2)
        return cls(seconds, time.monotonic() + seconds - spent_s - reserved_s)

    @property
    def left_s(self) -> float:
        """Seconds left for evaluating."""
        return max(0.0, self.ends_s - time.monotonic())


def expected_narrowing(now: Extent, then: Extent) -> float:
    """How much narrower an interval should be at a larger extent, as a share of its width on one image.

    It depends on numbers of images and cells and not on answers, so the usual intervals hold when the time is over.
    """
    return _width(now) - _width(then)


def _width(extent: Extent) -> float:
    cells = math.sqrt(SHARED + (1 - SHARED) / extent.cells)
    return cells / math.sqrt(max(extent.images, 1))


@dataclass
class Progression:
    """One benchmark of those that share the time.

    Attributes:
        rounds: of the benchmark.
        stopping: what ends it before the time is over; ``None`` where only time does.
        extent: evaluated so far.
        measured: rounds that computed something; the first compiles what later ones use, so a second one follows.
        cost_s: seconds for one condition of one image in all models, as last measured; 0 before.
    """

    rounds: Rounds
    stopping: EvaluationToGoal | None = None
    extent: Extent = Extent(0, 1)
    cost_s: float = 0.0
    measured: int = 0

    def __post_init__(self) -> None:
        self.extent = self.rounds.stored()

    @property
    def done(self) -> bool:
        """Whether nothing is left to evaluate."""
        reached = self.stopping is not None and self.stopping.done
        return reached or self.extent == self.rounds.whole or not self.rounds.tasks

    def following(self, left_s: float) -> Extent | None:
        """The next round; ``None`` where what was measured says that the time is too short for any."""
        now, whole = self.extent, self.rounds.whole
        grows_images = now.images < whole.images
        step = Extent(now.images + 1, now.cells) if grows_images else Extent(now.images, now.cells + 1)
        if not self.cost_s:
            return self._grown(now.images + FIRST_IMAGES_IN_TIME) if grows_images else step
        again = self._grown(now.images + FIRST_IMAGES_IN_TIME)
        if self.is_warming and grows_images and self.seconds(again) <= LARGEST_SHARE * left_s:
            return again
        if self.seconds(step) > LAST_SHARE * left_s:
            return None
        affordable = max(1, math.floor(LARGEST_SHARE * left_s / self.seconds(step)))
        if grows_images:
            return self._grown(now.images + min(affordable, max(now.images, FIRST_IMAGES_IN_TIME)))
        return Extent(now.images, min(now.cells + min(affordable, now.cells), whole.cells))

    def seconds(self, extent: Extent) -> float:
        """Seconds from here to an extent, by what was measured."""
        return self.cost_s * (self.rounds.pictures(extent) - self.rounds.pictures(self.extent))

    def gain(self, following: Extent) -> float:
        """Narrowing that a second of a round brings, over all models; infinite before its cost was measured."""
        models = len(self.rounds.tasks)
        return (
            math.inf
            if self.is_warming
            else models * expected_narrowing(self.extent, following) / self.seconds(following)
        )

    @property
    def is_warming(self) -> bool:
        """Whether what a round costs is not known well enough to choose by."""
        return self.measured < WARMING

    def advance(self, following: Extent) -> None:
        """Evaluate the next round, and measure it."""
        began = time.monotonic()
        if self.rounds.evaluate(following):
            pictures = self.rounds.pictures(following) - self.rounds.pictures(self.extent)
            self.cost_s = (time.monotonic() - began) / pictures
            self.measured += 1
        if all(time.monotonic() < worker.ends_s for worker in self.rounds.workers):
            self.extent = following
            if self.stopping is not None and following.images >= self.stopping.extent.images:
                self.stopping.extent = following
                self.stopping.look()

    def missing(self) -> Fact:
        """What is not evaluated, and about how long that would take."""
        now, whole = self.extent, self.rounds.whole
        images = {"images": now.images, "of_images": whole.images}
        cells = {"conditions": now.cells, "of_conditions": whole.cells}
        rest = {"benchmark": self.rounds.benchmark.name, "seconds_left": self.seconds(whole)}
        return Fact(RunRemark.TIME_OVER, images | cells | rest)

    def _grown(self, images: int) -> Extent:
        """So many images, and no more than there are or than the next look at the target waits for."""
        most = self.rounds.whole.images
        if self.stopping is not None and self.stopping.extent.images > self.extent.images:
            most = self.stopping.extent.images
        return Extent(min(images, most), self.extent.cells)


def evaluate_until_deadline(budget: Deadline, progressions: Sequence[Progression]) -> None:
    """Evaluate as much of some benchmarks as the time allows."""
    for progression in progressions:
        for worker in progression.rounds.workers:
            worker.ends_s = budget.ends_s
    while True:
        left_s = budget.left_s
        unfinished = [candidate for candidate in progressions if not candidate.done]
        possible = [
            (candidate, following) for candidate in unfinished if left_s and (following := candidate.following(left_s))
        ]
        if not possible:
            return
        chosen, following = max(possible, key=lambda pair: pair[0].gain(pair[1]))
        chosen.advance(following)
