"""Suites: the package's own and a person's file; what has no data or no weights is skipped and listed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hardiness import compare
from hardiness.benchmarks import suites


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint is in the cache, and none can be fetched."""
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARDINESS_WEIGHTS_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("hardiness.sources.downloads._BACK_OFF_S", 0.01)


@pytest.fixture
def suite(tmp_path: Path) -> Any:
    """Writes a suite of rows, each as on the command line."""

    def write(*rows: str, models: tuple[str, ...] = ()) -> Path:
        file = tmp_path / "mine.toml"
        listed = ", ".join(f'"{model}"' for model in models)
        text = "".join(f'[[rows]]\nbenchmark = "{row}"\nlimit = 3\n' for row in rows)
        file.write_text(f'note = "my own"\nmodels = [{listed}]\n{text}')
        return file

    return write


def test_a_suite_of_one_s_own(
    hardiness: Any, suite: Any, factory: Any, tree: Any, tmp_path: Path, results: Any
) -> None:
    file = suite("imagenet-val", "imagenet-c:corruptions=fog,severities=5", "imagenet-a", models=(factory(),))
    told = hardiness("run", "--suite", file, "--data", tree(5), "--out", tmp_path / "x")
    assert told.status == 0, told.err
    found = {result["benchmark"]: result["counts"]["evaluated"] for result in results(tmp_path / "x")}
    assert found == {"imagenet-val": 3, "imagenet-c": 3}
    assert "skipped imagenet-a: no data set imagenet-a in --data" in told.err
    assert "my own" in told.out


def test_numbers_are_printed_as_a_benchmark_ends_and_the_last_lines_say_what_to_do_next(
    hardiness: Any, suite: Any, factory: Any, tree: Any, tmp_path: Path
) -> None:
    file = suite("imagenet-val", "imagenet-c:corruptions=contrast,severities=1", models=(factory(),))
    told = hardiness("run", "--suite", file, "--data", tree(5), "--out", tmp_path / "x")
    assert told.status == 0, told.err
    (first,) = [place for place, line in enumerate(told.lines) if re.search(r": .* top-1 [\d.]+ \(.*\), n 3$", line)]
    second = told.lines.index("imagenet-c: 6 of 6 image-conditions to compute")
    assert first < second
    assert [line.split("hardiness ")[1].split()[0] for line in told.out.splitlines()[-3:]] == ["run", "show", "report"]
    assert "-m MODEL --data FOLDER" in told.out.splitlines()[-3]
    assert told.out.count("overview") == 1, "one table of both groups, where it is no wider than the terminal"


def test_models_of_a_suite_without_weights_are_skipped_and_those_asked_for_are_not(
    hardiness: Any, suite: Any, tree: Any, tmp_path: Path, results: Any, no_weights: None
) -> None:
    file = suite("imagenet-val", models=("alexnet", "squeezenet1_1"))
    common = ["run", "--suite", file, "--data", tree(3), "--out", tmp_path / "x", "--quiet"]
    told = hardiness(*common)
    assert told.status == 0, told.err
    (line,) = [line for line in told.lines if "alexnet" in line]
    assert line.startswith("skipped alexnet: ")
    assert [result["model"] for result in results(tmp_path / "x")] == ["squeezenet1_1"]
    asked = hardiness(*common, "-m", "alexnet")
    assert asked.status == 1
    assert any(line.startswith("hardiness: alexnet: ") for line in asked.lines)


def test_a_row_whose_surrogate_has_no_weights_is_skipped(
    hardiness: Any, suite: Any, factory: Any, tree: Any, tmp_path: Path, results: Any, no_weights: None
) -> None:
    data = ["--data", tree(3), "--out", tmp_path / "x", "--quiet", "-m", factory()]
    told = hardiness("run", "--suite", suite("imagenet-val", "blackbox:epsilons=0.1"), *data)
    assert told.status == 0, told.err
    assert "skipped blackbox: its surrogate cannot be had: " in told.err
    assert [result["benchmark"] for result in results(tmp_path / "x")] == ["imagenet-val"]
    assert hardiness("run", "-b", "blackbox:epsilons=0.1", *data).status == 1


