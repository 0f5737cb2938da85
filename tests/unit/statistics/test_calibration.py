"""The order by which calibration and selective prediction go."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.statistics.confidence import ascending


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_order_of_confidences_is_that_of_a_stable_sort(kind: type) -> None:
    values = np.random.default_rng(0).normal(size=2000).astype(np.float32).astype(kind)
    values[::3], values[1::9], values[2::9] = values[5], 0.0, -0.0
    for each in (values, -values, np.abs(values), values[:1], values[:0], np.append(values, [np.inf, -np.inf, np.nan])):
        np.testing.assert_array_equal(ascending(each), np.argsort(each, kind="stable"))
    finer = np.random.default_rng(1).random(100)
    np.testing.assert_array_equal(ascending(finer), np.argsort(finer, kind="stable"))
