"""Edited code of one's own never gets the rows, or the scores, of the code before."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from strangers import MODULES, Distribution, Outcome

from hardiness.benchmarks.own_code import OwnCode, benchmark_code
from hardiness.benchmarks.photographs import Photographs
from hardiness.core.benchmark import DataSet, Item
from hardiness.data.root import LAYOUTS, Layout, Place

POINTS = {
    "hardiness.corruptions": {"dusk": "my_edited.corruption:dusk"},
    "hardiness.perturbations": {"fading": "my_edited.perturbation:fading"},
    "hardiness.benchmarks": {"darker": "my_edited.benchmark:Darker"},
    "hardiness.attacks": {"shade": "my_edited.attack:Shade"},
    "hardiness.cards": {"spread": "my_edited.card:Spread"},
}
BENCHMARKS = {
    "darker": "darker",
    "imagenet-c": "imagenet-c:corruptions=dusk,severities=1",
    "imagenet-p": "imagenet-p:perturbations=fading",
    "whitebox": "whitebox:attack=shade,protocol=standard,norm=linf,epsilons=8/255,steps=1",
}


def evaluate(command: Callable[..., Outcome], place: Path, installed: Path, out: str) -> dict[str, dict[str, Any]]:
    """The scores of each run in a folder, once all four have been evaluated with what is installed, by key."""
    asked = [word for benchmark in (*BENCHMARKS.values(), "imagenet-val") for word in ("-b", benchmark)]
    few = ("-m", "py:network.py:build", "--data", "data", "--limit", "2", "--quiet")
    ran = command(place, installed, "run", *few, *asked, "--out", out)
    assert ran.status == 0, ran.err
    results = json.loads((place / out / "results.json").read_text())["results"]
    return {each["run"]["key"]: each for each in results}


@pytest.mark.slow
def test_edited_code_of_a_package_makes_new_rows_and_new_scores(
    install: Callable[..., Path], place: Path, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    installed = install(Distribution("my-edited", POINTS, MODULES, "my_edited"))
    edited = tmp_path / "edited" / "site-packages"
    # Python would take compiled files for the edited ones, which are as long and of the same second.
    shutil.copytree(installed, edited, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (edited / "my_edited").glob("*.py"):
        file.write_text(file.read_text().replace("0.9", "0.10"))
    first = evaluate(command, place, installed, "out")
    by_name = {each["benchmark"]: each["run"] for each in first.values()}
    assert {name for name, run in by_name.items() if run["benchmark"]["code_sha256"]} == {*BENCHMARKS}
    assert evaluate(command, place, installed, "out") == first, "the same code: nothing is computed"
    both = evaluate(command, place, edited, "out")
    fresh = evaluate(command, place, edited, "fresh")
    assert len(both) == 2 * len(BENCHMARKS) + 1, "each that has code of its own is there twice"
    for key, result in fresh.items():
        assert both[key]["scores"] == result["scores"], "as they are afresh"
        assert both[key]["run"] == result["run"]
    assert len(fresh.keys() & first.keys()) == 1, "of what ships the run is the same"
    (shaded,) = [each["scores"][0]["value"] for each in fresh.values() if each["benchmark"] == "darker"]
    assert shaded == pytest.approx(0.05)


@pytest.mark.slow
def test_edited_code_that_scores_gives_new_scores_of_the_same_rows(
    install: Callable[..., Path], place: Path, command: Callable[..., Outcome], tmp_path: Path
) -> None:
    installed = install(Distribution("my-edited", POINTS, MODULES, "my_edited"))
    few = ("-m", "py:network.py:build", "-b", "darker", "--data", "data", "--limit", "2", "--quiet", "--out", "out")
    assert command(place, installed, "run", *few).status == 0
    # No two after each other are of one length: compiled code is taken for that of a file of the same second and size.
    for value in (0.45, 0.1, 0.45):
        text = f"[SPREAD.score({value}, len(table))]"
        file = installed / "my_edited" / "card.py"
        file.write_text(MODULES["card.py"].replace("[SPREAD.score(0.9 * 0.5, len(table))]", text))
        shown = command(place, installed, "export", "out", "--format", "json")
        assert shown.status == 0, shown.err
        (result,) = json.loads(shown.out)["results"]
        assert [score["value"] for score in result["scores"]] == [value]


@pytest.mark.slow
def test_a_tree_of_edited_code_is_another_tree(
    install: Callable[..., Path], place: Path, command: Callable[..., Outcome]
) -> None:
    installed = install(Distribution("my-edited", POINTS, MODULES, "my_edited"))
    make = ("make", "corruptions", "data", "tree", "--corruptions", "dusk", "--severities", "1", "--limit", "1")
    for _ in range(2):
        made = command(place, installed, *make)
        assert made.status == 0, made.err
    file = installed / "my_edited" / "corruption.py"
    # Of another length: compiled code is taken for that of a file of the same second and size.
    file.write_text(MODULES["corruption.py"].replace("0.9", "0.10"))
    made = command(place, installed, *make)
    assert made.status == 2
    assert "tree" in made.err


@dataclass(frozen=True)
class Shelved(Photographs):
    """Photographs of a data set of one's own."""

    name, question, paper, protocol, needs = "shelved", "Is it there?", "none", "example", ("shelf",)


def test_code_that_reads_a_data_set_of_ones_own_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that it gave otherwise after an edit stood beside the rows of the labels before."""
    monkeypatch.setattr(LAYOUTS, "_entries", dict(LAYOUTS._entries) if LAYOUTS.names() else {})

    def code_of(shift: int) -> OwnCode:
        def read(shift: int, place: Place) -> DataSet:
            items = [Item(line, int(line) + shift, Path(line)) for line in Path(str(place)).read_text().split()]
            return DataSet("shelf", tuple(items), 1000, "", "")

        LAYOUTS.register("shelf", Layout("shelf/*", partial(read, shift)), __name__)
        return benchmark_code(Shelved())

    one, same, other = map(code_of, (0, 0, 1))
    assert one.sha256 == same.sha256 != other.sha256
