"""Every two models' differences as a matrix: what is told apart is marked, what is undefined is not there."""

from __future__ import annotations

import numpy as np
from one_score import compared

from hardiness.core.result import Counts, Result
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.difference_matrix import difference_matrices
from hardiness.report.section import Section
from hardiness.report.sections import BenchmarkSection
from hardiness.results.comparison import BenchmarkComparison
from hardiness.statistics.estimate import mean


def section(higher_is_better: bool = True) -> BenchmarkSection:
    right = {"a": np.arange(400) < 360, "b": np.arange(400) < 300, "c": np.arange(400) < 299}
    score = compared("top1", {name: mean(np.arange(400), each) for name, each in right.items()}, higher_is_better)
    results = [
        Result(name, "imagenet-val", "imagenet", "p", (), Counts(400, 400, 0, 400),
               Run(ModelIdentity(name), BenchmarkIdentity("imagenet-val", "classification", "p")), {})
        for name in right
    ]  # fmt: skip
    return BenchmarkSection(results, Section(), BenchmarkComparison("imagenet-val", "imagenet", (score,), 400, ()))


def test_the_row_less_the_column_in_points_with_what_is_told_apart() -> None:
    (matrix,) = difference_matrices(section())
    assert matrix.models == ("a", "b", "c")
    cells = {(row, column): matrix.rows[i][j] for i, row in enumerate("abc") for j, column in enumerate("abc")}
    assert cells["a", "a"] is None
    first, back, near = cells["a", "b"], cells["b", "a"], cells["b", "c"]
    assert first is not None
    assert back is not None
    assert near is not None
    assert (first.text, first.verdict, back.text, back.verdict) == ("+15.0", "better", "−15.0", "worse")
    low, high = (float(end.replace("−", "-")) for end in first.interval.split(" to "))
    assert low < 15 < high
    assert [float(end.replace("−", "-")) for end in back.interval.split(" to ")] == [-high, -low]
    assert near.verdict == "", "0.2 points are not told apart"


def test_where_lower_is_better_the_larger_number_is_the_worse() -> None:
    (matrix,) = difference_matrices(section(higher_is_better=False))
    assert matrix.rows[0][1] is not None
    assert matrix.rows[0][1].verdict == "worse"
