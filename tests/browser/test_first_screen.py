"""The first screen in a real Chromium: what a reader sees of four and of eight models before scrolling."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCREEN_PX = 800
"""Height of what is seen without scrolling on a small laptop."""


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
@pytest.mark.parametrize("count", [4, 8])
def test_title_chart_and_verdicts_are_seen_without_scrolling(
    browser: Any, first_screens: dict[int, Path], pictures: Path, width: int, count: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": SCREEN_PX})
    tab = context.new_page()
    tab.goto(first_screens[count].as_uri())
    tab.screenshot(path=pictures / f"first-screen-{count}-{width}.png")
    parts = {part: tab.locator(part) for part in ("h1", ".chart .head", ".chart .r .nm", ".chart .r b", ".verdict")}
    bottoms = {
        part: [box["y"] + box["height"] for number in range(many.count()) if (box := many.nth(number).bounding_box())]
        for part, many in parts.items()
    }
    assert [len(bottoms[part]) for part in parts] == [1, 3, count, 3 * count, 3]
    assert {part: max(ends) for part, ends in bottoms.items() if max(ends) > SCREEN_PX} == {}
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    rooms = "[...document.querySelectorAll('.chart .c:not(.none) q')].map((q) => q.offsetParent.offsetWidth)"
    assert min(tab.evaluate(rooms)) >= 30, "a dot has room to lie anywhere between none and all"
    context.close()


def test_the_sheet_to_hand_over_is_one_page_of_paper(
    browser: Any, first_screens: dict[int, Path], sheet_of_four: Path
) -> None:
    chosen = "document.body.classList.add('one-sheet')"
    for address, script in ((first_screens[4], chosen), (first_screens[8], chosen), (sheet_of_four, "1")):
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(address.as_uri())
        tab.evaluate(script)
        pages = re.findall(rb"/Type\s*/Page[^s]", tab.pdf(format="A4"))
        tab.emulate_media(media="print")
        shown = {part: tab.locator(part).first.is_visible() for part in ("h1", ".verdict", "#scorecard", "#sheet li")}
        pictures = tab.locator("#sheet figure :is(img, svg)").count()
        context.close()
        assert len(pages) == 1
        assert set(shown.values()) == {True}, shown
        assert pictures == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_amiss_on_the_first_screen(
    browser: Any, first_screens: dict[int, Path], width: int, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(color_scheme=scheme, bypass_csp=True, viewport={"width": width, "height": SCREEN_PX})
    tab = context.new_page()
    tab.goto(first_screens[8].as_uri())
    violations = axe.run(tab, "#answer").response["violations"]
    context.close()
    assert [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in violations] == []


def test_two_chosen_models_a_filter_without_finds_and_the_ring_of_a_sort_button(
    browser: Any, first_screens: dict[int, Path]
) -> None:
    context = browser.new_context(viewport={"width": 768, "height": SCREEN_PX})
    tab = context.new_page()
    tab.goto(first_screens[4].as_uri())
    assert tab.locator("#two").is_hidden()
    for model in (0, 3):
        tab.locator(f'.bar button[data-m="{model}"]').click()
    text = tab.locator("#two").inner_text()
    assert text.startswith(
        "efficientnet_lite0 and squeezenet1_1. Clean: ahead by 10.0 points; Corrupted: ahead by 10.0"
    )
    assert tab.locator(".nothing").is_hidden()
    tab.locator("#filter").fill("no such model")
    assert tab.locator(".nothing").is_visible()
    tab.locator("#filter").fill("")
    tab.locator('.scorecard th[data-k="0"] button').focus()
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Tab")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    small = tab.evaluate(
        """[...document.querySelectorAll('a, button, summary, input')].filter((each) => each.checkVisibility())
        .map((each) => [each.outerHTML.slice(0, 60), each.getBoundingClientRect()])
        .filter(([, box]) => Math.min(box.width, box.height) < 24).map(([html]) => html)"""
    )
    assert small == []
    tab.locator(".scorecard thead a").nth(1).click()
    tops = [tab.locator(part).bounding_box()["y"] for part in ("section[id^=imagenet-c] h2",)]
    bar = tab.locator(".bar").bounding_box()
    assert bar["y"] + bar["height"] <= tops[0] < SCREEN_PX / 2, (
        "the heading is not under the bar, which says two models"
    )
    context.close()


def test_without_a_script_nothing_stands_there_that_does_nothing(browser: Any, first_screens: dict[int, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(first_screens[4].as_uri())
    buttons = tab.locator("button:not([popovertarget]), #filter")
    assert [number for number in range(buttons.count()) if buttons.nth(number).is_visible()] == []
    assert tab.locator(".scorecard .no-js").first.is_visible()
    assert len(tab.locator(".bar .key").all_inner_texts()) == 4, "the legend stands there without a script too"
    head = tab.locator("button.hint", has_text="top-1")
    meaning = tab.locator(f"[id='{head.get_attribute('popovertarget')}']")
    assert not meaning.is_visible()
    head.click()
    assert meaning.inner_text() == "top-1: the share of photographs whose first answer is the label."
    context.close()
