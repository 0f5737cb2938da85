"""Results as tables and as a page that escapes what it is given."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hardiness.benchmarks.card import cards
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import error_of
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Plan, Run
from hardiness.core.spread import Interval
from hardiness.report.charts import Grid
from hardiness.report.format import grid_cell, interval, number
from hardiness.report.page import PageOptions, put_page
from hardiness.report.section import section_of
from hardiness.report.terminal import score_tables
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.store.local_files import LocalFiles


def grid_of(result: Result) -> Grid | None:
    grids = section_of([result]).grids
    return grids[0] if grids else None


def result_of(*scores: Score, model: str = "m", warnings: tuple[str, ...] = (), card: str = "corruption") -> Result:
    return Result(
        model=model,
        benchmark="imagenet-c",
        data="imagenet",
        protocol="orhan2019",
        scores=scores,
        counts=Counts(900, 300, 0, images=12),
        run=Run(ModelIdentity(model), BenchmarkIdentity("imagenet-c", card)),
        key="k",
        plan=Plan(),
        measured={"sessions": []},
        warnings=tuple(error_of(ArgumentError(line)) for line in warnings),
    )


def printed(results: list[Result], everything: bool = False) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for table in score_tables(results, everything):
        console.print(table)
    console.file.close()
    return console.export_text()


def test_no_sign_stands_beside_a_dash() -> None:
    assert interval(Interval(0.1, 0.25), "fraction") == "10.0–25.0"
    assert interval(Interval(-0.226, -0.126), "fraction") == "-22.6 to -12.6"
    assert interval(Interval(-0.01, 0.058), "fraction") == "-1.0 to 5.8"


def test_percent_is_made_here_and_only_of_fractions() -> None:
    assert number(0.4567, "fraction") == "45.7"
    assert number(0.4567, "ratio") == "45.7"
    assert number(1.23456, "top-5 distance") == "1.23"


def test_a_note_shared_by_all_models_is_said_once() -> None:
    top1 = Score("top1", 0.5, "fraction", 4, TwoEnds(0.5, 0.2, 0.8))
    undefined = Score("aurra", None, "fraction", 4, lack=error_of(ArgumentError("too few")))
    both = [result_of(top1, undefined, model=m, warnings=("partial",), card="classification") for m in ("a", "b")]
    text = printed(both)
    assert text.count("partial") == 1
    assert text.count("AURRA is undefined: too few") == 1
    assert "20.0–80.0" in text
    alone = printed([result_of(top1, model="a", warnings=("odd",)), result_of(top1, model="b")])
    assert "a: odd" in alone


def cells() -> list[Score]:
    def score(metric: str, value: float, **condition: Any) -> Score:
        return Score(metric, value, "fraction", 4, higher_is_better=False, condition=Condition(**condition))

    return [
        score("mean_error", 0.3),
        score("error", 0.25, corruption="fog"),
        score("ce", 0.6, corruption="fog"),
        score("error", 0.2, severity=1),
        score("error", 0.2, corruption="fog", severity=1),
        score("error", 0.3, corruption="fog", severity=2),
    ]


def test_cells_become_a_grid() -> None:
    grid = grid_of(result_of(*cells()))
    assert grid is not None
    assert grid.heads == ("severity 1", "severity 2", "mean", "CE")
    ((name, row),) = grid.rows
    assert name == "fog"
    assert [grid_cell(cell) for cell in row] == ["20.0", "30.0", "25.0", "60.0"]
    assert row[-1] is not None
    assert not row[-1].shaded
    assert grid_of(result_of()) is None
    assert "20.0" in printed([result_of(*cells())], everything=True)


@pytest.mark.slow
def test_a_page_escapes_names_and_stands_alone(tmp_path: Path) -> None:
    top1 = Score("top1", 0.5, "fraction", 4, TwoEnds(0.5, 0.2, 0.8))
    odd = "<script>alert(1)</script>"
    result = result_of(top1, *cells(), model=odd, warnings=(odd,))
    put_page([result], LocalFiles(tmp_path), "page.html", odd, PageOptions())
    page = (tmp_path / "page.html").read_text()
    assert odd not in page
    assert "&lt;script&gt;" in page
    assert "50.0" in page
    assert "error by corruption and severity" in page
    for outside in ("http://", "https://", "src=", "@import"):
        assert outside not in page
    assert page.count("url(") == page.count('url("#k0")'), "a marker in the page itself"
    policy = page.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src 'none'" in policy
    assert "unsafe-inline'; script" not in policy.replace("style-src 'unsafe-inline'; ", "")


@pytest.mark.slow
def test_n_is_images_and_never_rows(tmp_path: Path) -> None:
    found = [result_of(Score("mean_error", 0.5, "fraction", 12, TwoEnds(0.5, 0.2, 0.8), higher_is_better=False))]
    (row,) = [line for line in printed(found).splitlines() if line.startswith("│ m ")]
    assert row.split("│")[-2].strip() == "12"
    put_page(found, LocalFiles(tmp_path), "page.html", "t", PageOptions())
    page = (tmp_path / "page.html").read_text()
    assert "<td>12<" in page
    scores = page.split('id="imagenet-c-on-imagenet-orhan2019-scores"')[1].split("</table>")[0]
    assert "300" not in scores


def scores_of(card: str) -> list[Score]:
    """A score under each key of a card's conditions, and its metrics."""
    chosen = cards.get(card)
    return [each.score(0.5, 4, TwoEnds(0.5, 0.4, 0.6)) for each in chosen.metrics] + [
        Score("error", 0.5, "fraction", 4, TwoEnds(0.5, 0.4, 0.6), condition=Condition(**{key: 1}))
        for key in ("epsilon", "steps", "corruption")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("card", cards.names())
def test_every_card_gives_a_view_that_both_renderers_render(card: str, tmp_path: Path) -> None:
    found = [result_of(*scores_of(card), model=name, card=card) for name in ("a", "b")]
    columns = section_of(found).columns
    text = " ".join(printed(found, everything=True).split())
    put_page(found, LocalFiles(tmp_path), "page.html", "t", PageOptions())
    page = " ".join(html.unescape(re.sub("<[^>]+>", " ", (tmp_path / "page.html").read_text())).split())
    assert columns or not cards.get(card).metrics
    for column in columns:
        assert all(word in text for word in column.title.split())
        assert column.title in page


def test_a_grid_of_sequences_has_the_columns_that_there_are() -> None:
    rotate, noise = {"perturbation": "rotate"}, {"perturbation": "shot_noise", "severity": 2}

    def score(metric: str, value: float, unit: str, **condition: Any) -> Score:
        return Score(metric, value, unit, 4, higher_is_better=False, condition=Condition(**condition))

    given = [
        score("flip_probability", 0.5, "fraction", **noise),
        score("flip_probability", 0.25, "fraction", **rotate),
        score("top5_distance", 1.0, "top-5 distance", **rotate),
    ]
    grid = grid_of(result_of(*given, card="perturbation"))
    assert grid is not None
    assert grid.heads == ("flip probability", "top-5 distance")
    assert [name for name, _ in grid.rows] == ["shot noise 2", "rotate"]
    assert [[grid_cell(cell) for cell in row] for _, row in grid.rows] == [["50.0", ""], ["25.0", "1"]]
    divided = grid_of(result_of(*given, score("t5d", 1.5, "ratio", **rotate), card="perturbation"))
    assert divided is not None
    assert divided.heads[-1] == "T5D"
