"""The order of evaluation: stratified, seeded, and every limit a prefix of the next."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardiness.core.benchmark import Item
from hardiness.core.errors import ArgumentError
from hardiness.data.items import limited
from hardiness.sources.files import DiskFile


def made(counts: list[int]) -> list[Item]:
    return [Item(f"{label:03d}/{i}", label * 3, DiskFile("x")) for label, n in enumerate(counts) for i in range(n)]


datasets = st.lists(st.integers(1, 6), min_size=1, max_size=12).map(made)


@given(items=datasets, seed=st.integers(0, 5))
def test_no_limit_is_a_permutation(items: list[Item], seed: int) -> None:
    assert sorted(item.id for item in limited(items, None, seed)) == sorted(item.id for item in items)


@given(items=datasets, seed=st.integers(0, 5), limit=st.integers(1, 80))
def test_a_limit_is_a_prefix(items: list[Item], seed: int, limit: int) -> None:
    assert limited(items, limit, seed) == limited(items, None, seed)[:limit]


@given(items=datasets, seed=st.integers(0, 5), limit=st.integers(1, 80))
def test_every_class_comes_once_before_any_comes_twice(items: list[Item], seed: int, limit: int) -> None:
    available = Counter(item.label for item in items)
    taken = Counter(item.label for item in limited(items, limit, seed))
    most = max(taken.values())
    assert all(taken[label] >= min(available[label], most - 1) for label in available)


def test_seeds_give_other_orders_and_the_same_seed_the_same() -> None:
    items = made([5] * 50)
    assert limited(items, 20, 0) == limited(items, 20, 0)
    assert limited(items, 20, 0) != limited(items, 20, 1)
    assert [item.label for item in limited(items, 20, 0)] != sorted(item.label for item in limited(items, 20, 0))


def test_the_choice_within_a_class_does_not_depend_on_other_classes() -> None:
    def first_of_class_0(items: list[Item]) -> str:
        return next(item.id for item in limited(items, None, 3) if item.label == 0)

    assert first_of_class_0(made([9, 2])) == first_of_class_0(made([9, 6, 5]))


def test_none_of_nothing_is_nothing() -> None:
    assert list(limited([], 5, 0)) == []


@pytest.mark.parametrize("limit", [0, -3])
def test_impossible_limits_are_refused(limit: int) -> None:
    with pytest.raises(ArgumentError, match=f"limit must be at least 1, was {limit}"):
        limited(made([1]), limit, 0)
