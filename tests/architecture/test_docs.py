"""What the documentation says is what the program does."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hardiness
from hardiness.benchmarks.options import registry
from hardiness.cli.main import GROUPS

ROOT = Path(hardiness.__file__).parents[2]
README = (ROOT / "README.md").read_text()
DATA = (ROOT / "docs" / "data.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def test_tables_made_from_the_code_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    write = runpy.run_path(str(ROOT / "docs" / "write.py"))
    assert write["main"](["--check"]) == 0, capsys.readouterr().out
    assert "`autoattack`" in write["benchmark_table"]()
    assert "61,100,840" in write["model_table"]()


@pytest.mark.slow
def test_a_stale_table_is_found_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = runpy.run_path(str(ROOT / "docs" / "write.py"))
    for page in write["TABLES"]:
        (tmp_path / page).parent.mkdir(exist_ok=True, parents=True)
        text = (ROOT / page).read_text("utf-8")
        (tmp_path / page).write_text(text.replace("| `pgd` |", "| `pdg` |").replace("| `alexnet` |", "| `alexnot` |"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    for page in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.ipynb")]:
        (tmp_path / page.relative_to(ROOT)).parent.mkdir(exist_ok=True, parents=True)
        if not (tmp_path / page.relative_to(ROOT)).exists():
            shutil.copy(page, tmp_path / page.relative_to(ROOT))
    main = write["main"]
    monkeypatch.setitem(main.__globals__, "ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    for page in write["TABLES"]:
        assert (tmp_path / page).read_text("utf-8") == (ROOT / page).read_text("utf-8")


@pytest.mark.parametrize("name", registry.names())
def test_a_page_says_where_the_data_of_each_benchmark_are(name: str) -> None:
    for need in registry.get(name).needs:
        (row,) = re.findall(rf"^\| `{need}` \| `{need}/.*", DATA, re.MULTILINE)
        assert len(row.split("|")) == 5


def test_readme_is_a_screen_and_a_half() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert [line for line in lines if len(line) > 120] == []
    assert len(re.sub(r"<!--.*?-->", "", README).split()) <= 1200


def test_readme_begins_with_two_commands_of_make_then_ones_own_network_then_a_number_for_a_paper() -> None:
    first, own, paper, *_ = blocks("README.md", "")
    assert [line.partition("  #")[0] for line in first.splitlines()] == ["make demo", "make test"]
    assert README.index(first) < 1500
    assert "-m onnx:net.onnx:mean=0.485/0.456/0.406," in own
    assert "-b imagenet-c" in paper
    for target in re.findall(r"^make (\w+)", first, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_readme_shows_only_commands_that_can_be_copied() -> None:
    """No release is on an index yet, and what holds a place for an address cannot be pasted."""
    commands = "\n".join(blocks("README.md", ""))
    assert not re.search(r"…|<\w+>|(pip|pipx|uv|uvx|conda) (install |tool install |run )?hardiness\b", commands)


def test_every_page_stands_behind_one_of_the_four_doors() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    doors = ["Use", "Understand", "Extend", "Evidence"]
    assert re.findall("^## (.*)", index, re.MULTILINE) == [*doors, "Where to go next"]
    listed = re.findall(r"^ *- \[[^\]]*\]\(([\w/]+\.md)\)", index, re.MULTILINE)
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert sorted(listed) == sorted({*pages, "api/index.md", "decisions/README.md"})


def test_pages_name_only_files_that_there_are() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    tops = (ROOT, ROOT / "src" / "hardiness")
    named = [
        (page.name, path)
        for page in pages
        for path in re.findall(r"`([a-z_]+(?:/[a-z_]+)+\.(?:py|toml))`", page.read_text("utf-8"))
    ]
    assert len(named) > 20
    assert [each for each in named if not any((top / each[1]).exists() for top in tops)] == []


def test_the_first_page_begins_with_the_demo_its_picture_and_its_result() -> None:
    page = (ROOT / "docs" / "index.md").read_text("utf-8").partition("\n## ")[0]
    install, table = (page.index(each) for each in ("\nmake demo\n", "<!-- made: demo -->\n"))
    picture, dark = (page.index(f"](pictures/report{each})") for each in (".png#only-light", "_dark.png#only-dark"))
    assert install < picture < dark < table


def test_the_picture_of_the_page_has_the_colours_of_the_readers_screen() -> None:
    """On GitHub as on the site: the page as it is on a light screen, and as it is on a dark one."""
    dark, light = re.search(r'prefers-color-scheme: dark\)" srcset="(.*?)">\n<img src="(.*?)"', README).groups()
    shades = []
    for name in (light, dark):
        with Image.open(ROOT / name) as picture:
            assert picture.mode == "RGB"
            shades.append(picture.convert("L").resize((1, 1)).getpixel((0, 0)))
    assert shades[0] > 200
    assert shades[1] < 60


CHARTS = {"Curves", "Dots", "Heat", "Ladder", "Scatter"}


def chart_names() -> set[str]:
    """How the names of figures begin, which the code gives them as a text or as the beginning of one."""
    names = set()
    for file in (ROOT / "src" / "hardiness" / "report").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CHARTS and node.args:
                first = getattr(node.args[0], "values", node.args)[0]
                names |= {first.value} if isinstance(first, ast.Constant) else set()
    return names


def test_the_gallery_has_every_figure() -> None:
    """With a picture of it, or the command after which it is drawn."""
    page = (ROOT / "docs" / "gallery.md").read_text("utf-8")
    assert len(chart_names()) >= 15
    assert [name for name in sorted(chart_names()) if f"`{name}" not in page] == []
    pictures = re.findall(r"!\[[^\]]+\]\((figures/[\w/]+\.svg)\)", page)
    assert len(pictures) > 12
    assert len(page.split("```")[-2].splitlines()) > 5, "the commands that made the pictures"


COMMAND = re.compile(
    r"python (bench/|docs/write|-c|-X)|`bench/\w+\.py`|hardiness (run|compare|gate|report|make|show) |pytest tests/"
    r"|make docs|`wc -[lw]|`git ls-files|from hardiness|Each under `time`"
)
NUMBER = re.compile(r"[-+±~]?\.?\d[\d.,]*")


def tables_of_numbers(page: Path) -> list[tuple[str, str]]:
    """The sections with a table of which two cells in five begin with a number, and the first line of that table."""
    tables = []
    for section in re.split(r"^(?=#)", page.read_text("utf-8"), flags=re.MULTILINE):
        for text in re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE):
            head, _, *rows = text.splitlines()
            cells = [cell.strip(" *") for row in rows for cell in row.split("|")[2:-1]]
            if len(cells) * 0.4 <= sum(bool(NUMBER.match(cell)) for cell in cells):
                tables.append((" ".join(section.split()), head))
    return tables


def test_a_table_of_numbers_has_the_command_that_makes_it() -> None:
    """In its section; a page that is written whole says so at its end."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    written = {page.name for page in pages if "; do not edit." in page.read_text("utf-8")}
    every = [(page.name, *each) for page in pages for each in tables_of_numbers(page)]
    assert len(every) > 25
    assert [(name, head) for name, section, head in every if name not in written and not COMMAND.search(section)] == []
    named = {path for _, section, _ in every for path in re.findall(r"(?:bench|tests|docs)/[\w/]+\.py", section)}
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_dependency_has_its_line() -> None:
    table = (ROOT / "docs" / "dependencies.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.match(r"[\w.-]+", each).group() for each in listed} - {"hardiness"}
    missing = [name for name in names if name not in table and not name.startswith("efficientnet-lite")]
    assert not missing


def test_links_of_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_commands_named_in_the_readme_exist() -> None:
    for command in re.findall(r"^\s*`?hardiness ([\w-]+)", README, re.MULTILINE):
        assert command in {name for names in GROUPS.values() for name in names}


@pytest.mark.slow
def test_the_example_benchmark_runs_with_its_option(tmp_path: Path, warm: Callable[..., Any]) -> None:
    """In a process of its own: registering it here would make it part of the contract tests."""
    text = (ROOT / "docs" / "extend.md").read_text()
    part = text[text.index("\n## A benchmark\n") : text.index("\n## A distortion")]
    example, card, *_ = re.findall(r"```python\n(.*?)```", part, re.DOTALL)
    example = f'{example}\n{card}\nUpsideDown.card = "stubbornness"\n'
    layers = "torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(48, 1000)"
    (tmp_path / "network.py").write_text(f"import torch\ndef build(): return torch.nn.Sequential({layers})")
    script = (
        f"{example}\nimport sys\nfrom hardiness.cli.main import main\nsys.argv = ['hardiness', 'run', '-m', "
        f"'py:{tmp_path}/network.py:build:mean=0,std=1', '-b', 'upside-down:mirror=true', '--data', 'embedded', "
        f"'--limit', '4', '--out', '{tmp_path}/out']\nmain()"
    )
    (tmp_path / "example.py").write_text(script)
    process = warm(tmp_path / "example.py")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "upside-down" in out
    assert "same answer" in out
    (run,) = (tmp_path / "out" / "records").iterdir()
    assert '"mirror": true' in (run / "run.json").read_text()


def test_the_lines_that_a_set_of_class_sets_costs_are_those_of_its_files() -> None:
    reference = ROOT / "src" / "hardiness" / "reference"
    entries = re.split(r"(?m)^(?=\[[a-z])", (reference / "datasets.toml").read_text("utf-8"))
    entry_lines = {entry.partition("]")[0][1:]: len(entry.strip().splitlines()) for entry in entries}
    page = " ".join((ROOT / "docs" / "scores.md").read_text("utf-8").split())
    sentence = page[page.index("A set costs its data file") : page.index("nearly all of them labels")]
    said = {name: (int(a), int(b)) for name, a, b in re.findall(r"`([a-z0-9-]+)` (\d+) and (\d+)", sentence)}
    assert said == {
        file.stem: (len(file.read_text("utf-8").splitlines()), entry_lines[file.stem])
        for file in (reference / "class_sets").glob("*.json")
    }
