"""Every *next* command of a page and of ``run``: it names its folder, and evaluates more or reads what is there."""

from __future__ import annotations

import csv
import html
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

EACH = 3
CLASSES = ("cat", "dog", "fish")


@pytest.fixture
def pets(photographs: list[Path], tmp_path: Path) -> Path:
    """Nine photographs in three classes."""
    for number, photograph in enumerate(photographs[: EACH * len(CLASSES)]):
        folder = tmp_path / "pets" / CLASSES[number % len(CLASSES)]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, folder / f"{number}{photograph.suffix}")
    return tmp_path / "pets"


@pytest.fixture
def scores(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file with a score for each of twenty pictures."""

    def write(name: str) -> Path:
        file = tmp_path / f"{name}.csv"
        with file.open("w", newline="") as stream:
            rows = [
                (f"p{k}", cell, (k * len(name) % 7) / 10 + 0.1 * (cell == "clean")) for k in range(20)
                for cell in ("clean", "fog")
            ]  # fmt: skip
            csv.writer(stream).writerows([("sample", "condition", "score"), *rows])
        return file

    return write


def of_page(page: Path) -> list[str]:
    """The *next* command of a page's first screen; none where there is none."""
    paragraphs = re.findall(r'<p class="next">.*?</p>', page.read_text(), re.DOTALL)
    return [html.unescape(text) for each in paragraphs for text in re.findall(r'data-copy-text="(.*?)"', each)]


def of_run(text: str) -> list[str]:
    """The commands that ``run`` prints last, without what it says of them."""
    return [match[1] for match in re.finditer(r"^(?:next: |      )(hardiness .*?)  ", text, re.MULTILINE)]


def photographs_of(out: Path) -> dict[tuple[str, str], int]:
    found = json.loads((out / "results.json").read_text())["results"]
    return {(each["model"], each["benchmark"]): each["counts"]["images"] for each in found}


STATES = {
    "a folder, wholly": ([("-b", "own")], False),
    "two models, wholly": ([("-b", "own", "-m", "TWO")], True),
    "one corruption of a folder, wholly": ([("-b", "own-c:corruptions=contrast")], False),
    "two models, one corruption": ([("-b", "own-c:corruptions=contrast,severities=1", "-m", "TWO")], True),
    "levels only": ([("-b", "own-c:corruptions=contrast,levels=0.3+0.1")], False),
    "a part of a folder": ([("-b", "own", "--limit", "2")], False),
    "a part, two models, another seed": ([("-b", "own", "-m", "TWO", "--limit", "2", "--seed", "3")], True),
    "a part of the corruptions, of some photographs": (
        [("-b", "own", "-m", "TWO"), ("-b", "own-c:corruptions=contrast", "-m", "TWO", "--limit", "2")],
        True,
    ),
    "an attack on some photographs": (
        [("-b", "whitebox:epsilons=4/255,steps=2,must_break=false,cross_checks=false", "--limit", "2")],
        False,
    ),
    "an export": ([("-b", "own", "-m", "TWO", "-m", "THREE")], True),
}


@pytest.mark.parametrize("state", STATES)
def test_of_a_folder_of_ones_own(
    state: str, hardiness: Any, factory: Any, pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {}
    for name, tail in (("ONE", ""), ("TWO", ".flip(1)"), ("THREE", ".roll(1, 1)"), ("other", " * 2")):
        factory(classes=3, tail=tail, name=name.lower())
        names[name] = f"{name.lower()}=py:{name.lower()}.py:build"
    commands, has_pairs = STATES[state]
    for arguments in commands:
        models = ("-m", names["ONE"], *(names.get(each, each) for each in arguments))
        ran = hardiness("run", *models, "--data", pets, "--out", "runs/out", "--device", "cpu")
        assert ran.status == 0, ran.err
    steps = of_page(tmp_path / "runs/out/report.html")
    assert len(steps) == 1, "there is always something to do next"
    assert ("compare" in steps[0]) == (has_pairs and "part" not in state)
    assert len(of_run(ran.out)) == 3, ran.out
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert hardiness("report", tmp_path / "runs/out").status == 0
    for folder, command in [
        *((tmp_path, each) for each in (*steps, *of_run(ran.out))),
        *((tmp_path / "elsewhere", each) for each in of_page(tmp_path / "runs/out/report.html")),
    ]:
        monkeypatch.chdir(folder)
        try_out(command, hardiness, monkeypatch, tmp_path, {"MODEL": names["other"], "FOLDER": str(pets)})


def test_of_scores_from_a_file(
    hardiness: Any, scores: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {name: scores(name) for name in ("a", "other", "wide")}

    def run(model: str, *arguments: Any) -> list[str]:
        ran = hardiness("run", "-m", model, "-b", "file:dice", "--predictions", files[model], "--out", "runs/out")
        assert ran.status == 0, ran.err
        for command in of_run(ran.out):
            try_out(command, hardiness, monkeypatch, tmp_path, {})
        return of_page(tmp_path / "runs/out/report.html")

    (second,) = run("a")
    words = {"MODEL": "other", "FILE": str(files["other"])}
    told = hardiness(*(words.get(part, part) for part in shlex.split(second)[1:]))
    assert told.status == 0, (second, told.err)
    assert photographs_of(tmp_path / "runs/out") == {("a", "file:dice"): 20, ("other", "file:dice"): 20}
    (pairs,) = run("wide")
    assert (tmp_path / "policy.toml").exists(), "after which no command proposes to write it"
    assert pairs == "hardiness compare runs/out"
    try_out(pairs, hardiness, monkeypatch, tmp_path, {})


def test_of_answers_to_some_photographs_from_a_file(
    hardiness: Any, factory: Any, pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has no answer to more, so that a second model is what is left."""
    monkeypatch.chdir(tmp_path)
    factory(classes=3)
    with (tmp_path / "answers.csv").open("w", newline="") as stream:
        pictures = sorted(path.relative_to(pets).as_posix() for path in pets.rglob("*.*"))
        csv.writer(stream).writerows([("sample", "prediction"), *((name, "cat") for name in pictures[:5])])
    ran = hardiness(
        *("run", "-m", "given", "-b", "own", "--data", pets, "--predictions", "answers.csv", "--out", "runs/out")
    )
    assert photographs_of(tmp_path / "runs/out") == {("given", "own"): 5}, ran.err
    (step,) = of_page(tmp_path / "runs/out/report.html")
    assert "-m MODEL" in step
    assert not any("--write-policy" in command for command in of_run(ran.out)), "no rule can be made of a part"
    for command in (step, *of_run(ran.out)):
        try_out(command, hardiness, monkeypatch, tmp_path, {"MODEL": "py:network.py:build"})


def test_of_photographs_of_packages_and_of_two_folders(
    hardiness: Any, factory: Any, pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the demo, of networks as small as they can be."""
    monkeypatch.chdir(tmp_path)
    factory()
    factory(tail=".flip(1)", name="two")
    words = {"FOLDER": str(pets), "MODEL": factory(classes=3, name="own")}
    models = ("-m", "one=py:network.py:build", "-m", "two=py:two.py:build")
    for benchmark, limit in (("imagenet-val", "6"), ("imagenet-c:corruptions=contrast", "3")):
        ran = hardiness(
            *("run", *models, "-b", benchmark, "--data", "embedded", "--limit", limit, "--out", "runs/out"),
            *("--device", "cpu"),
        )
        assert ran.status == 0, ran.err
    (step,) = of_page(tmp_path / "runs/out/report.html")
    assert "--data embedded --limit 24 --out runs/out" in step, "four times as many of the first column that is open"
    for command in (step, *of_run(ran.out)):
        try_out(command, hardiness, monkeypatch, tmp_path, words)
    shutil.copytree(tmp_path / "runs/out", tmp_path / "runs/again")
    assert hardiness("report", "runs/out", "runs/again", "--to", "both.html").status == 0
    (step,) = of_page(tmp_path / "both.html")
    assert step == "hardiness compare runs/out runs/again"
    try_out(step, hardiness, monkeypatch, tmp_path, {})


def try_out(command: str, hardiness: Any, monkeypatch: pytest.MonkeyPatch, folder: Path, words: dict[str, str]) -> None:
    """Run a command, of ``run`` the plan: it computes rows, into the folder whose page proposes it."""
    place, _, command = command.rpartition(" && ")
    if place:
        monkeypatch.chdir(place.removeprefix("cd "))
    name, *arguments = [words.get(part, part) for part in shlex.split(command)]
    assert name == "hardiness"
    if arguments[0] != "run":
        told = hardiness(*arguments)
        assert told.status == 0, (command, told.err)
        return
    assert "--out" in arguments, command
    told = hardiness(*arguments, "--device", "cpu", "--plan", "--json")
    assert told.status == 0, (command, told.err)
    planned = json.loads(told.out)["benchmarks"]
    assert planned, command
    assert all(each["rows"] > 0 for each in planned), command
    out = Path(arguments[arguments.index("--out") + 1]).resolve()
    is_same = out == (folder / "runs/out").resolve()
    assert is_same or "FOLDER" in command, command
    assert not is_same or "MODEL" in command or all(each["stored"] > 0 for each in planned), command
