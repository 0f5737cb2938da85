"""Colours of models: each stands once, and is that of every figure and of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hardiness
from hardiness.report.figures import inks, writers
from hardiness.report.figures.inks import MODEL_COLOURS, Inks
from hardiness.report.figures.sheet import Sheet

SOURCE = Path(hardiness.__file__).parent


def test_each_colour_of_a_model_stands_once_in_the_source() -> None:
    text = "".join(
        path.read_text("utf-8") for path in SOURCE.rglob("*") if path.suffix in (".py", ".css", ".js", ".j2")
    )
    for colour in (colour for pair in MODEL_COLOURS for colour in pair):
        assert text.lower().count(colour) == 1, colour


def test_another_colour_of_the_second_model_is_one_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    light, dark = MODEL_COLOURS[1]
    edited: dict[str, Any] = {"__name__": inks.__name__}
    source = Path(inks.__file__).read_text("utf-8")
    exec(compile(source.replace(light, "#123456").replace(dark, "#abcdef"), inks.__file__, "exec"), edited)
    assert edited["page_colours"]().count("--m1: #123456;") == 1
    assert edited["page_colours"]().count("--m1: #abcdef;") == 1
    sheet = Sheet(20, 20)
    sheet.add(Inks(("first", "second")).marker("second", (10, 10), 5))
    assert light in writers.document(sheet)
    monkeypatch.setattr(writers, "INKS", edited["INKS"])
    assert "#123456" in writers.document(sheet)
    assert light not in writers.document(sheet)
