"""How much longer: told once, and only of long runs."""

import itertools

import pytest

from hardiness.engine import measuring
from hardiness.engine.measuring import Clock


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a second later."""
    seconds = itertools.count()
    monkeypatch.setattr(measuring.time, "perf_counter", lambda: float(next(seconds)))


@pytest.mark.usefixtures("ticking")
def test_a_long_run_is_told_once_and_compiling_is_left_out() -> None:
    clock = Clock(warmup=2)
    told = [clock.estimate(10, remaining) for remaining in (1000, 990, 980, 970, 960, 950)]
    assert told[:3] == [None, None, None]  # two warm-up batches, then one second of rate is too little
    assert told[3] == pytest.approx(970 * 2 / 20)
    assert told[4:] == [None, None]


@pytest.mark.usefixtures("ticking")
def test_a_short_run_is_not_told() -> None:
    clock = Clock(warmup=1)
    assert [clock.estimate(10, remaining) for remaining in (100, 90, 80, 70)] == [None] * 4
