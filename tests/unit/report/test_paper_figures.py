"""Figures as files fit a paper: their widths, heights, letters and headings, and titles that can be left out."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from hardiness.core.result import Score
from hardiness.report.charts import Chart, Curves, Dots, Heat, Ladder, Layer, Line, Observer, Panel, Rung, Scatter, Spot
from hardiness.report.figures.inks import Inks
from hardiness.report.figures.paper import COLUMN_CM, PAGE_CM, SCALE, paper_sheets
from hardiness.report.figures.sheet import Band, Sheet, Text
from hardiness.report.figures.writers import NARROWER, document, png
from hardiness.statistics.spreads.combined import TwoEnds

CORRUPTIONS = (
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow",
    "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression",
)  # fmt: skip
TITLE = "a heading that says in some more words than fit in one line what the figure of many models shows"


def models(count: int) -> list[str]:
    return [f"efficientnet_lite{place} (resize_px={160 + place})" for place in range(count)]


def score(value: float) -> Score:
    return Score("error", value, "fraction", 120, TwoEnds(value, 0.8 * value, min(1.0, 1.2 * value)), False)


def curves(panels: Sequence[str], count: int, small: bool) -> Curves:
    lines = tuple(Line(name, (1, 2, 3), (0.1, 0.2, 0.3), (0.0, 0.1, 0.2), (0.2, 0.3, 0.4)) for name in models(count))
    ticks = ("1", "2", "3")
    label = "share of the pictures that are answered, the surest first"
    made = tuple(Panel(label, lines, (), (1, 2, 3), ticks, title.replace("_", " ")) for title in panels)
    return Curves("curves", TITLE, TITLE, "", made, label="error", small=small)


def dots(rows: Sequence[str], count: int) -> Dots:
    observers = tuple(Observer(name, score(0.5), dict.fromkeys(rows, score(0.4))) for name in models(count))
    label = "share of pictures that this model alone answers rightly"
    return Dots("dots", TITLE, "", label, ("worse", "better"), "all", tuple(rows), observers, bars=True)


def heat(rows: Sequence[str], heads: Sequence[str], count: int) -> Heat:
    layers = tuple(Layer(name, tuple((1.0,) * len(heads) for _ in rows)) for name in models(count))
    return Heat("heat", TITLE, "", "class", tuple(head.replace("_", " ") for head in heads), tuple(rows), layers)


def ladder(count: int) -> Ladder:
    return Ladder("ladder", TITLE, "", "mCE", tuple(Rung(f"m{place}", score(0.5), True) for place in range(count)))


def scatter(count: int) -> Scatter:
    spots = tuple(Spot(name, score(0.5), score(0.4)) for name in models(count))
    return Scatter("scatter", TITLE, "", "accuracy on clean photographs", "shifted", (), (), spots)


CHARTS: dict[str, Chart] = {
    "few": curves(("ECE, 15 bins of equal width", "Brier score of the answer"), 8, small=False),
    "by severity": curves(CORRUPTIONS, 8, small=True),
    "75 corruptions": curves(CORRUPTIONS * 5, 3, small=True),
    "dots of eight": dots(CORRUPTIONS, 8),
    "dots of twenty": dots(CORRUPTIONS, 20),
    "matrices of eight": heat(CORRUPTIONS, "12345", 8),
    "matrices of twenty": heat(CORRUPTIONS, "12345", 20),
    "long headings": heat(("dog", "sea"), ("clean", *CORRUPTIONS), 8),
    "many classes": heat([f"class {place}" for place in range(90)], ("clean", *CORRUPTIONS), 1),
    "ladder": ladder(90),
    "scatter": scatter(8),
}


def texts(sheet: Sheet) -> list[Text]:
    return [mark for _, mark in sheet.marks if isinstance(mark, Text)]


@pytest.mark.parametrize("width_cm", [COLUMN_CM, PAGE_CM])
@pytest.mark.parametrize("name", CHARTS)
def test_a_figure_is_as_wide_as_a_paper_wants_and_never_higher_than_its_text(name: str, width_cm: float) -> None:
    inks = Inks.for_models(models(20))
    assert 8.4 <= COLUMN_CM <= 8.8
    assert 17 <= PAGE_CM <= 17.6
    for sheet in paper_sheets(CHARTS[name], width_cm, inks):
        size = re.search(r'width="([\d.]+)" height="([\d.]+)"', document(sheet))
        assert size is not None
        width, height = (float(px) / 96 * 2.54 for px in size.groups())
        assert width == pytest.approx(width_cm, abs=0.02)
        assert height <= 23, "there is room for a caption below it"
        for text in texts(sheet):
            points = 0.75 * SCALE * NARROWER * text.size
            assert points >= 6, f"{text.text} has {points:.1f} points"
            length = (0.6 if text.bold else 0.5) * text.size * len(text.text)
            if text.turned:
                assert text.y - length >= 0, text.text
                continue
            left = text.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.anchor] * length
            assert left >= -1, text.text
            assert left + length <= sheet.width + 1, text.text


@pytest.mark.parametrize("name", [name for name in CHARTS if name not in ("scatter", "few")])
def test_what_is_cut_into_several_figures_is_there_once(name: str) -> None:
    """Of names of rows, panels, rungs and matrices no one is lost, and each part says which it is."""
    chart, inks = CHARTS[name], Inks.for_models(models(20))
    sheets = paper_sheets(chart, COLUMN_CM, inks)
    heads = ["".join(text.text for text in texts(sheet)[:4]) for sheet in sheets]
    assert all((f"({place} of {len(sheets)})" in head) == (len(sheets) > 1) for place, head in enumerate(heads, 1))
    shown = [text.text for sheet in sheets for text in texts(sheet)]
    if isinstance(chart, Curves):
        assert sum(text in ("snow", "fog") for text in shown) == 2 * len(chart.panels) / len(CORRUPTIONS)
    elif isinstance(chart, Dots):
        assert [text for text in shown if text.replace(" ", "_") in CORRUPTIONS] == [
            row.replace("_", " ") for row in chart.rows
        ]
    elif isinstance(chart, Ladder):
        assert [text for text in shown if text.startswith("m") and text[1:].isdigit()] == [
            rung.name for rung in chart.rungs
        ]
    else:
        assert isinstance(chart, Heat)
        bands = [mark for sheet in sheets for _, mark in sheet.marks if isinstance(mark, Band)]
        cells = sum(len(band.values) for band in bands)
        assert cells == len(chart.layers) * len(chart.rows) * len(chart.heads)


def test_cells_are_flat_and_their_headings_do_not_lie_on_each_other() -> None:
    (sheet,) = paper_sheets(heat(CORRUPTIONS, "12345", 2), PAGE_CM, Inks.for_models(models(2)))
    bands = [mark for _, mark in sheet.marks if isinstance(mark, Band)]
    assert {(round(band.width), round(band.height)) for band in bands} == {(33, 18)}
    (sheet,) = paper_sheets(CHARTS["long headings"], PAGE_CM, Inks.for_models(models(8)))[:1]
    turned = [text for text in texts(sheet) if text.turned]
    assert {text.text for text in turned} == {"clean", *(name.replace("_", " ") for name in CORRUPTIONS)}
    apart = [after.x - before.x for before, after in pairwise(turned) if after.y == before.y and after.x > before.x]
    assert min(apart) >= 11.5


def test_marks_of_few_images_that_stand_together_say_so_once_and_on_the_sheet() -> None:
    chart = dots(("cat", "dog"), 6)
    few = [replace(score(value), n=n) for value, n in ((0.4, 1), (0.4, 2), (0.405, 3), (0.7, 1), (1.0, 2), (1.0, 120))]
    observers = tuple(replace(each, by_row={"cat": few[place]}) for place, each in enumerate(chart.observers))
    for width_cm in (COLUMN_CM, PAGE_CM):
        (sheet,) = paper_sheets(replace(chart, observers=observers), width_cm, Inks.for_models(models(6)))
        labels = [text for text in texts(sheet) if text.text.startswith("n = ")]
        assert [text.text for text in labels] == ["n = 1–3", "n = 1", "n = 2"]
        assert all(text.x + 0.56 * text.size * len(text.text) <= sheet.width for text in labels)


def test_a_turned_text_runs_upwards() -> None:
    sheet = Sheet(96, 96)
    sheet.add(Text(48, 90, "upwards", size=12, turned=True))
    assert 'transform="rotate(-90 48 90)"' in document(sheet)
    with Image.open(io.BytesIO(png(sheet))) as file:
        dark = np.argwhere(np.asarray(file).min(axis=2) < 128)
    (height, width) = np.ptp(dark, axis=0)
    assert height > 3 * width


def test_letters_and_lines_of_a_paper_are_scaled() -> None:
    """A file is as large as it says, and what is on it shrinks with it."""
    sheet = Sheet(192, 96)
    sheet.add(Text(10, 60, "HHHH", size=40))
    widths = []
    for scale in (1.0, 0.5):
        sheet = Sheet(192, 96, scale=scale)
        sheet.add(Text(10, 60, "HHHH", size=40))
        with Image.open(io.BytesIO(png(sheet))) as file:
            assert file.size == (400 * scale, 200 * scale)
            widths.append(np.ptp(np.argwhere(np.asarray(file).min(axis=2) < 128)[:, 1]))
    assert widths[1] == pytest.approx(widths[0] / 2, abs=2)


@pytest.mark.parametrize("name", ["few", "dots of eight", "matrices of eight", "ladder", "scatter"])
def test_a_heading_can_be_left_out(name: str) -> None:
    inks = Inks.for_models(models(8))
    (titled, *_), (bare, *_) = (paper_sheets(CHARTS[name], PAGE_CM, inks, titled) for titled in (True, False))
    assert texts(titled)[0].text.startswith("a heading")
    assert not any(text.text.startswith("a heading") for text in texts(bare))
    assert bare.height <= titled.height
