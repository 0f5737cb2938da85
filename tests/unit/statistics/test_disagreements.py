"""The most telling images come first."""

import numpy as np
import pytest

from hardiness.core.errors import ArgumentError
from hardiness.statistics.decomposition import disagreements

IDS = np.array(["a", "b", "c", "d"])


def test_furthest_apart_first_then_surest_then_by_id() -> None:
    first = np.array([[1, 1], [1, 0], [0, 0], [1, 1]], bool)
    second = np.array([[0, 0], [0, 0], [1, 0], [1, 1]], bool)
    sure = np.array([[0.5, 0.5], [0.6, 0.9], [0.7, 0.1], [1, 1]])
    found = disagreements(IDS, first, second, (sure, sure))
    assert [each.image for each in found] == ["a", "c", "b"]
    assert [each.ahead for each in found] == [1, -0.5, 0.5]
    assert [each.cells for each in found] == [2, 1, 1]
    assert [each.sureness for each in found] == [1.0, 1.4, 1.2]
    assert [each.image for each in disagreements(IDS, first, second)] == ["a", "b", "c"]


def test_unequal_tables_are_refused() -> None:
    with pytest.raises(ArgumentError, match="equal tables"):
        disagreements(IDS, np.ones((4, 2), bool), np.ones((4, 3), bool))
