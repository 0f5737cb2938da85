"""Published numbers that packages register, beside those that ship."""

from __future__ import annotations

from typing import Any

import pytest

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.run import ModelIdentity
from hardiness.core.spread import Interval
from hardiness.reference.published_numbers import published_beside, published_for, published_interval
from hardiness.reference.published_tables import PublishedTable, registry


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of headlines and one of a condition, of a benchmark of a stranger's; and one of a shipped benchmark."""
    tables = {
        "headlines": PublishedTable("street", "Doe 2026", {"a": {"top1": 0.5, "top5": 0.75}, "b": {"top1": 0.25}}, n=9),
        "fog": PublishedTable("street", "Doe 2026, fog", {"a": {"top1": 0.125}}, Condition(weather="fog")),
        "shipped": PublishedTable("imagenet-a", "Doe 2026", {"resnext101_32x8d": {"top1": 0.9}, "new": {"top1": 0.5}}),
    }
    names = registry.names()
    assert not names, "none ships"
    monkeypatch.setattr(registry, "_entries", {name: (table, __name__) for name, table in tables.items()})


def test_a_table_stands_where_ours_stand(registered: None) -> None:
    beside = published_beside("street", "top1", {})
    assert {name: (row.value, row.n, row.source, row.unit) for name, row in beside.items()} == {
        "a": (0.5, 9, "Doe 2026", "fraction"),
        "b": (0.25, 9, "Doe 2026", "fraction"),
    }
    assert {name: row.value for name, row in published_beside("street", "top1", {"weather": "fog"}).items()} == {
        "a": 0.125
    }
    assert published_beside("street", "mce", {}) == {}
    (row,) = published_for(ModelIdentity("a"), "street", "top5", {})
    assert row.value == 0.75
    assert published_interval(ModelIdentity("a"), "street", "top1") == Interval(0.5, 0.5)
    assert published_for(ModelIdentity("c"), "street", "top1", {}) == ()


def test_a_number_of_a_package_does_not_take_the_place_of_ours(registered: None) -> None:
    (ours,) = (row for row in published_for(ModelIdentity("resnext101_32x8d"), "imagenet-a", "top1", {}) if row.n)
    beside = published_beside("imagenet-a", "top1", {})
    assert beside["resnext101_32x8d"] == ours
    assert beside["new"].value == 0.5


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        (76, "fraction", r"published top1 of a on street must be a fraction of 1 \(0.76 for 76 %\), was 76"),
        (float("nan"), "ratio", "must be a finite number, was nan"),
    ],
)
def test_percent_and_what_is_no_number_are_refused(value: float, unit: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        PublishedTable("street", "Doe 2026", {"a": {"top1": value}}, unit=unit)
