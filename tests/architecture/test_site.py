"""The documentation builds as a site in which every link leads somewhere, and nothing is fetched from other servers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import hardiness

ROOT = Path(hardiness.__file__).parents[2]


def test_every_public_name_has_a_section_with_an_example() -> None:
    pages = [page.read_text("utf-8") for page in sorted((ROOT / "docs" / "api").glob("*.md"))]
    found = [each for page in pages for each in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.M | re.S)]
    sections = dict(found)
    assert len(sections) == len(found)
    assert sorted(sections) == sorted(hardiness.__all__)
    for name, text in sections.items():
        assert re.search(rf"```python\n.*?\b{name}\b.*?```\n\n::: hardiness\.{name}\n", text, re.S), name


def navigation() -> list[object]:
    return yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]


def pages_of(entries: list[object]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each page with the names of the groups that it stands in, the door first."""
    for entry in entries:
        if isinstance(entry, str):
            yield (), entry
        else:
            ((name, behind),) = entry.items()
            assert isinstance(behind, list), f"mkdocs.yml calls {behind} {name}: its heading is its name"
            yield from (((name, *names), page) for names, page in pages_of(behind))


def title(page: str) -> str:
    file = ROOT / "docs" / page
    if not file.exists():  # the page of a notebook
        return (
            json.loads(file.with_suffix(".ipynb").read_text("utf-8"))["cells"][0]["source"][0]
            .removeprefix("# ")
            .strip()
        )
    return re.search("^# (.*)", file.read_text("utf-8"), re.M)[1]


def test_a_page_is_called_by_its_heading_everywhere() -> None:
    """The menu has no names of its own, and a group with a page of its own is called by that page's heading."""
    for names, page in pages_of(navigation()):
        if Path(page).name in ("README.md", "index.md") and names:
            assert names[-1] == title(page)
    index = (ROOT / "docs/index.md").read_text()
    listed = re.findall(r"^ *- \[([^\]]+)\]\(([\w/]+\.(?:md|ipynb))\): .+\?$", index, re.M)
    assert len(listed) > 50
    assert listed == [(title(page.replace(".ipynb", ".md")), page) for _, page in listed]


def test_the_first_page_lists_the_pages_behind_the_same_doors_in_the_same_groups() -> None:
    index = (ROOT / "docs/index.md").read_text()
    shown: dict[tuple[str, ...], list[str]] = {}
    door = group = ""
    for found in re.finditer(r"^## (.*)|^- \*\*(.*)\*\*$|^ *- \[[^\]]+\]\(([\w/]+)\.(?:md|ipynb)\)", index, re.M):
        door, group = (found[1], "") if found[1] else (door, found[2] or group)
        if found[3]:
            shown.setdefault((door, group) if group else (door,), []).append(f"{found[3]}.md")
    groups: dict[tuple[str, ...], list[str]] = {}
    own = {names for names, page in pages_of(navigation()) if Path(page).name in ("README.md", "index.md")}
    for names, page in pages_of(navigation()[1:]):
        if names not in own:
            groups.setdefault(names, []).append(page)
        elif Path(page).name in ("README.md", "index.md"):
            groups.setdefault(names[:-1], []).append(page)
    assert shown == groups


def test_what_one_uses_stands_in_small_groups() -> None:
    uses = [names[1:] for names, _ in pages_of(navigation()) if names[0:1] == ("Use",)]
    assert min(map(len, uses)) >= 1
    assert max(uses.count(group) for group in uses) <= 14


PAGES = sorted(page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_question_and_answer_and_ends_with_where_to_go_next(name: str) -> None:
    text = re.sub(r"<!--.*?-->", "", (ROOT / "docs" / name).read_text("utf-8"))
    heading, answer, *rest = text.strip().split("\n\n")
    if answer.endswith("?*"):  # the answer is a block that is made
        answer = f"{answer} {rest[0].strip()}"
    assert re.fullmatch("# .+", heading)
    if name != "index.md" and not re.match(r"decisions/(?!README)", name):
        question, answer = re.fullmatch(r"(\*[^*]+\?\*)\s(.*)", answer, re.S).groups()
        assert len(question.split()) <= 20
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


COLUMNS = 96
"""Of code on a screen of 1,280 pixels: tests/browser/test_site.py looks at what the browser makes of them."""


@pytest.mark.parametrize("name", PAGES)
def test_code_is_not_wider_than_a_screen(name: str) -> None:
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```$", (ROOT / "docs" / name).read_text("utf-8"), re.M | re.S)
    assert [line for block in blocks for line in block.splitlines() if len(line) > COLUMNS] == []


def test_every_page_is_in_the_navigation() -> None:
    assert [name for name in PAGES if name not in (ROOT / "mkdocs.yml").read_text("utf-8")] == []


def test_links_within_a_page_lead_to_a_heading_of_it() -> None:
    for name in PAGES:
        text = (ROOT / "docs" / name).read_text("utf-8")
        headings = {re.sub(r"[^\w]+", "-", each.lower()).strip("-") for each in re.findall("^#+ (.*)", text, re.M)}
        assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= headings, name


def test_an_address_of_a_name_in_the_former_reference_leads_to_its_line() -> None:
    """It was one page, whose address that of the list of names is now."""
    index = (ROOT / "docs" / "api" / "index.md").read_text("utf-8")
    lines = dict(re.findall(r'<a id="([\w.]+)"></a>(.*)', index))
    assert re.search(r'^(<a id="\w+"></a>)?\[`evaluate`\]\(evaluate.md#evaluate\)', lines["hardiness.evaluate"])
    assert lines["hardiness.core.Benchmark"].startswith("[`core.Benchmark`](benchmarks.md#benchmark)")
    own = re.findall(r'<a id="hardiness\.(\w+)"></a><a id="(\w+)">', index)
    assert sorted(own) == sorted((name, name) for name in hardiness.__all__)
