"""The site in a real Chromium: every link leads somewhere, no code is cut, and the search finds what is looked for."""

from __future__ import annotations

import functools
import html
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import hardiness

pytestmark = pytest.mark.slow

ROOT = Path(hardiness.__file__).parents[2]


class Silent(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a link that leads nowhere is an error, which `--quiet` would pass over."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served: its search fetches a file, which a page opened from a disk may not."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def pages_with_wide_code(site: Path) -> list[str]:
    """The addresses, below the site's, of pages with code of more than 80 columns."""
    wide = []
    for file in sorted(site.rglob("index.html")):
        blocks = re.findall(r"<pre>.*?</pre>", file.read_text("utf-8"), re.DOTALL)
        lines = [line for block in blocks for line in html.unescape(re.sub("<[^>]*>", "", block)).splitlines()]
        wide += [file.relative_to(site).parent.as_posix()] if max(map(len, lines), default=0) > 80 else []
    return wide


def test_the_site_asks_no_other_server(site: Path) -> None:
    for page in site.rglob("*.html"):
        fetched = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert fetched == [], page


def test_the_reference_has_signatures_and_docstrings(site: Path) -> None:
    text = html.unescape(re.sub("<[^>]*>", "", (site / "api" / "evaluate" / "index.html").read_text("utf-8")))
    assert "a name, a loaded classifier" in text
    assert re.search(r"evaluate\(\s*model: Model", text)
    options = r"Request\(\s*limit: int \| None = None,\s*conditions: int \| None = None,\s*seed: int = 0,"
    assert re.search(options, text), "the defaults of options"


def test_no_code_is_cut_at_1280_pixels(browser: Any, site: Path, address: str) -> None:
    cut = """[...document.querySelectorAll("pre > code")]
        .filter((code) => code.scrollWidth > code.clientWidth).map((code) => code.innerText.slice(0, 80))"""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, java_script_enabled=False)
    tab = context.new_page()
    found = {}
    for page in pages_with_wide_code(site):
        tab.goto(address + page)
        found[page] = tab.evaluate(cut)
    context.close()
    assert len(found) > 20
    assert {page: blocks for page, blocks in found.items() if blocks} == {}


def test_the_search_calls_a_page_as_the_menu_does(tab: Any, site: Path, address: str) -> None:
    tab.goto(address)
    menu = {
        link.get_attribute("href").strip("./"): link.inner_text().strip()
        for link in tab.locator(".md-nav--primary a.md-nav__link[href]").all()
    }
    found = {
        entry["location"].strip("/"): entry["title"]
        for entry in json.loads((site / "search" / "search_index.json").read_text())["docs"]
        if "#" not in entry["location"]
    }
    assert len(found) > 60
    assert {page: (title, menu.get(page)) for page, title in found.items() if page and menu.get(page) != title} == {}


@pytest.mark.parametrize("heading", ["--weights FILE", "--precision-target HALFWIDTH"])
def test_the_search_finds_an_option_as_it_is_written(tab: Any, address: str, heading: str) -> None:
    tab.goto(address)
    tab.locator(".md-search__input").fill(heading.split()[0])
    results = tab.locator(".md-search-result__item")
    results.first.wait_for()
    headings = [each.inner_text() for item in results.all()[:3] for each in item.locator("h1, h2").all()]
    assert {"Every option", heading} <= {*headings}, headings


def test_the_search_finds_the_function_that_writes_a_page_by_its_former_name(tab: Any, address: str) -> None:
    tab.goto(address)
    tab.locator(".md-search__input").fill("hardiness.report")
    first = tab.locator(".md-search-result__item").first
    first.wait_for()
    assert first.locator("h1").first.inner_text() == "API: report and exports"
