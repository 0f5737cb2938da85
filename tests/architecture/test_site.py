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


def doors() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each door of the navigation with its pages: the name of each, and its file."""
    found = []
    for door in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"][1:]:
        ((title, entries),) = door.items()
        pages = [next(iter(entry.items())) for entry in entries]
        found.append((title, [(name, page[0] if isinstance(page, list) else page) for name, page in pages]))
    return found


def test_the_site_lists_the_pages_of_the_index_behind_the_same_doors() -> None:
    *parts, last = re.split("^## ", (ROOT / "docs/index.md").read_text(), flags=re.M)[1:]
    assert last.startswith("Where to go next")
    listed = [
        (part.split("\n")[0], re.findall(r"^\| \[([^\]]+)\]\(([\w/]+\.md)\)", part.replace("`", ""), re.M))
        for part in parts
    ]
    assert listed == doors()


PAGES = sorted(page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_its_answer_and_ends_with_where_to_go_next(name: str) -> None:
    text = re.sub(r"<!--.*?-->", "", (ROOT / "docs" / name).read_text("utf-8"))
    title, answer, *_ = text.strip().split("\n\n")
    assert re.fullmatch("# .+", title)
    assert re.match(r"[\w*`[]", answer), "the first paragraph is no list, table, picture, heading or block"
    assert len(answer.split()) <= 90
    *_, end = re.split("^## ", text, flags=re.M)
    links = re.findall(r"\]\(([^)#]+)", end)
    assert end.startswith("Where to go next\n")
    assert len(set(links) - {Path(name).name}) >= 2


def test_the_site_reads_every_fence() -> None:
    """One whose heading it does not know it shows as text, and what follows as code: a file's name is a title."""
    for name in PAGES:
        for heading in re.findall(r"^```(.*)$", (ROOT / "docs" / name).read_text("utf-8"), re.M):
            assert re.fullmatch(r'(\w+( title="\S+")?)?', heading), f"{name}: {heading}"


def test_every_page_is_in_the_navigation() -> None:
    assert [name for name in PAGES if name not in (ROOT / "mkdocs.yml").read_text("utf-8")] == []


def test_links_within_a_page_lead_to_a_heading_of_it() -> None:
    for name in PAGES:
        text = (ROOT / "docs" / name).read_text("utf-8")
        headings = {re.sub(r"[^\w]+", "-", each.lower()).strip("-") for each in re.findall("^#+ (.*)", text, re.M)}
        assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= headings, name


FORMER = (
    "adding_a_benchmark adding_a_distortion adding_a_metric adding_a_model adding_an_attack attacking_your_own_defence "
    "attacks attacks_results benchmarks cue_conflict data dependencies fidelity imagenet_c imagenet_c_results "
    "imagenet_p imagenet_p_results models modern performance reliability report running scale security statistics "
    "visualise decisions/failures_are_tried_again decisions/one_decode_many_canvases decisions/the_api_room "
    "decisions/weights_are_hashed_in_memory decisions/one_version_at_a_time decisions/the_last_units_are_cut "
    "decisions/the_second_house"
)
"""Addresses that pages had once."""


@pytest.mark.parametrize("name", FORMER.split())
def test_an_old_address_leads_to_a_page(name: str) -> None:
    plugins = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["plugins"]
    (maps,) = (each["redirects"]["redirect_maps"] for each in plugins if "redirects" in each)
    target, _, anchor = maps.get(f"{name}.md", f"{name}.md").partition("#")
    headings = re.findall("^#+ (.*)", (ROOT / "docs" / target).read_text(), re.M)
    assert not anchor or anchor in {re.sub(r"[^\w]+", "-", heading.lower()).strip("-") for heading in headings}


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
