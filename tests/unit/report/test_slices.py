"""Scores by slice on the terminal, on the page and as a chart: the worst first, and nothing claimed of few pictures."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pyarrow.csv
import pytest
from pyarrow import parquet

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, Trust, error_of
from hardiness.core.result import Counts, Result, Score, SlicedScore, SliceScore
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.core.spread import Interval
from hardiness.report.exports import csv, latex, markdown
from hardiness.report.exports import json as exported_json
from hardiness.report.exports import parquet as exported_parquet
from hardiness.report.format import as_text
from hardiness.report.loggers.tracking import numbers_of
from hardiness.report.sections import sections
from hardiness.report.slices import slice_lines, slice_views
from hardiness.report.terminal import score_tables
from hardiness.statistics.spreads.combined import TwoEnds


def number(value: float, low: float, high: float, n: int = 172) -> Score:
    return Score("top1", value, "fraction", n, TwoEnds(value, low, high))


def slice_score(value: str, score: float, n: int, less_rest: Score | None = None, p: float | None = None) -> SliceScore:
    return SliceScore(value, number(score, max(score - 0.1, 0.0), min(score + 0.1, 1.0), n), less_rest, p)


SITES = SlicedScore(
    "site",
    "top1",
    Condition(),
    "fraction",
    True,
    "top-1",
    (
        slice_score("E", 0.3, 12),
        slice_score("B", 0.5, 60, number(-0.3, -0.4, -0.2, 60), 0.001),
        slice_score("A", 0.9, 100, number(0.2, -0.1, 0.3, 72), 0.2),
    ),
    number(0.3, 0.2, 0.55, 12),
    number(0.6, 0.1, 0.8),
    172,
    without_value=3,
    mix={"A": 0.25, "B": 0.75},
    average=number(0.6, 0.5, 0.7),
)


def result(*slices: SlicedScore, model: str = "net") -> Result:
    return Result(
        model,
        "imagenet-val",
        "imagenet",
        "classification",
        [Score("top1", 0.75, "fraction", 175, TwoEnds(0.75, 0.7, 0.8))],
        Counts(175, 175, 0, 175),
        Run(ModelIdentity(model), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("imagenet")),
        {},
        slices=slices,
    )


def test_the_terminal_has_a_row_for_each_value_with_n_and_the_worst_first() -> None:
    text = as_text(score_tables([result(SITES)]))
    assert text.index("E ") < text.index("│ B ") < text.index("│ A ")
    assert "40.0–60.0" in text
    assert "by site" not in as_text(score_tables([result()]))


def test_sentences_say_the_worst_the_gap_what_differs_and_the_average() -> None:
    lines = [*slice_lines(SITES)]
    assert lines[:4] == [
        "worst site: E, 30.0 of 12 pictures alone (20.0–55.0: the lowest of 3 site values, whichever it is)",
        "gap between best and worst: 60.0 (10.0–80.0)",
        "differs from all other pictures: B -30.0 (-40.0 to -20.0)",
        "average for A 25.0 %, B 75.0 %: 60.0 (50.0–70.0)",
    ]
    assert "3 pictures have no site and are in no slice" in lines


def test_of_few_pictures_no_difference_is_claimed() -> None:
    few = slice_score("E", 0.3, 12, number(-0.5, -0.7, -0.2, 12), 0.0001)
    assert not few.is_unlike_rest
    line = next(line for line in slice_lines(replace(SITES, slices=(few, SITES.slices[2]))) if "differ" in line)
    assert line == "no value of site is known to differ from all other pictures"


def test_an_average_that_is_not_there_says_why() -> None:
    lacking = replace(
        SITES, average=Score("top1", None, "fraction", 172, lack=error_of(ArgumentError("no picture with site D")))
    )
    assert "no average for A 25.0 %, B 75.0 %: no picture with site D" in [*slice_lines(lacking)]


def test_the_chart_has_intervals_and_names_the_worst_of_many_pictures() -> None:
    (shown,) = sections([result(SITES)])
    chart = next(chart for chart in shown.section.charts if chart.name == "by_slice_0")
    assert chart.title == "By site: B is worst, 50.0 %"
    assert chart.rows == ("E, n 12", "B, n 60", "A, n 100")
    assert chart.bars
    assert chart.observers[0].by_row["B, n 60"].interval == Interval(0.4, 0.6)
    assert chart.observers[0].overall.value == 0.75


def test_where_models_differ_in_the_worst_the_heading_says_so() -> None:
    other = replace(SITES, slices=(SITES.slices[2], SITES.slices[1]))
    (shown,) = sections([result(SITES), result(other, model="other")])
    chart = next(chart for chart in shown.section.charts if chart.name == "by_slice_0")
    assert chart.title == "By site: which value is worst differs between models"
    (view,) = slice_views(shown.results)
    assert view.heads == ("site", "n", "net", "other")


@pytest.mark.parametrize("everything", [False, True])
def test_other_scores_are_shown_where_everything_is_asked_for(everything: bool) -> None:
    other = replace(SITES, metric="aurra", title="AURRA")
    assert len(slice_views([result(SITES, other)], everything)) == 1 + everything


def test_every_export_carries_them() -> None:
    given = [result(SITES)]
    rows = pyarrow.csv.read_csv(io.BytesIO(csv.write(given))).to_pylist()
    by_row = {(row["slice_row"], row["slice_value"]): row for row in rows}
    assert set(by_row) == {
        ("", ""),
        ("value", "A"),
        ("value", "B"),
        ("value", "E"),
        ("worst", "E"),
        ("gap", ""),
        ("mix", ""),
    }
    at_b = by_row["value", "B"]
    assert (at_b["slice"], at_b["value"], at_b["low"], at_b["n"]) == ("site", 0.5, 0.4, 60)
    assert (at_b["slice_p"], at_b["slice_difference"]) == (0.001, -0.3)
    assert (by_row["worst", "E"]["low"], by_row["gap", ""]["high"], by_row["mix", ""]["value"]) == (0.2, 0.8, 0.6)
    assert json.loads(exported_json.write(given))["results"][0]["slices"][0]["worst_value"] == "E"
    for text in (markdown.write(given).decode(), latex.write(given).decode()):
        assert "by site" in text
        assert "50.0" in text
    assert numbers_of(given[0])["imagenet-val/top1/site.B"] == 0.5
    assert numbers_of(given[0])["imagenet-val/top1/site/worst"] == 0.3


def test_exports_without_slices_have_no_column_of_them() -> None:
    assert "slice" not in csv.write([result()]).decode()
    assert "by site" not in markdown.write([result()]).decode()


def test_tables_of_parquet_are_typed_where_a_slice_has_no_interval() -> None:
    few = SlicedScore(
        "site",
        "top1",
        Condition(),
        "fraction",
        True,
        "top-1",
        (SliceScore("A", Score("top1", None, "fraction", 3, lack=error_of(ArgumentError("few")))),),
    )
    table = parquet.read_table(io.BytesIO(exported_parquet.write([result(few)]))).to_pylist()
    assert [(row["slice_value"], row["value"], row["reason"]) for row in table] == [
        (None, 0.75, None),
        ("A", None, "few"),
    ]


def test_a_number_that_the_report_on_an_attack_does_not_stand_by_says_so_by_slice() -> None:
    condition = Condition(epsilon=0.01)
    finding = Fact("package.hidden", trust=Trust.WITHDRAWN)
    slices = tuple(replace(each, score=replace(each.score, condition=condition)) for each in SITES.slices)
    given = result(replace(SITES, condition=condition, slices=slices), SITES)
    scores = [*given.scores, Score("top1", 0.5, "fraction", 175, condition=condition)]
    doubted = replace(given, scores=scores, findings=[finding])
    assert [score.doubt for score in doubted.slices] == ["withdrawn", ""]
    assert next(iter(slice_lines(doubted.slices[0]))).startswith("withdrawn: ")
    rows = pyarrow.csv.read_csv(io.BytesIO(csv.write([doubted]))).to_pylist()
    assert {row["doubt"] for row in rows if row["slice_row"] == "value" and row["epsilon"]} == {"withdrawn"}
