"""How much longer: told once, and only of long runs."""

import itertools

import pytest

from hardiness.core.progress import Clock, time


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a second later."""
    seconds = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(seconds)))


def told(clock: Clock, sizes: list[int], remaining: int) -> list[float | None]:
    """What is said after each batch; a batch takes a second."""
    return [clock.estimate(size, remaining) for size in sizes]


@pytest.mark.usefixtures("ticking")
def test_a_long_run_is_told_once_when_its_rate_is_steady() -> None:
    found = told(Clock(warmup=2), [10] * 12, remaining=1000)
    assert found[:5] == [None] * 5  # two batches to compile, then a first window to compare with
    assert [seconds for seconds in found if seconds is not None] == [pytest.approx(100)]


@pytest.mark.usefixtures("ticking")
def test_while_kernels_compile_nothing_is_told() -> None:
    found = told(Clock(warmup=1), [1, 1, 1, 8, 8, 50, 50, 50, 50, 50, 50], remaining=10_000)
    assert [seconds for seconds in found if seconds is not None] == [pytest.approx(200)]


@pytest.mark.usefixtures("ticking")
def test_a_short_run_is_not_told() -> None:
    assert set(told(Clock(warmup=1), [10] * 12, remaining=100)) == {None}
