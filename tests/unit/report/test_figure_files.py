"""What stands in the PNG and the PDF of a figure, and where."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hardiness.report.figures.inks import INKS
from hardiness.report.figures.sheet import Area, Sheet, Text
from hardiness.report.figures.writers import pdf, png


def pixels(sheet: Sheet) -> np.ndarray:
    with Image.open(io.BytesIO(png(sheet))) as file:
        assert file.info["dpi"] == pytest.approx((200, 200), abs=0.01)
        return np.asarray(file)


def colour(ink: str) -> tuple[int, ...]:
    return tuple(int(INKS[ink][at : at + 2], 16) for at in (1, 3, 5))


def test_a_mark_stands_where_the_sheet_has_it() -> None:
    sheet = Sheet(96, 48)
    sheet.add(Area(((0, 0), (24, 0), (24, 12), (0, 12)), "people", opacity=1.0))
    picture = pixels(sheet)
    assert picture.shape == (100, 200, 3), "an inch wide, 200 pixels an inch"
    expected = np.full(picture.shape, colour("paper"), np.uint8)
    expected[:25, :50] = colour("people")
    inside = np.ones(picture.shape[:2], bool)
    inside[24:27], inside[:, 49:52] = False, False
    assert np.array_equal(picture[inside], expected[inside])


@pytest.mark.parametrize("letters", ["ab", "éè", "εθ", "ЖЩ", "↑↓", "≤≥", "■▲"])
def test_letters_of_every_script_of_the_font_are_drawn(letters: str) -> None:
    """The small font that most figures need lacks some; a letter that a font lacks is a box, as is any other."""
    drawn = []
    for letter in letters:
        sheet = Sheet(96, 48)
        sheet.add(Text(20, 36, letter, size=30))
        drawn.append(pixels(sheet))
        assert pdf(sheet).startswith(b"%PDF")
    assert (drawn[0] != drawn[1]).any()
