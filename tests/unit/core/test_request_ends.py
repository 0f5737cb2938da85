"""What ends an evaluation early: which values can be asked for."""

from __future__ import annotations

import math

import pytest

from hardiness.core.errors import ArgumentError, StoreError
from hardiness.core.forms import from_json, json_form
from hardiness.core.request import Request, Stop


@pytest.mark.parametrize("name", ["precision_target", "time_budget_s"])
@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf])
def test_only_what_is_above_zero_can_be_asked_for(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=f"{name.removesuffix('_s').replace('_', '-')} must be above 0, was"):
        Request(**{name: value})


def test_a_stop_is_read_as_it_was_written() -> None:
    stop = Stop(0.005, 1200, ("ab", "cd"))
    assert from_json(Stop, json_form(stop), "stop.json") == stop
    with pytest.raises(StoreError, match=r"^stop.json must have the field 'companions', and has none; delete it$"):
        from_json(Stop, {"precision_target": 0.1}, "stop.json", "delete it")
