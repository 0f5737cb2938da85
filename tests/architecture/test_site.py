"""The documentation builds as a site in which every link leads somewhere, and nothing is fetched from other servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import hardiness

ROOT = Path(hardiness.__file__).parents[2]


def test_every_public_name_has_a_section_with_an_example() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", (ROOT / "docs/api.md").read_text(), re.M | re.S))
    assert sorted(sections) == sorted(hardiness.__all__)
    for name, text in sections.items():
        assert re.search(rf"```python\n.*?\b{name}\b.*?```\n\n::: hardiness\.{name}\n", text, re.S), name


def test_the_site_lists_the_pages_of_the_index_behind_the_same_doors() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    index = re.split("^## ", (ROOT / "docs/index.md").read_text(), flags=re.M)[1:]
    assert [next(iter(door)) for door in nav[1:]] == [part.split("\n")[0] for part in index]
    for door, part in zip(nav[1:], index, strict=True):
        (entries,) = door.values()
        pages = [page for entry in entries for page in entry.values()]
        pages = [page[0] if isinstance(page, list) else page for page in pages]
        assert pages == re.findall(r"\]\(([\w/]+\.md)\)", part)


@pytest.mark.slow
@pytest.mark.thorough
def test_the_site_builds_and_asks_no_other_server(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "a name, a loaded classifier" in (tmp_path / "api" / "index.html").read_text()  # of evaluate's docstring
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert fetched == [], page
