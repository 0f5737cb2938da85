"""Which round comes next when time is short: a pure function of what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from hardiness.core.errors import ArgumentError
from hardiness.core.request import parse_duration
from hardiness.engine.deadline import (
    FIRST_IMAGES_IN_TIME,
    Deadline,
    Progression,
    evaluate_until_deadline,
    expected_narrowing,
    time,
)
from hardiness.report.words import text
from hardiness.statistics.stopping import Extent


@dataclass
class Rounds:
    """Rounds of a benchmark whose images cost a known time, on a clock that only they move."""

    clock: list[float]
    cost_s: float
    images: int = 1000
    conditions: int = 1
    tasks: list[str] = field(default_factory=lambda: ["model"])
    done: list[Extent] = field(default_factory=list)
    begun: Extent | None = None
    name: str = "imagenet-val"
    first_s: float = 0.0

    def __post_init__(self) -> None:
        self.benchmark = SimpleNamespace(name=self.name)
        self.workers = [SimpleNamespace(ends_s=0.0)]
        self.cells = min(2, self.conditions)
        self.whole = Extent(self.images, self.conditions)

    def pictures(self, extent: Extent) -> int:
        return extent.images * extent.cells

    def stored(self) -> Extent:
        return self.begun or Extent(0, self.cells)

    def evaluate(self, extent: Extent) -> int:
        before = self.done[-1] if self.done else self.stored()
        rows = self.pictures(extent) - self.pictures(before)
        self.clock[0] += self.cost_s * rows + (0 if self.done else self.first_s)
        self.done.append(extent)
        return rows


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, as `time.monotonic` tells them to what is tested."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def spend(clock: list[float], seconds: float, *rounds: Rounds) -> list[Progression]:
    every: list[Any] = [Progression(each) for each in rounds]  # type: ignore[arg-type]
    evaluate_until_deadline(Deadline(seconds, clock[0] + seconds), every)
    return every


@pytest.mark.parametrize("cost_s", [0.001, 0.1, 0.7, 9.0])
def test_it_ends_within_the_time_and_uses_most_of_it(clock: list[float], cost_s: float) -> None:
    (found,) = spend(clock, 60.0, Rounds(clock, cost_s, images=10**6))
    assert clock[0] <= 60.0
    assert clock[0] > 60.0 - max(3 * cost_s, 1.0)
    assert not found.done
    assert found.extent.images == pytest.approx(clock[0] / cost_s)


def test_a_benchmark_that_fits_is_finished(clock: list[float]) -> None:
    (found,) = spend(clock, 60.0, Rounds(clock, 0.01, images=1000, conditions=4))
    assert found.done
    assert found.extent == Extent(1000, 4)


def test_what_is_dear_gets_more_of_the_time_and_fewer_images(clock: list[float]) -> None:
    """Where halves of intervals fall with the root of n, the best split has n fall with the cost to the power 2/3."""
    cheap, dear = Rounds(clock, 0.001, images=10**7), Rounds(clock, 0.064, images=10**7)
    first, second = spend(clock, 600.0, cheap, dear)
    ratio = first.extent.images / second.extent.images
    assert 8 <= ratio <= 32  # 16 where rounds were as small as one likes
    assert 0.064 * second.extent.images > 0.001 * first.extent.images


def test_images_come_before_more_cells_of_each(clock: list[float]) -> None:
    rounds = Rounds(clock, 0.01, images=500, conditions=75)
    spend(clock, 60.0, rounds)
    with_few = [extent for extent in rounds.done if extent.cells == 2]
    assert with_few[-1].images == 500
    assert all(extent.images == 500 for extent in rounds.done if extent.cells > 2)
    assert rounds.done[-1].cells > 2


def test_what_a_first_round_compiles_is_not_taken_for_its_cost(clock: list[float]) -> None:
    found: Any = Progression(Rounds(clock, 0.01, first_s=9.0))  # type: ignore[arg-type]
    found.rounds.workers[0].ends_s, gains = math.inf, []
    for _ in range(3):
        following = found.following(100.0)
        gains.append(found.gain(following))
        found.advance(following)
    assert gains[:2] == [math.inf, math.inf]
    assert gains[2] < math.inf
    assert found.cost_s == pytest.approx(0.01)


def test_it_goes_on_where_it_ended(clock: list[float]) -> None:
    rounds = Rounds(clock, 0.05, images=10**6, begun=Extent(40_000, 1))
    (found,) = spend(clock, 60.0, rounds)
    assert rounds.done[0].images == 40_000 + FIRST_IMAGES_IN_TIME
    assert text(found.missing()).startswith(
        f"imagenet-val: the time was over after {found.extent.images:,} of 1,000,000 images"
    )
    assert "the rest takes about 13 hours" in text(found.missing())
    (same,) = spend(clock, 60.0, Rounds(clock, 0.05, images=500, conditions=75, begun=Extent(500, 9)))
    assert same.extent.cells > 9


def test_without_a_model_or_time_nothing_is_begun(clock: list[float]) -> None:
    idle, late = Rounds(clock, 0.1, tasks=[]), Rounds(clock, 0.1)
    spend(clock, 60.0, idle)
    (found,) = spend(clock, 0.0, late)
    assert not idle.done
    assert not late.done
    assert (
        text(found.missing()) == "imagenet-val: the time was over after 0 of 1,000 images; the same command continues"
    )


def test_time_is_kept_for_scores_and_pages(clock: list[float]) -> None:
    assert [Deadline.from_now(seconds).ends_s for seconds in (4, 30, 600, 86_400)] == [2, 26, 540, 86_280]
    # What began long ago on a busy machine will end as slowly.
    assert [Deadline.from_now(60, spent_s).ends_s for spent_s in (2, 10, 40)] == [52, 40, -10]


def test_more_images_and_more_cells_narrow() -> None:
    assert expected_narrowing(Extent(100, 2), Extent(400, 2)) > expected_narrowing(Extent(100, 2), Extent(200, 2)) > 0
    assert expected_narrowing(Extent(100, 2), Extent(100, 4)) > 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172_800), (" 5M ", 300)]
)
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "-5m", "1.2.3s", ".s", "5 m", "30min", "1h30"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="time-budget must be a time as in 90s, 30m or 1h30m"):
        parse_duration(text)
