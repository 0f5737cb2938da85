"""The commands of a page make its results again, from any folder; rows of one model say what tells them apart."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from pyarrow import csv

from hardiness.benchmarks.options import parse, text_of


def commands(out: Path) -> list[str]:
    """The commands that stand in a page, as a person would copy them."""
    page = (out / "report.html").read_text()
    found = [html.unescape(text) for text in re.findall(r'<pre tabindex="0">(.*?)</pre>', page, re.DOTALL)]
    return [text for text in found if "hardiness run" in text]


def scores(out: Path) -> dict[str, Any]:
    """Every score, by the key of its run."""
    found = json.loads((out / "results.json").read_text())["results"]
    return {each["run"]["key"]: (each["scores"], each["counts"]) for each in found}


@pytest.mark.slow
def test_the_commands_of_a_page_make_its_results_again(
    tree: Any, factory: Any, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(12)
    factory()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    model = "py:network.py:build:crop_px=64,resize_px=64,mean=0.485/0.456/0.406,std=0.229/0.224/0.225"
    for benchmark, more in (
        ("imagenet-val", ("--limit", "3", "--seed", "2")),
        ("imagenet-val", ("--limit", "5", "--seed", "2")),
        ("imagenet-c:corruptions=contrast,severities=1+3", ("--limit", "2")),
        ("imagenet-c:corruptions=brightness,severities=5", ("--limit", "4")),
    ):
        told = hardiness(
            *("run", "-m", model, "-b", benchmark, "--data", "root", "--device", "cpu", *more, "--out", "out")
        )
        assert told.status == 0, told.err
    copied = commands(tmp_path / "out")
    assert len(copied) == 3, "the smaller limit of two is part of the larger one"
    monkeypatch.chdir(tmp_path / "elsewhere")
    for line in copied:
        folder, _, command = line.rpartition(" && ")
        assert folder == f"cd {tmp_path}", "the model is named by its place in that folder"
        monkeypatch.chdir(folder.removeprefix("cd "))
        told = hardiness(*shlex.split(command)[1:], "--device", "cpu", "--quiet", "--out", tmp_path / "again")
        assert told.status == 0, told.err
    assert scores(tmp_path / "again") == scores(tmp_path / "out")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert hardiness("report", tmp_path / "out").status == 0
    assert "data:image/jpeg" in (tmp_path / "out" / "report.html").read_text(), (
        "its photographs are found from anywhere"
    )


def test_data_of_ones_own_classes_are_named_in_full(
    tree: Any, factory: Any, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tree(6)
    monkeypatch.chdir(tmp_path)
    photographs = sorted(path.relative_to(root) for path in root.rglob("*.JPEG"))
    lines = [f"{path},{'cat' if i % 2 else 'dog'}" for i, path in enumerate(photographs)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *lines]))
    name = factory(classes=2)
    data = "imagenet=root:labels=labels.csv:classes=names"
    told = hardiness("run", "-m", name, "-b", "imagenet-val", "--data", data, "--device", "cpu", "--out", "out")
    assert told.status == 0, told.err
    (command,) = commands(tmp_path / "out")
    assert f"--data imagenet={root}:labels={tmp_path / 'labels.csv'}:classes=names" in command
    told = hardiness(*shlex.split(command)[1:], "--device", "cpu", "--quiet", "--out", "again")
    assert told.status == 0, told.err
    assert scores(tmp_path / "again") == scores(tmp_path / "out")


@pytest.mark.parametrize(
    "text",
    [
        "imagenet-val",
        "imagenet-c:corruptions=fog+snow,severities=1+3",
        "whitebox:protocol=standard,norm=l2,epsilons=0.5+3.0,attack=apgd,loss=dlr",
        "blackbox:surrogate=efficientnet_lite0,epsilons=0.01568627450980392,keep=false",
        "shift-consistency:passes=2",
    ],
)
def test_a_benchmark_is_written_as_it_is_read(text: str) -> None:
    benchmark = parse(text)
    assert parse(text_of(benchmark)) == benchmark
    assert text_of(parse(text_of(benchmark))) == text_of(benchmark)


@pytest.mark.slow
def test_rows_of_one_model_show_what_tells_them_apart(
    factory: Any, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = factory()
    for options, more in (("", ()), (":crop_px=64", ()), ("", ("--seed", "1"))):
        told = hardiness(
            *("run", "-m", f"{name}{options}", "-b", "imagenet-val", "--data", "embedded", "--limit", "9"),
            *("--device", "cpu", "--quiet", "--out", tmp_path / "out", *more),
        )
        assert told.status == 0, told.err
    wanted = {f"{name} (seed 0, crop_px=64)", f"{name} (seed 0, crop_px=224)", f"{name} (seed 1, crop_px=224)"}
    told = hardiness("show", tmp_path / "out")
    compared = hardiness("compare", tmp_path / "out", "--json")
    tables = {
        "page": (tmp_path / "out" / "report.html").read_text().replace("<wbr>", ""),
        "show": re.sub(r"[\s│┃]+", " ", told.out),
        "compare": compared.out,
    }
    assert hardiness("export", tmp_path / "out", "--format", "markdown", "--to", tmp_path / "x.md").status == 0
    tables["markdown"] = (tmp_path / "x.md").read_text().replace("\\", "")
    for where, text in tables.items():
        for text_wanted in ("seed 1", "crop_px=64", "crop_px=224"):
            assert text_wanted in text, (where, text_wanted)
    keys = {each["run"]["key"][:6] for each in json.loads((tmp_path / "out" / "results.json").read_text())["results"]}
    assert not any(f"({key})" in text for key in keys for text in tables.values()), "no hash"
    assert all(each in tables["compare"] for each in wanted)
    assert hardiness("export", tmp_path / "out", "--format", "csv", "--to", tmp_path / "x.csv").status == 0
    rows = csv.read_csv(tmp_path / "x.csv").to_pylist()
    assert {f"{row['model']} ({row['options']})" for row in rows} == wanted
