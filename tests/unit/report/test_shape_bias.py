"""The figure of shape bias, people beside models, and error consistency from stored records."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.result import Result
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.charts import Grid
from hardiness.report.figures import WIDE_PX
from hardiness.report.figures.charts import draw
from hardiness.report.figures.inks import INKS, Inks
from hardiness.report.figures.sheet import Area, Sheet
from hardiness.report.figures.writers import document, inline, pdf, png
from hardiness.report.format import grid_cell
from hardiness.report.page import PageOptions, put_page
from hardiness.report.section import section_of
from hardiness.report.terminal import consistency_tables, score_tables
from hardiness.results.error_consistency import consistency
from hardiness.results.folder import Folder
from hardiness.store.local_files import LocalFiles
from hardiness.store.store import Store

CATEGORIES = {"bicycle": [0], "cat": [1], "dog": [2], "oven": [3]}
STIMULI = ("cat1-dog1", "cat2-oven1", "dog1-cat1", "dog2-oven2", "oven1-cat2", "oven2-dog2")
SHAPES = ("cat", "cat", "dog", "dog", "oven", "oven")


def store(folder: Path, data: str = "cue-conflict", fingerprint: str = "f", **models: tuple[str, ...]) -> Store:
    """A store in which each model has given the answers named."""
    made = Store.create(folder)
    for model, given in models.items():
        logits = np.zeros((len(given), 4), np.float32)
        logits[np.arange(len(given)), [CATEGORIES[answer][0] for answer in given]] = 9
        categories = {name: tuple(classes) for name, classes in CATEGORIES.items()}
        identity = Run(
            ModelIdentity(model),
            BenchmarkIdentity("cue-conflict", "cue_conflict", "orhan2019"),
            DataIdentity(data, fingerprint, len(STIMULI), 4, categories),
        )
        columns = {
            "sample": np.array(STIMULI[: len(given)]),
            "condition": np.zeros(len(given), np.int16),
            "frame": np.zeros(len(given), np.int16),
            "label": np.zeros(len(given), np.int32),
            "prediction": logits.argmax(axis=1).astype(np.int32),
            "logits": logits,
        }
        run = made.run(identity, Plan(batch_size=8, whole=(0,)))
        run.write(0, [(stimulus, 0) for stimulus in STIMULI[: len(given)]], Records(columns))
    return made


TEXTURED = ("dog", "oven", "cat", "bicycle", "cat", "dog")
MIXED = ("cat", "oven", "dog", "oven", "bicycle", "bicycle")


def printed(*renderables: Any) -> str:
    console = Console(width=200, record=True)
    for renderable in renderables:
        console.print(renderable)
    return console.export_text()


def figures_of(found: list[Result]) -> list[Sheet]:
    inks = Inks.for_models(result.name for result in found)
    return [draw(chart, WIDE_PX, inks, titled=True) for chart in section_of(found).charts]


def grid_of(result: Result) -> Grid | None:
    grids = section_of([result]).grids
    return grids[0] if grids else None


def own(found: list[Result]) -> Sheet:
    (figure,) = figures_of(found)
    return figure


# The figure ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_figure_is_an_svg_a_pdf_a_png_and_a_part_of_a_page(tmp_path: Path) -> None:
    sheet = own(Folder.open(store(tmp_path, a=SHAPES, b=MIXED)).results)
    assert ElementTree.fromstring(document(sheet)).tag.endswith("svg")
    assert pdf(sheet).startswith(b"%PDF")
    (tmp_path / "f.png").write_bytes(png(sheet))
    with Image.open(tmp_path / "f.png") as file:
        picture = np.asarray(file.convert("RGB")).astype(int)
    assert picture.shape[1] > 1000
    red = np.array([int(INKS["people"][i : i + 2], 16) for i in (1, 3, 5)])
    rows = picture[picture.shape[0] // 2 :]  # below the legend
    columns = np.flatnonzero((abs(rows - red).sum(axis=2) < 30).sum(axis=0) > 3)
    assert columns.min() > 0.55 * picture.shape[1], "people stand on the side of shape"
    ElementTree.fromstring(inline(sheet))
    for outside in ("http", "<style", "xlink", "url("):
        assert outside not in inline(sheet)


@pytest.mark.slow
def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    found = Folder.open(store(tmp_path, a=SHAPES, b=MIXED)).results
    first, second = own(found), own(found)
    for writer in (document, inline, pdf, png):
        assert writer(first) == writer(second)


def test_a_model_without_any_bias_leaves_no_marker_and_no_error(tmp_path: Path) -> None:
    assert figures_of(Folder.open(store(tmp_path / "x", never=("bicycle",) * 6)).results) == []
    found = Folder.open(store(tmp_path / "y", never=("bicycle",) * 6, shapes=SHAPES)).results
    groups = {group for group, mark in own(found).marks if isinstance(mark, Area) and "never" in mark.tip}
    assert not groups


def test_people_stand_beside_the_published_stimuli_alone(tmp_path: Path) -> None:
    published = Folder.open(store(tmp_path / "p", a=MIXED)).results
    mine = Folder.open(store(tmp_path / "m", data="own-pets", a=MIXED)).results
    assert INKS["people"] in document(own(published))
    assert INKS["people"] not in document(own(mine))
    assert "humans: cue accuracy 80.3, shape bias 95.9 (91.9 to 98.7 by person)" in printed(*score_tables(published))
    assert "humans" not in printed(*score_tables(mine))
    (first, second) = (grid_of(found[0]) for found in (published, mine))
    assert first is not None
    assert second is not None
    assert first.heads == (*second.heads, "humans: shape bias")
    by_category = {name: [grid_cell(cell) for cell in row] for name, row in first.rows}
    assert by_category["cat"] == ["100.0", "50.0", "100.0", "50.0", "95.9"]
    assert by_category["oven"] == ["0.0", "undefined", "0.0", "undefined", "96.8"]


@pytest.mark.slow
def test_the_page_holds_the_figure_and_the_folder_its_files(tmp_path: Path) -> None:
    found = Folder.open(store(tmp_path, a=SHAPES, b=MIXED)).results
    put_page(found, LocalFiles(tmp_path), "report.html", "t", PageOptions())
    page = (tmp_path / "report.html").read_text()
    assert 'role="img" aria-label="Shape or texture? Models follow the shape in' in page
    assert "humans: cue accuracy 80.3" in page
    assert "://" not in page
    names = ("shape_bias", "among_published")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        f"cue-conflict--{name}.{ending}" for name in names for ending in ("svg", "pdf", "png")
    }


def test_many_models_with_long_names_leave_room_for_the_plot(tmp_path: Path) -> None:
    (result,) = Folder.open(store(tmp_path, a=MIXED)).results
    names = [f"py:/{'long/' * index}network.py:build" for index in range(0, 60, 6)]
    sheet = own([replace(result, model=name) for name in names])
    texts = [mark for _, mark in sheet.marks if hasattr(mark, "text")]
    assert all(len(text.text) < 100 for text in texts)
    bands = [mark.points for _, mark in sheet.marks if isinstance(mark, Area) and mark.ink == "line"]
    assert min(points[2][1] - points[0][1] for points in bands) > 80, "every row has room for ten markers"


def test_no_two_models_share_colour_and_shape() -> None:
    inks = Inks(tuple(map(str, range(64))))
    assert len({(inks.ink(name), inks.shape(name)) for name in inks.models}) == 64
    assert INKS["people"] not in {INKS[inks.ink(name)] for name in inks.models}


# Error consistency --------------------------------------------------------------------------------------------------

PEOPLE = {
    "subject-01": dict(zip(STIMULI, ("cat", "cat", "dog", "oven", "oven", "na"), strict=True)),
    "subject-02": dict(zip(STIMULI, ("cat", "dog", "dog", "dog", "oven", "oven"), strict=True)),
}


def test_models_are_compared_with_each_other_and_with_people(tmp_path: Path) -> None:
    made = store(tmp_path, a=SHAPES, b=TEXTURED, c=MIXED)
    found = consistency(Folder.open(made), PEOPLE, "geirhos2019")
    pairs = {(each.first, each.second): each for each in found}
    assert list(pairs) == [
        *(("a", "b"), ("a", "c"), ("b", "c")),
        *((model, other) for model in "abc" for other in ("mean of 2 people", "subject-01", "subject-02")),
        ("people", "among themselves"),
    ]
    assert [each.detail for each in found] == [False] * 3 + [False, True, True] * 3 + [False]
    mixed = pairs["c", "subject-01"].consistency  # right: c on 1 and 3; the person on 1, 2, 3 and 5
    assert mixed.accuracies == pytest.approx((2 / 6, 4 / 6))
    assert mixed.agreement.value == pytest.approx(4 / 6)
    assert mixed.expected.value == pytest.approx(2 / 6 * 4 / 6 + 4 / 6 * 2 / 6)
    assert mixed.kappa.value == pytest.approx((4 / 6 - 4 / 9) / (1 - 4 / 9))
    among = pairs["people", "among themselves"].consistency
    assert among.agreement.value == pytest.approx(3 / 6)
    assert among.accuracies == pytest.approx((4.5 / 6, 4.5 / 6))
    table = printed(*consistency_tables(found))
    assert "subject-01" not in table
    assert "subject-01" in printed(*consistency_tables(found, everything=True))
    assert pairs["a", "b"].consistency.kappa.value == pytest.approx(0)
    assert pairs["a", "b"].as_dict()["expected"]["value"] == 0.0


def test_only_what_both_have_answered_counts(tmp_path: Path) -> None:
    made = store(tmp_path, a=SHAPES, b=MIXED[:4])
    (pair,) = consistency(Folder.open(made), {}, "orhan2019")
    assert pair.consistency.n == 4
    person = {"s": {"cat1-dog1": "cat", "zebra1-cat1": "cat"}}
    assert [each.consistency.n for each in consistency(Folder.open(made), person, "orhan2019")] == [4, 1, 1]


def test_models_on_different_stimuli_are_not_compared(tmp_path: Path) -> None:
    made = store(tmp_path, a=SHAPES)
    store(tmp_path, fingerprint="other", b=MIXED)
    with pytest.raises(ArgumentError, match="holds one model on these stimuli: run another"):
        consistency(Folder.open(made), {}, "geirhos2019")
    assert {each.first for each in consistency(Folder.open(made), PEOPLE, "geirhos2019")} == {"a", "b", "people"}


def test_the_same_model_twice_is_told_apart(tmp_path: Path) -> None:
    made = store(tmp_path, a=SHAPES)
    (first,) = made.runs()
    second = made.run(replace(first.run, precision="bf16"), Plan(batch_size=8, whole=(0,)))
    second.write(0, [(stimulus, 0) for stimulus in STIMULI], first.records())
    (pair,) = consistency(Folder.open(made), {}, "geirhos2019")
    assert re.fullmatch(r"a \(\w{6}\)", pair.first)
    assert pair.first != pair.second


def test_nothing_to_compare_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no answers to cue-conflict; run it first"):
        consistency(Folder.open(Store(tmp_path)), {}, "geirhos2019")
    made = store(tmp_path, a=SHAPES, b=MIXED)
    with pytest.raises(ArgumentError, match=r"must share stimuli, but people answered others \(zebra1-cat1"):
        consistency(Folder.open(made), {"s": {"zebra1-cat1": "cat"}}, "geirhos2019")
    with pytest.raises(ArgumentError, match="did you mean 'orhan2019'"):
        consistency(Folder.open(made), {}, "orhan2018")
