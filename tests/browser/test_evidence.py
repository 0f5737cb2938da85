"""The evidence page on paper: its first sheet is one sheet, nothing is cut off, and names are text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PAPER_PX = 665
"""Width of A4 between the page's margins."""


@pytest.mark.parametrize("name", ["four", "eight", "hostile", "crowded"])
def test_the_first_sheet_is_one_sheet_with_verdict_and_signature(
    browser: Any, evidence_pages: dict[str, Path], name: str
) -> None:
    context = browser.new_context(viewport={"width": PAPER_PX, "height": 900})
    tab = context.new_page()
    alerts: list[str] = []
    tab.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    tab.goto(evidence_pages[name].as_uri())
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.scrollWidth") <= PAPER_PX, "something is cut off on paper"
    whole = len(re.findall(rb"/Type\s*/Page[^s]", tab.pdf(format="A4", prefer_css_page_size=True)))
    tab.evaluate("document.querySelectorAll('body > :not(header)').forEach((part) => part.remove())")
    first = tab.pdf(format="A4", prefer_css_page_size=True)
    shown = {part: tab.locator(part).first.is_visible() for part in (".band strong", ".sign", ".headline")}
    sheet_bottom = "document.querySelector('header').getBoundingClientRect().bottom"
    is_signed_there = tab.evaluate(f"document.querySelector('.sign').getBoundingClientRect().bottom < {sheet_bottom}")
    context.close()
    assert len(re.findall(rb"/Type\s*/Page[^s]", first)) == 1
    assert 5 < whole < 60
    assert is_signed_there, "the field to sign is cut off"
    assert set(shown.values()) == {True}, shown
    assert alerts == []
