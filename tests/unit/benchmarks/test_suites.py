"""Suites of one's own: what a file may say, and what is told where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.benchmarks.suites import Suite, SuiteRow, suite
from hardiness.core.errors import ArgumentError, UnknownNameError


def test_a_file_is_a_suite(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'models = ["alexnet"]\n[[rows]]\nbenchmark = "imagenet-val"\n[[rows]]\nbenchmark = "imagenet-c"\nlimit = 5\n'
        "conditions = 2\n"
    )
    found = suite(str(file))
    assert (found.title, found.models, found.data, found.note) == ("mine", ("alexnet",), (), "")
    assert found.rows == (SuiteRow("imagenet-val"), SuiteRow("imagenet-c", 5, 2))


def test_the_demo_says_nothing_that_each_of_its_results_says() -> None:
    """That it is demo-sized was printed twice: results of embedded photographs are."""
    assert (suite("demo").data, suite("demo").note) == (("embedded",), "")


def test_paper_names_the_command_of_the_experiment_that_has_no_scores() -> None:
    (line,) = suite("paper").also
    assert line.startswith("hardiness make features -m resnext101_32x8d_wsl --protocol orhan2019")
    assert [name for name in Suite.names() if suite(name).also] == ["paper"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"must have at least one \[\[rows\]\]"),
        ("rows = 3", r"must have at least one \[\[rows\]\]"),
        ("[[rows]]\n", "benchmark must be text"),
        (
            '[[rows]]\nbenchmark = "imagenet-val"\nlimit = 0',
            "limit of imagenet-val must be a whole number from 1, was 0",
        ),
        (
            '[[rows]]\nbenchmark = "imagenet-c"\nconditions = true',
            "conditions of imagenet-c must be a whole number from 1, was True",
        ),
        ('[[rows]]\nbenchmark = "imagenet-val"\nlimt = 3', "has no field 'limt'; did you mean 'limit'"),
        ('modles = []\n[[rows]]\nbenchmark = "imagenet-val"', "has no field 'modles'; did you mean 'models'"),
        ('models = "alexnet"\n[[rows]]\nbenchmark = "imagenet-val"', "models must be a list of texts"),
        ('title = 3\n[[rows]]\nbenchmark = "imagenet-val"', "title must be text, was 3"),
        ("[[rows", "must be TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line_that_names_it(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ArgumentError, match=says) as told:
        suite(str(file))
    assert str(file) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_and_a_name_that_is_none_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="name a file that is there, or one of cifar, demo, "):
        suite(str(tmp_path / "absent.toml"))
    with pytest.raises(UnknownNameError, match="did you mean 'quick'"):
        suite("quik")
