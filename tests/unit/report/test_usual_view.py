"""A benchmark without a view: its table, a figure of its scores, and every other metric by condition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.report.beside import with_figure
from hardiness.report.charts import Dots
from hardiness.report.page import PageOptions, put_page
from hardiness.report.sections import sections
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.store.local_files import LocalFiles

ANGLES = (0, 90, 180)


def turned(model: str, shares: tuple[float, ...], more: tuple[Score, ...] = ()) -> Result:
    """A result of a card that nobody here has: accuracy over all and by angle, and the size of a step by angle."""
    scores = [
        Score("accuracy", sum(shares) / len(shares), "fraction", 300, TwoEnds(sum(shares) / len(shares), 0.0, 0.95)),
        *(
            Score("accuracy", share, "fraction", 100, condition=Condition(angle=a))
            for a, share in zip(ANGLES, shares, strict=True)
        ),
        *(Score("step", 2.5 * a, "degrees", 100, condition=Condition(angle=a)) for a in ANGLES),
        *more,
    ]
    run = Run(ModelIdentity(model), BenchmarkIdentity("turned", "turned", "example"))
    return Result(model, "turned", "photographs", "example", scores, Counts(300, 300, 0, 300), run, {})


def test_every_metric_of_a_card_without_a_view_is_shown_by_condition(tmp_path: Path) -> None:
    results = [turned("a", (0.9, 0.5, 0.4)), turned("b", (0.8, 0.7, 0.6))]
    (shown,) = sections(results)
    assert [column.metric for column in shown.section.columns] == ["accuracy"]
    (chart,) = shown.section.charts
    assert isinstance(chart, Dots)
    assert (chart.title, chart.rows, chart.limit) == ("Accuracy by angle", ("0", "90", "180"), 1.0)
    assert [[each.by_row[row].value for row in chart.rows] for each in chart.observers] == [
        [0.8, 0.7, 0.6],
        [0.9, 0.5, 0.4],
    ]
    assert [each.overall and each.overall.value for each in chart.observers] == [
        result.scores[0].value for result in reversed(results)
    ]
    second, first = shown.section.grids
    assert (first.model, second.model, first.corner, first.heads) == ("a", "b", "angle", ("accuracy", "step"))
    assert [name for name, _ in first.rows] == ["0", "90", "180"]
    assert [[cell and cell.value for cell in cells] for _, cells in first.rows] == [
        [0.9, 0.0],
        [0.5, 225.0],
        [0.4, 450.0],
    ]
    assert [each.name for each in with_figure(shown).section.charts] == ["scores", "scores_by_condition"]
    put_page(results, LocalFiles(tmp_path), "page.html", "t", PageOptions(figures=("svg",)))
    page = (tmp_path / "page.html").read_text()
    assert "Accuracy by angle" in page
    assert "450" in page
    assert len([*(tmp_path / "figures").glob("*.svg")]) == 2


def test_what_is_no_share_or_under_one_condition_has_a_grid_alone() -> None:
    result = turned("a", (0.9, 0.5, 0.4))
    alone = [score for score in result.scores if score.metric == "step" or not score.condition]
    (shown,) = sections([replace(result, scores=alone)])
    assert not shown.section.charts
    assert [grid.heads for grid in shown.section.grids] == [("step",)]


def test_without_conditions_there_is_the_table_alone() -> None:
    result = turned("a", (0.9, 0.5, 0.4))
    (shown,) = sections([replace(result, scores=result.scores[:1])])
    assert (shown.section.charts, shown.section.grids) == ([], [])
