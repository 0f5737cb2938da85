"""The page in a real Chromium: what it loads, says, does, and how it looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@contextmanager
def opened(browser: Any, path: Path, fragment: str = "", **options: Any) -> Iterator[Any]:
    """The page in a tab; any console message, error or request beyond the file fails the test."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    tab = context.new_page()
    told: list[str] = []
    tab.on("console", lambda message: told.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: told.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    tab.on("request", lambda request: told.append(f"request: {request.url}") if _outside(request.url, path) else None)
    tab.goto(f"{path.as_uri()}{fragment}")
    yield tab
    context.close()
    assert told == []


def _outside(url: str, path: Path) -> bool:
    return not (url.startswith("data:") or url.split("#")[0] == path.as_uri())


def test_every_section_stands_in_the_order_of_the_experiments(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        headings = tab.locator("section:not(#sheet) h2").all_inner_texts()
        assert [heading.split(" on ")[0] for heading in headings[:5]] == [
            *("imagenet-val", "imagenet-c", "imagenet-p", "whitebox", "cue-conflict")
        ]
        assert headings[5:7] == ["Learned features", "Do the paper's sentences hold?"]
        assert headings[7:] == ["What was run", "How to read the numbers", "What to cite"]
        assert tab.locator("figure svg.sheet").count() >= 10
        where = "on clean photographs, under corruptions and under attack"
        assert tab.locator("h1").inner_text() == f"first is ahead of both others {where}."
        assert tab.locator(".found li").count() == 3
        assert not tab.locator(".found li").first.is_visible(), "sentences are folded"


def test_without_javascript_tables_figures_and_links_are_there(browser: Any, page: Path) -> None:
    with opened(browser, page, java_script_enabled=False) as tab:
        assert tab.locator(".scorecard tbody tr[data-m]").count() == 3
        assert tab.locator("section figure svg.sheet").first.is_visible()
        assert not tab.locator(".bar button").first.is_visible()
        tab.locator(".scorecard thead a").nth(1).click()
        assert tab.url.endswith("#imagenet-c-on-imagenet-orhan2019")


def test_choosing_a_model_dims_the_others_in_every_figure(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.locator('.bar button[data-m="1"]').click()
        assert tab.url.endswith("#models=second")
        figures = tab.locator("figure:has(.wide-only) .wide-only svg.sheet, figure .matrices")
        for number in range(figures.count()):
            figure = figures.nth(number)
            for model in (0, 2):
                groups = figure.locator(f'[data-m="{model}"]')
                assert groups.count() == figure.locator(f'[data-m="{model}"].dim').count() > 0
            assert figure.locator('[data-m="1"].dim').count() == 0
        tab.locator('.bar button[data-m="1"]').click()
        assert tab.locator(".dim").count() == 0
        assert "#" not in tab.url


def test_hovering_a_model_dims_the_others_until_the_pointer_leaves(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        for place in ('.bar button[data-m="1"]', '.wide-only svg.sheet [data-m="1"] use', '.matrix[data-m="1"] td'):
            if "matrix" in place:
                tab.evaluate("document.querySelector('details:has(.matrix)').open = true")
            tab.locator(place).first.hover()
            assert tab.locator('figure [data-m="0"]:not(.dim)').count() == 0, place
            assert tab.locator('tr[data-m="2"]:not(.dim)').count() == 0, place
            assert tab.locator('[data-m="1"].dim').count() == 0, place
            tab.locator("h1").hover()
            assert tab.locator(".dim").count() == 0, place


def test_two_models_are_compared_in_the_overview_and_in_the_matrix(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        cell = tab.locator('.matrix[data-m="0"] tr[data-v]').first.locator("td").nth(2)
        assert cell.text_content() == "30"
        for model in (1, 0):  # whatever is chosen first, the one that was begun first is
            tab.locator(f'.bar button[data-m="{model}"]').click()
        assert tab.locator(".difference th").inner_text() == "first − second"
        differences = tab.locator(".difference td").all_inner_texts()
        assert differences[:2] == ["+10.0", "−10.0"]
        assert tab.locator(".difference :is(.better, .worse)").count() == 0, "no lead is said that nothing tested"
        assert cell.text_content() == "−10"
        tab.locator('.bar button[data-m="1"]').click()
        assert tab.locator(".difference").is_hidden()
        assert cell.text_content() == "30"


def test_the_overview_sorts_and_filters(browser: Any, page: Path) -> None:
    def names(tab: Any) -> list[str]:
        return [text.strip() for text in tab.locator(".scorecard tbody tr[data-m]:visible th").all_inner_texts()]

    with opened(browser, page) as tab:
        button = tab.locator('.scorecard th[data-k="0"] button')
        button.click()
        assert names(tab) == ["first", "second", "third"]
        assert tab.locator('.scorecard th[data-k="0"]').get_attribute("aria-sort") == "descending"
        button.click()
        assert names(tab) == ["third", "second", "first"]
        tab.locator("#filter").fill("imagenet-val > 65, ir")
        assert names(tab) == ["first"]
        tab.locator("#filter").fill("nothing")
        assert names(tab) == []


def test_a_permalink_restores_the_view(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.locator('.bar button[data-m="2"]').click()
        tab.locator('.scorecard th[data-k="0"] button').click()
        tab.locator('.scorecard th[data-k="0"] button').click()
        tab.locator("details.pictures > summary").first.click()
        tab.locator("a.sample").first.click()
        address = tab.url
        sample = tab.locator(".target").get_attribute("id")
    assert f"sample={sample}" in address
    with opened(browser, page, address[address.index("#") :]) as tab:
        assert tab.locator('.bar button[aria-pressed="true"]').get_attribute("data-name") == "third"
        assert tab.locator(".scorecard tbody tr").first.locator("th").inner_text().strip() == "third"
        assert tab.locator(f"#{sample}").is_visible()
        assert tab.locator(f"#{sample}.target img").count() == 2


def test_a_permalink_that_fits_nothing_changes_nothing(browser: Any, page: Path) -> None:
    with opened(browser, page, "#models=%ZZ,nobody&sort=99:up&section=<b>&sample=x%&filter=%E0%A4%A") as tab:
        assert tab.locator(".dim").count() == 0
        assert tab.locator(".scorecard tbody tr[data-m]:visible").count() == 3


def test_published_marks_are_off_by_one_click(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        marks = tab.locator(".wide-only svg .published")
        assert marks.count() > 0
        assert marks.first.is_visible()
        tab.locator("#published").click()
        assert not any(marks.nth(number).is_visible() for number in range(marks.count()))
        assert tab.locator("#published").is_visible()
        tab.evaluate("document.querySelectorAll('.published').forEach((each) => each.remove())")
        assert not tab.locator("#published").is_visible(), "no switch where it would switch nothing"


def test_differences_to_published_models_are_those_of_the_chosen_one(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.evaluate("document.querySelectorAll('details.published').forEach((each) => { each.open = true; })")
        table = tab.locator("[id^=imagenet-val][id$=-beside]")
        published = [float(text) for text in table.locator("tbody tr td:nth-child(2) b").all_inner_texts()]
        assert len(published) > 5
        for model, name in ((None, "first"), (1, "second"), (2, "third")):
            if model is not None:
                tab.locator(f'.bar button[data-m="{model}"]').click()
            told = table.locator("tbody tr td:nth-child(2) .against").all_inner_texts()
            for value, text in zip(published, told, strict=True):
                points, _, where = text.replace("−", "-").partition(", ")
                expected = 80 - 10 * (model or 0) - value
                assert abs(float(points.replace("±", "")) - expected) < 0.11
                if abs(abs(expected) - 2) > 0.1:  # half of the interval; the text is rounded
                    assert where == ("within" if abs(expected) < 2 else "outside")
            assert set(tab.locator(".against-name").all_inner_texts()) == {name}
            if model is not None:
                tab.locator(f'.bar button[data-m="{model}"]').click()
        tab.locator("#published").click()
        assert tab.locator(".against:visible").count() == 0, "published models are off by one click"


def test_a_number_leads_to_what_was_run(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        for place in (".scorecard td a.value", "section td a.value"):
            number = tab.locator(place).nth(1)
            number.click()
            target = tab.locator("h3.target")
            assert target.is_visible()
            assert f"section={target.get_attribute('id')}" in tab.url
            assert tab.locator("h3.target ~ p").first.inner_text().startswith("weights")


def test_tables_can_be_copied(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        taken = "{ value: { writeText: async (text) => { window.copied = text; } } }"
        tab.evaluate(f"Object.defineProperty(navigator, 'clipboard', {taken})")
        tab.locator('[data-copy="scorecard"]').click()
        lines = tab.evaluate("window.copied").splitlines()
        assert len(lines) == 4, "the heading and three models"
        assert lines[1].split("\t")[:2] == ["first", "80.0 (78.0–82.0)"]
        tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        buttons = tab.locator("[data-copy]")
        for number in range(buttons.count()):
            buttons.nth(number).click()
            assert tab.evaluate("window.copied").strip()


def test_learned_features_and_the_papers_sentences_are_sections(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tiles = tab.locator("#learned-features .tiles li")
        assert tiles.count() == 3
        assert tab.locator("#learned-features img").count() == 2
        link = tiles.nth(1).locator("a.sample")
        link.scroll_into_view_if_needed()
        tab.wait_for_timeout(200)  # pictures that come into view move what is below them
        link.click()
        tab.wait_for_url(lambda url: "sample=feature-0-1" in url)
        assert tab.locator("#claims tbody tr").count() >= 6


def test_everything_is_reached_by_keyboard(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        while tab.evaluate("document.activeElement.dataset.name") != "first":  # after the links of the first screen
            tab.keyboard.press("Tab")
            assert tab.evaluate("document.activeElement !== document.body")
        tab.keyboard.press("Enter")
        assert tab.locator('.bar button[data-m="0"]').get_attribute("aria-pressed") == "true"
        focusable = tab.locator("a[href], button, summary, input, [tabindex]")
        assert tab.evaluate("[...document.querySelectorAll('[tabindex]')].every((each) => each.tabIndex === 0)")
        assert focusable.count() > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["page", "published"])
def test_axe_finds_nothing_amiss_on_the_whole_page(
    browser: Any, which: str, scheme: str, request: pytest.FixtureRequest
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    tab = context.new_page()
    tab.goto(request.getfixturevalue(which).as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    violations = axe.run(tab).response["violations"]
    context.close()
    assert [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in violations] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(browser: Any, page: Path, pictures: Path, width: int, scheme: str) -> None:
    with opened(browser, page, viewport={"width": width, "height": 900}, color_scheme=scheme) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.evaluate("document.querySelectorAll('details:has(figure)').forEach((each) => { each.open = true; })")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        heads = "[...document.querySelectorAll('thead th')]"
        over = f"{heads}.filter((each) => each.scrollWidth > each.clientWidth + 1).length"
        assert tab.evaluate(over) == 0, "no heading lies on the next one"
        sizes = tab.evaluate(
            """[...document.querySelectorAll('section figure svg.sheet, .matrix tbody td')]
            .filter((each) => each.checkVisibility())
            .map((each) => (each.querySelector('text') || each).getBoundingClientRect().height)"""
        )
        assert sizes
        assert min(sizes) > 9, "text of figures is readable"
        wider = tab.evaluate(
            """[...document.querySelectorAll('section figure *')].filter((each) => each.checkVisibility() &&
            each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === 'auto').length"""
        )
        assert wider == 0, "no figure is moved sideways"
        tab.screenshot(path=pictures / f"page-{width}-{scheme}.png", full_page=True)


def test_printing_gives_whole_figures(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        tab.emulate_media(media="print")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert not tab.locator(".bar button").first.is_visible()
        figures = tab.locator("section figure:has(svg.sheet)")
        assert all(figures.nth(number).is_visible() for number in range(figures.count()))
        styles = tab.evaluate(
            """[...document.querySelectorAll('figure:not(:has(.matrices)), .matrices > .wide')].map((each) =>
            getComputedStyle(each).breakInside)"""
        )
        assert set(styles) == {"avoid"}, "matrices of several models may go on on the next sheet, each of them whole"
        headings = (
            "[...document.querySelectorAll('h2, h3, .question')].map((each) => getComputedStyle(each).breakAfter)"
        )
        assert set(tab.evaluate(headings)) == {"avoid"}, "no heading ends a sheet"
        assert tab.pdf().startswith(b"%PDF")


def test_printing_fills_its_sheets_and_says_what_columns_mean(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        sheets = len(re.findall(rb"/Type\s*/Page[^s]", tab.pdf(format="A4")))
        assert sheets <= SHEETS_MOST
        tab.emulate_media(media="print")
        meanings = tab.locator("section > .meaning")
        assert meanings.count() > 5
        assert all(meanings.nth(number).is_visible() for number in range(meanings.count()))
        assert tab.locator("#sheet li").first.is_visible(), "what was run is said on paper"
        assert tab.locator(".bar .key").all_inner_texts() == ["first", "second", "third"]


SHEETS_MOST = 9
"""Sheets of paper for the page of three models on five benchmarks, with what they learned and the paper's sentences."""


def test_the_page_has_one_legend(browser: Any, page: Path) -> None:
    with opened(browser, page, viewport={"width": 390, "height": 900}) as tab:
        texts = tab.locator(".opening figure svg.sheet text").all_text_contents()  # a ladder's rows are models
        assert len(texts) > 50
        assert set(texts).isdisjoint({"first", "second", "third"})
        tab.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        tab.wait_for_timeout(100)
        assert 0 <= tab.locator('.bar button[data-m="0"]').bounding_box()["y"] < 50, "it stays in sight on a phone too"


@pytest.mark.parametrize("width", [1280, 390])
def test_intervals_places_and_verdicts_are_as_large_as_values(browser: Any, page: Path, width: int) -> None:
    with opened(browser, page, viewport={"width": width, "height": 900}) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        sizes = tab.evaluate(
            """[...document.querySelectorAll('td:has(.ends, .rank, .pill, small)')].map((cell) =>
            [...cell.querySelectorAll('.ends, .rank, .pill, small')].filter((each) => each.checkVisibility())
            .map((each) => [each.className, getComputedStyle(each).fontSize === getComputedStyle(cell).fontSize,
                getComputedStyle(each).color === getComputedStyle(cell).color])).flat()"""
        )
        assert {name for name, *_ in sizes} >= {"ends", "rank", "pill"}
        assert [each for each in sizes if not each[1]] == []
        assert [each for each in sizes if not each[2] and each[0] != "pill"] == []


def test_names_that_are_no_plain_text_are_shown_and_not_obeyed(
    browser: Any, hostile: Path, hostile_names: tuple[str, ...]
) -> None:
    with opened(browser, hostile, viewport={"width": 390, "height": 900}) as tab:
        assert tab.locator("h1").inner_text().startswith(f"{hostile_names[0]} is ahead of all 3 others")
        assert tab.locator("img[src=x]").count() == 0
        assert tab.locator("h3 i, code b").count() == 0
        names = [text.strip() for text in tab.locator(".scorecard tbody tr[data-m] th").all_inner_texts()]
        assert len(names) == len(hostile_names)
        assert hostile_names[1] in names
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        tab.locator('.bar button[data-m="0"]').click()
        address = tab.url
    with opened(browser, hostile, address[address.index("#") :]) as tab:
        assert tab.locator('.bar button[data-m="0"]').get_attribute("aria-pressed") == "true"


def test_the_papers_own_results_are_drawn(browser: Any, published: Path) -> None:
    with opened(browser, published) as tab:
        assert tab.locator(".scorecard tbody tr[data-m]").count() == 7
        headings = [text.split(" on ")[0] for text in tab.locator("section:not(#sheet) h2").all_inner_texts()]
        papers = ("imagenet-val", "imagenet-a", "imagenet-c", "imagenet-p", "whitebox", "blackbox", "cue-conflict")
        assert [heading for heading in headings if heading in papers] == list(papers)
        assert {"imagenet-r", "imagenet-sketch", "imagenet-v2", "objectnet"} <= set(headings)
        assert "resnext101_32x48d_wsl" in tab.locator(".found").text_content()
    assert published.stat().st_size < 600_000


def test_own_javascript_is_small(page: Path) -> None:
    script = page.read_text().split("<script>")[1].split("</script>")[0]
    assert len(script.encode()) < 12_000


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_no_number_lies_under_a_sticky_column_at_either_end(browser: Any, page: Path, width: int) -> None:
    """Also where all columns are unfolded and the overview has more than the window holds."""
    with opened(browser, page, viewport={"width": width, "height": 900}) as tab:
        tab.evaluate("document.querySelectorAll('details:has(.wide)').forEach((each) => { each.open = true; })")
        tab.evaluate(
            """document.querySelectorAll('#scorecard tr:not(.groups)').forEach((row) => {
                for (let i = 0; i < 12; i++) row.append(row.children[1 + i % 3].cloneNode(true));
            })"""
        )
        scrolled = 0
        for end in ("0", "1e6"):
            moved = tab.evaluate(
                f"[...document.querySelectorAll('.wide')].map((each) => {{ each.scrollLeft = {end}; return each; }})"
                ".filter((each) => each.scrollLeft > 0).length"
            )
            tab.wait_for_timeout(100)
            scrolled = max(scrolled, moved)
            assert tab.evaluate(COVERED) == []
        assert scrolled, "some table is wider than its place"
        assert tab.locator("section .believe").first.is_visible()


COVERED = """
[...document.querySelectorAll('.wide')].filter((each) => each.checkVisibility()).flatMap((wide) => {
  const sticky = [...wide.querySelectorAll('th, td')].filter((each) => getComputedStyle(each).position === 'sticky');
  const texts = [...wide.querySelectorAll('td, th')]
    .filter((each) => !sticky.includes(each) && each.textContent.trim())
    .filter((each) => each.checkVisibility({ visibilityProperty: true }));
  return texts.flatMap((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const text = range.getBoundingClientRect();
    const under = sticky.some((each) => {
      const above = each.getBoundingClientRect();
      return Math.min(above.right, text.right) - Math.max(above.left, text.left) > 1
        && Math.min(above.bottom, text.bottom) - Math.max(above.top, text.top) > 1;
    });
    return under ? [cell.textContent.trim().slice(0, 30)] : [];
  });
})
"""
"""The texts of cells that a sticky cell of the same table covers, in whole or in part."""


def test_headlines_stand_in_sight_and_other_columns_behind_a_fold(browser: Any, page: Path) -> None:
    with opened(browser, page) as tab:
        heads = tab.locator("#imagenet-val-on-imagenet-orhan2019-scores thead th").all_inner_texts()
        assert heads[:4] == ["model", "n", "believe it?", "top-1 ↑"]
        folded = tab.locator("#imagenet-val-on-imagenet-orhan2019-more")
        assert not folded.is_visible()
        tab.locator("details:has(> .wide > #imagenet-val-on-imagenet-orhan2019-more) > summary").click()
        assert folded.is_visible()
        assert folded.locator("thead th").all_inner_texts() == ["model", "n", "ECE (equal-width) ↓"]


def test_on_a_phone_each_table_shows_its_headline_without_scrolling(browser: Any, page: Path) -> None:
    with opened(browser, page, viewport={"width": 390, "height": 900}) as tab:
        for table in tab.locator("section table[id$=-scores]").all():
            head = table.locator("thead th").nth(3).bounding_box()
            assert head["x"] + head["width"] <= 390
            assert all(cell.bounding_box()["height"] < 120 for cell in table.locator("td.believe").all())
