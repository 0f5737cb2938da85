"""The heading of the reliability diagram: of all images of every model, and judged only beyond chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hardiness.benchmarks.reliability import confidence_details
from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.core.table import ImageTable
from hardiness.report.charts import Curves
from hardiness.report.confidence_charts import confidence_charts


def result(name: str, confidence: list[float], right: list[bool]) -> Result:
    n = len(right)
    columns: dict[str, NDArray[Any]] = {
        "right": np.array(right, np.int8)[:, None],
        "confidence": np.array(confidence, np.float32)[:, None],
    }
    run = Run(ModelIdentity(name), BenchmarkIdentity("imagenet-val", "classification", "p"))
    table = ImageTable(
        np.array([f"{k:03}" for k in range(n)], object),
        np.zeros(n, np.int32),
        (Condition(),),
        np.zeros(1, np.int16),
        columns,
    )
    details = confidence_details(table)
    return Result(name, "imagenet-val", "mine", "p", [], Counts(n, n, 0, n), run, {}, details=details)


def figure(*results: Result) -> Curves:
    (chart,) = confidence_charts(results)
    assert isinstance(chart, Curves)
    return chart


def sure(name: str, confidence: float, right: int, n: int) -> Result:
    return result(name, [confidence] * n, [k < right for k in range(n)])


def test_eight_images_are_not_judged_and_every_model_is_spoken_of() -> None:
    one = result("one", [0.95] * 5 + [0.4, 0.5, 0.51], [True] * 7 + [False])
    assert figure(one).heading == "Mean confidence of 1 model: 77.0 %; right on 87.5 %"
    spread = result("spread", [0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85], [True] * 4 + [False] * 4)
    both = figure(one, spread)
    assert both.heading == "Mean confidence of 2 models: 50.0 to 77.0 %; right on 50.0 to 87.5 %"
    assert "Not at the left, as no bin holds so many: spread" in both.caption
    assert [line.name for line in both.panels[0].measured] == ["one"]
    assert [line.name for line in both.panels[1].measured] == ["one", "spread"]


@pytest.mark.parametrize(
    ("results", "heading"),
    [
        ([("a", 0.95, 60, 100)], "Surer than right: 95.0 % sure on average, 60.0 % right"),
        ([("a", 0.65, 60, 100)], "As sure as right, within chance: 65.0 % sure on average, 60.0 % right"),
        ([("a", 0.97, 40, 40)], "As sure as right, within chance: 97.0 % sure on average, 100.0 % right"),
        ([("a", 0.95, 60, 100), ("b", 0.9, 50, 100)], "Each of 2 models is surer than right"),
        (
            [("a", 0.95, 60, 100), ("b", 0.3, 60, 100), ("c", 0.6, 60, 100)],
            "Of 3 models, 1 is surer than right, 1 is right more often than sure, 1 is as sure as right, within chance",
        ),
    ],
)
def test_a_model_is_judged_where_the_difference_is_beyond_chance(
    results: list[tuple[str, float, int, int]], heading: str
) -> None:
    assert figure(*(sure(*each) for each in results)).heading == heading


def test_bins_weigh_as_many_images_as_they_hold() -> None:
    """95 images that are surer than right by 20 points, and 5 that are right more often by 90."""
    mixed = result("a", [0.94] * 95 + [0.1] * 5, [k < 70 for k in range(95)] + [True] * 5)
    assert figure(mixed).heading == "Surer than right: 89.8 % sure on average, 75.0 % right"
