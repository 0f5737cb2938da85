"""On a person's own classes figures and differences show right answers, as tables do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from one_score import compared

from hardiness.api.comparisons import Comparisons
from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.report.charts import Curves, Dots, Grid, Heat
from hardiness.report.difference_matrix import difference_matrices
from hardiness.report.page import PageOptions, inks_of, page
from hardiness.report.sections import sections
from hardiness.results.comparison import BenchmarkComparison, PairDetail
from hardiness.statistics.comparison import Difference, ScoreComparison
from hardiness.statistics.decomposition import DifferencePart
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds

ERRORS = {("fog", 1): 0.1, ("fog", 2): 0.2, ("snow", 1): 0.7, ("snow", 2): 0.8}


def own_c(model: str, *, is_own: bool = True) -> Result:
    cells = [Condition(corruption=name, severity=severity) for name, severity in ERRORS]
    scores = [
        error("mean_error", 0.45),
        error("clean_error", 0.05),
        *(error("error", value, name) for name, value in (("fog", 0.15), ("snow", 0.75))),
        *(error("error", value, *cell) for cell, value in ERRORS.items()),
    ]
    data = DataIdentity("photos", classes=("cat", "dog") if is_own else ())
    name = "own-c" if is_own else "imagenet-c"
    run = Run(ModelIdentity(model), BenchmarkIdentity(name, "corruption", "own"), data, conditions=tuple(cells))
    return Result(model, name, "photos", "own", scores, Counts(400, 100, 0, 100), run, {})


def error(metric: str, value: float, corruption: str = "", severity: int = 0) -> Score:
    parts = {"corruption": corruption, "severity": severity}
    condition = Condition(**{name: part for name, part in parts.items() if part})
    return Score(metric, value, "fraction", 100, TwoEnds(value, value - 0.02, value + 0.01), False, condition)


def figures(is_own: bool) -> dict[str, object]:
    (section,) = sections([own_c("a", is_own=is_own)])
    return {chart.name: chart for chart in section.section.charts} | {
        grid.title: grid for grid in section.section.grids
    }


def test_figures_of_own_classes_show_accuracy_and_those_of_imagenet_error() -> None:
    own, others = figures(is_own=True), figures(is_own=False)
    kinds = ("by_severity", "matrix", "by_corruption")
    assert {f"accuracy_{kind}" for kind in kinds} <= own.keys()
    assert {f"error_{kind}" for kind in kinds} <= others.keys()
    assert not [name for name in own if name.startswith("error")]
    curves, others_curves = own["accuracy_by_severity"], others["error_by_severity"]
    assert isinstance(curves, Curves)
    assert isinstance(others_curves, Curves)
    assert curves.heading == "Most is lost under snow (25 % right), least under fog (85 %)"
    assert others_curves.heading == "Most is lost under snow (75 % wrong), least under fog (15 %)"
    (line,) = curves.panels[0].measured
    assert curves.panels[0].title == others_curves.panels[0].title == "snow", "the most harmful one comes first"
    assert line.y == pytest.approx((0.3, 0.2))
    assert (line.low, line.high) == (pytest.approx((0.29, 0.19)), pytest.approx((0.32, 0.22)))
    heat, dots, grid = own["accuracy_matrix"], own["accuracy_by_corruption"], own["accuracy by corruption and severity"]
    assert isinstance(heat, Heat)
    assert heat.higher_is_better
    assert heat.layers[0].values[0] == pytest.approx((0.9, 0.8))
    assert isinstance(dots, Dots)
    assert dots.title == "Accuracy by corruption: least under snow, most under fog"
    assert dots.label == "accuracy ↑ better"
    assert dots.observers[0].overall is not None
    assert dots.observers[0].overall.value == pytest.approx(0.55)
    assert isinstance(grid, Grid)
    assert [cell.value for cell in grid.rows[-1][1] if cell] == pytest.approx([0.3, 0.2, 0.25])


def test_differences_on_own_classes_are_of_right_answers() -> None:
    wrong = {"a": np.arange(400) < 40, "b": np.arange(400) < 120}
    score = compared("mean_error", {name: mean(np.arange(400), each) for name, each in wrong.items()}, False)
    for is_own, title, text in ((True, "accuracy under corruptions", "+20.0"), (False, "mean error", "−20.0")):
        results = [own_c(name, is_own=is_own) for name in "ab"]
        name = results[0].benchmark
        (section,) = sections(results, [BenchmarkComparison(name, "photos", (score,), 400, (), protocol="own")])
        (matrix,) = difference_matrices(section)
        cell = matrix.rows[0][1]
        assert cell is not None
        assert (matrix.title, cell.text, cell.verdict) == (title, text, "better")
        low, high = (float(end.replace("−", "-")) for end in cell.interval.split(" to "))
        assert low < float(text.replace("−", "-")) < high


def test_tables_of_a_comparison_on_own_classes_are_of_right_answers() -> None:
    part = DifferencePart("fog", Difference.tested(0.2, 9, "", 0.01, TwoEnds(0.2, 0.1, 0.4)), 0.01)
    nothing = DifferencePart("snow", Difference(0.0, 9, ""), None)
    errors = ScoreComparison(
        *("mean_error", False, {"a": 0.5, "b": 0.3}),
        {("a", "b"): Difference.tested(0.2, 9, "", 0.01, TwoEnds(0.2, 0.1, 0.4))},
        *(9, Condition(), "mean error"),
    )
    detail = PairDetail("a", "b", None, (), {"corruption": [part, nothing]}, ())
    one = BenchmarkComparison("own-c", "photos", (errors,), 9, (), (detail,), keys={"a": "k", "b": "l"})
    own, others = (
        "".join(view.html() for view in Comparisons((one,), own_classes=keys).views())
        for keys in (frozenset("kl"), frozenset("k"))
    )
    assert "mean error" not in own
    assert "accuracy under corruptions" in own
    assert "accuracy by corruption, largest parts in points: fog -20.00*, snow +0.00" in own
    assert "mean error by corruption, largest parts in points: fog +20.00*, snow +0.00" in others


def test_no_part_of_a_difference_stands_against_the_direction_of_the_page_whatever_was_done_to_own_pictures() -> None:
    part = DifferencePart("cat", Difference.tested(0.2, 9, "", 0.01, TwoEnds(0.2, 0.1, 0.4)), 0.01)
    detail = PairDetail("a", "b", None, (), {"class": [part]}, ())
    score = compared("consistency", {name: mean(np.arange(9), np.ones(9)) for name in "ab"}, True)
    none = replace(score, metric="ece", title="ECE", values=dict.fromkeys("ab", math.nan))
    one = BenchmarkComparison("shift-consistency", "photos", (score, none), 9, (), (detail,), protocol="own")
    for classes in (("cat", "dog"), ()):
        data, cells = DataIdentity("photos", classes=classes), (Condition(), Condition(shift=1))
        benchmark = BenchmarkIdentity(one.benchmark, "shift", "own")
        runs = {model: Run(ModelIdentity(model), benchmark, data, conditions=cells) for model in "ab"}
        about = (one.benchmark, "photos", "own", (), Counts(9, 9, 0, 9))
        results = [Result(model, *about, run, {}) for model, run in runs.items()]
        shown = sections(results, [one])
        text = page(shown, "t", inks_of(shown), PageOptions(images=False))
        assert ("mean error by class" in text) is not bool(classes)
        assert "ECE is undefined" not in text, "which the notes of a table say"


@pytest.mark.parametrize("name", ["ranks by hand", "ECE is undefined", "a, mean error by b", "3 differences are shown"])
def test_a_page_says_the_same_of_a_pair_whatever_its_models_are_called(name: str) -> None:
    part = DifferencePart("overconfident", Difference.tested(0.2, 9, "", 0.01, TwoEnds(0.2, 0.1, 0.4)), 0.01)
    detail = PairDetail(name, "z", None, (), {"calibration": [part], "class": [part]}, ())
    score = compared("consistency", {each: mean(np.arange(9), np.ones(9)) for each in (name, "z")}, True)
    none = replace(score, metric="ece", title="ECE", values=dict.fromkeys((name, "z"), math.nan))
    one = BenchmarkComparison("shift-consistency", "photos", (score, none), 9, (), (detail,), protocol="own")
    data, about = DataIdentity("photos", classes=("cat", "dog")), (one.benchmark, "photos", "own", ())
    benchmark = BenchmarkIdentity(one.benchmark, "shift", "own")
    results = [
        Result(
            each, *about, Counts(9, 9, 0, 9), Run(ModelIdentity(each), benchmark, data, conditions=(Condition(),)), {}
        )
        for each in (name, "z")
    ]
    (shown,) = sections(results, [one])
    text = page([shown], "t", inks_of([shown]), PageOptions(images=False))
    assert f"{name} and z, Brier score by calibration and refinement, largest parts in points: overconfident" in text
    assert "mean error by class" not in text
