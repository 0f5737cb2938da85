"""The largest of each row, against a stable full sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hardiness.imaging.largest import top


def by_sorting(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    columns = np.full((len(values), count), -1, np.int16)
    largest = np.full((len(values), count), -np.inf, np.float32)
    columns[:, : order.shape[1]] = order
    largest[:, : order.shape[1]] = np.take_along_axis(values, order, axis=1)
    return columns, largest


@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=80), elements=st.integers(-6, 6)),
    st.integers(1, 32),
)
def test_it_is_a_stable_sort_cut_short_however_many_are_equal(values: np.ndarray, count: int) -> None:
    for found, expected in zip(top(values, count), by_sorting(values, count), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("columns", [1, 4, 5, 31, 32, 33, 64, 999, 1000])
def test_any_number_of_columns(columns: int) -> None:
    values = np.random.default_rng(columns).normal(size=(300, columns)).astype(np.float32)
    values[::3] = np.sort(values[::3], axis=1)
    values[1::3] = np.sort(values[1::3], axis=1)[:, ::-1]
    before = values.copy()
    for found, expected in zip(top(values, 5), by_sorting(values, 5), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(values, before)
