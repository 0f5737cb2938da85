"""Prices and what units cost by them: arithmetic by hand."""

from __future__ import annotations

import pytest

from hardiness.engine.forecast import LEAST_ERROR, UNKNOWN_ERROR, Costs, Price


def test_a_price_is_the_seconds_over_the_rows_of_all_trials() -> None:
    found = Price.of_trials([(10, 1.0), (30, 5.0)])
    assert found.row_s == pytest.approx(6 / 40)
    assert found.error > LEAST_ERROR
    assert Price.of_trials([(10, 1.0)]) == Price(0.1, UNKNOWN_ERROR)
    assert Price.of_trials([(10, 1.0), (20, 2.0)]).error == LEAST_ERROR
    with pytest.raises(ValueError, match="at least one trial"):
        Price.of_trials([])


def test_what_models_share_is_paid_once() -> None:
    costs = Costs({("c", "a"): Price(0.3), ("c", "b"): Price(0.5)}, {"c": 0.1})
    assert costs.unit_s("c", {"a": 10}) == pytest.approx(3.0)
    assert costs.unit_s("c", {"a": 10, "b": 10}) == pytest.approx(3.0 + 5.0 - 1.0)
    assert costs.unit_s("c", {"a": 10, "b": 4}) == pytest.approx(3.0 + 2.0 - 0.4)
    assert costs.unit_s("c", {}) == 0.0


def test_sharing_never_makes_several_models_cheaper_than_the_dearest() -> None:
    costs = Costs({("c", "a"): Price(0.1), ("c", "b"): Price(0.1)}, {"c": 0.4})
    assert costs.unit_s("c", {"a": 10, "b": 10}) == pytest.approx(1.0)


def test_start_bytes_errors_and_bounds() -> None:
    dear, bound = Price(0.3, 0.1, 2.0, 50.0), Price(0.1, 0.3, 1.0, 20.0, at_most=True)
    costs = Costs({("c", "a"): dear, ("c", "b"): bound})
    rows = {"a": 10, "b": 30}
    assert costs.start_s("c", ["a", "b"]) == 3.0
    assert costs.bytes_written("c", rows) == 10 * 50 + 30 * 20
    assert costs.error("c", rows) == pytest.approx(0.2)
    assert costs.at_most("c", ["a", "b"])
    assert not costs.at_most("c", ["a"])