@pytest.mark.slow
def test_quick_runs_what_it_can_and_lists_the_rest(
    hardiness: Any, factory: Any, tree: Any, tmp_path: Path, results: Any, no_weights: None
) -> None:
    told = hardiness("run", "--suite", "quick", "-m", factory(), "--data", tree(2), "--out", tmp_path / "x", "--quiet")
    assert told.status == 0, told.err
    skipped = {line.split()[1].rstrip(":") for line in told.lines if line.startswith("skipped ")}
    assert skipped == {"imagenet-a", "imagenet-r", "imagenet-sketch", "imagenet-v2", "cue-conflict", "blackbox"}
    ran = {result["benchmark"] for result in results(tmp_path / "x")}
    assert ran == {"imagenet-val", "imagenet-c", "imagenet-p", "whitebox", "autoattack"}


def test_paper_without_weights_lists_them_and_names_the_command_that_makes_pictures(
    hardiness: Any, tree: Any, tmp_path: Path, no_weights: None
) -> None:
    told = hardiness("run", "--suite", "paper", "--data", tree(2), "--out", tmp_path / "x")
    assert told.status == 0, told.err
    skipped = {line.split()[1].rstrip(":") for line in told.lines if line.startswith("skipped ")}
    absent = {"imagenet-a", "imagenet-r", "imagenet-sketch", "imagenet-v2", "cue-conflict"}
    assert skipped == absent | set(suites.suite("paper").models)
    (line,) = [line for line in told.lines if "hardiness make features " in line]
    assert line.endswith("hardiness make features -m resnext101_32x8d_wsl --protocol orhan2019 --data ROOT")


@pytest.mark.parametrize("name", ["quick", "paper"])
def test_nothing_at_hand_is_no_error_and_everything_is_listed(hardiness: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    model = ["-m", "alexnet"] if name == "quick" else []
    told = hardiness("run", "--suite", name, *model, "--data", tmp_path / "empty", "--out", tmp_path / "x", "--quiet")
    assert told.status == 0, told.err
    skipped = [line.split()[1] for line in told.lines if line.startswith("skipped ")]
    assert skipped == [f"{row.benchmark}:" for row in suites.suite(name).rows]
    for command in (["show"], ["report"], ["export", "--format", "csv"]):
        (line,) = hardiness(*command, tmp_path / "x").lines
        assert "x holds no results: the 'hardiness run' that made it evaluated nothing" in line


def test_a_file_that_is_no_suite_is_one_line(hardiness: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("rows = 3")
    told = hardiness("run", "--suite", tmp_path / "mine.toml", "-m", "alexnet", "--data", "embedded")
    assert told.status == 2
    (line,) = told.lines
    assert "must have at least one [[rows]]" in line


NESTED = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"models = {NESTED}", "is nested too deep to be read"),
        ("x = " + "{a=" * 3000 + "1" + "}" * 3000, "is nested too deep to be read"),
        ('"a\\nb" = 1', r"has no field 'a\nb'"),
        ('[[rows]]\nbenchmark = "imagenet-val"\n"lim\\nit" = 1', r"has no field 'lim\nit'"),
    ],
)
def test_a_suite_that_cannot_be_meant_is_one_line(hardiness: Any, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    told = hardiness("run", "--suite", tmp_path / "mine.toml", "--data", tmp_path, "--out", tmp_path / "x")
    assert told.status == 2
    (line,) = told.lines
    assert says in line


def test_a_suite_may_begin_with_a_byte_order_mark(suite: Any) -> None:
    file = suite("imagenet-val")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert suites.suite(str(file)).rows[0].benchmark == "imagenet-val"


@pytest.mark.slow
def test_the_demo_says_something_sure_about_corruptions_on_a_page_that_can_be_mailed(
    hardiness: Any, tmp_path: Path
) -> None:
    out = tmp_path / "x"
    told = hardiness("run", "--suite", "demo", "--out", out, "--device", "cpu", "--quiet")
    assert told.status == 0, told.err
    assert not re.search("not checked|has no interval", told.out)
    (corrupted,) = [each for each in compare(out) if each.benchmark == "imagenet-c"]
    sure = [pair for pair, difference in corrupted.scores[0].pairs.items() if difference.is_told_apart]
    assert (corrupted.scores[0].metric, len(sure)) == ("mce", 3)
    assert (out / "report.html").stat().st_size <= 650_000
