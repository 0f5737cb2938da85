"""Figures of few pictures: no bands around curves, two points are no curve, and marks of one to three say so."""

from __future__ import annotations

from typing import Any

import pytest

from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.beside import from_few
from hardiness.report.charts import Curves, Dots, Line, Observer, Panel
from hardiness.report.figures.charts import draw
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.writers import inline
from hardiness.report.section import Section
from hardiness.report.sections import BenchmarkSection
from hardiness.statistics.spreads.combined import TwoEnds


def shown(n: int, *charts: Any) -> BenchmarkSection:
    run = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-c", "corruption", "p"))
    result = Result("a", "imagenet-c", "imagenet", "p", (), Counts(n, n, 0, n), run, {})
    return BenchmarkSection([result], Section(charts=charts))


def curves(ticks: tuple[float, ...], small: bool = False) -> Curves:
    line = Line("a", ticks, (0.5,) * len(ticks), (0.4,) * len(ticks), (0.6,) * len(ticks))
    panel = Panel("severity", (line,), (), ticks, tuple(map(str, ticks)))
    return Curves("c", "Error", "Error", "The error; bands are 95 % intervals.", (panel,) * 3, small=small)


def dots(n: int) -> Dots:
    score = Score("error", 0.5, "fraction", n, TwoEnds(0.5, 0.1, 0.9), condition=Condition(corruption="fog"))
    return Dots("d", "Means", "", "", ("", ""), "all", ("fog",), (Observer("a", score, {"fog": score}),))


def test_curves_of_few_pictures_have_no_bands_and_means_stand_first() -> None:
    charts = from_few(shown(5, curves((1, 2, 3), small=True), dots(5))).section.charts
    first, second = charts
    assert isinstance(first, Dots)
    assert first.bars, "each mean has its interval"
    assert first.title == "Means, from 5 images"
    assert isinstance(second, Curves)
    assert second.panels[0].measured[0].low == ()
    assert second.caption == "The error; 5 images are too few for bands."
    assert from_few(shown(1000, curves((1, 2, 3), small=True), dots(5))).section.charts[0] == curves((1, 2, 3), True)


def test_two_points_are_no_curve() -> None:
    (chart,) = from_few(shown(5, curves((0, 10)))).section.charts
    assert isinstance(chart, Curves)
    assert chart.panels[0].measured[0].low, "and keep their intervals"
    assert "lines are 95 % intervals" in chart.caption
    inks = Inks.for_models(["a"])
    two, three = (inline(draw(curves(ticks), 600, inks), tips=True) for ticks in ((0, 10), (0, 5, 10)))
    assert "polygon" in three
    assert "polygon" not in two, "nothing is drawn between two points"


@pytest.mark.parametrize(("n", "is_said"), [(1, True), (3, True), (4, False)])
def test_marks_of_one_to_three_pictures_say_n(n: int, is_said: bool) -> None:
    text = inline(draw(dots(n), 600, Inks.for_models(["a"])), tips=False)
    assert (f">n = {n}<" in text) == is_said
