"""A folder of one's own classes, and nothing else said: what runs, how classes are called, what is refused and told."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hardiness import load_results
from hardiness.core.random import rng

Command = Any


@pytest.fixture
def pets(photographs: list[Path], tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder with a folder of photographs for each class."""

    def make(*classes: str, each: int = 2, name: str = "pets") -> Path:
        given: Iterator[Path] = iter(photographs * 3)
        for kind in classes:
            (tmp_path / name / kind).mkdir(parents=True)
            for number in range(each):
                photograph = next(given)
                shutil.copy(photograph, tmp_path / name / kind / f"{number}{photograph.suffix}")
        return tmp_path / name

    return make


@pytest.mark.slow
def test_a_folder_of_classes_alone_runs_the_suite_of_ones_own(
    hardiness: Command, pets: Any, factory: Any, results: Any, tmp_path: Path
) -> None:
    data = pets("cat", "dog", "fish", each=3)
    (data / "note.heic").write_bytes(b"x")
    (data / "loose.jpg").write_bytes(b"x")
    out = tmp_path / "out"
    told = hardiness("run", "-m", factory(classes=3), "--data", data, "--out", out, "--device", "cpu")
    assert told.status == 0, told.err
    order = "pets: outputs are taken for the classes in alphabetical order; another is given with :classes=FILE"
    assert f"{order} behind the folder: 0 cat, 1 dog, 2 fish" in told.err
    assert "2 files are passed over (1 .jpg outside the folders, 1 .heic; for example loose.jpg, note.heic)" in told.err
    own, corrupted, moved, attacked = sorted(results(out), key=lambda each: each["benchmark"])
    assert [(each["benchmark"], each["data"], each["complete"]) for each in (own, corrupted, moved, attacked)] == [
        ("own", "pets", True),
        ("own-c", "pets", True),
        ("shift-consistency", "own-pets", True),
        ("whitebox", "own-pets", True),
    ]
    budgets = {each["condition"].get("epsilon") for each in attacked["scores"] if each["metric"] == "accuracy"}
    assert budgets == {1 / 255, 4 / 255}
    assert corrupted["run"]["data"]["classes"] == ["cat", "dog", "fish"]
    cells = [
        each["condition"] for each in corrupted["scores"] if each["condition"].keys() == {"corruption", "severity"}
    ]
    assert len(cells) == 45
    assert {cell["severity"] for cell in cells} == {1, 3, 5}
    conditions = [each["condition"] for each in corrupted["scores"] if each["metric"] == "recall"]
    assert {"class": "fish", "corruption": "fog"} in conditions
    assert {"class": "fish", "corruption": "clean"} in conditions
    groups = [each["condition"] for each in corrupted["scores"] if "group" in each["condition"]]
    assert {each["group"] for each in groups} == {"noise", "blur", "weather", "digital"}
    assert hardiness("report", out).status == 0
    page, shown = (out / "report.html").read_text(), hardiness("show", out, "--all").out
    page = re.sub(r"<(style|script)\b.*?</\1>|base64,[^\"']*", "", page, flags=re.DOTALL)
    for text in (page, shown, told.out, json.dumps([own, corrupted, moved, attacked])):
        for stranger in ("imagenet-val", "class 0", "class 2", "sentences hold", "as published", "AlexNet", "mCE"):
            assert stranger not in text, stranger
    assert "Recall by class and corruption" in page
    assert "Pairs most confused" in page
    assert "recall by class" in " ".join(shown.split()), "a long name of a model breaks the line"
    for each in load_results(out):  # what was kept is taken, and not added to
        named = [(score.metric, score.condition) for score in each.scores]
        assert len(named) == len(set(named))
    # The same command again computes nothing; in Python it is the same.
    again = hardiness("run", "-m", factory(classes=3), "--data", data, "--out", out, "--device", "cpu", "--plan")
    assert again.out.count("none: all is stored") >= 4


def test_what_may_be_imagenets_or_ones_own_is_refused_with_both_commands(
    hardiness: Command, pets: Any, tmp_path: Path
) -> None:
    wnids = pets("n01440764", "n01443537")
    refused = hardiness("run", "-m", "efficientnet_lite0", "--data", wnids, "--out", tmp_path / "out")
    assert refused.status == 2
    assert refused.lines == [
        f"hardiness: --data {wnids} can be read in two ways: with your own classes it is --suite own --data "
        f"own={wnids}, with ImageNet's it is -b imagenet-val --data imagenet={wnids}; say which"
    ]
    mixed = pets("cat", "dog", "textures", name="mixed")
    refused = hardiness("run", "-m", "efficientnet_lite0", "--data", mixed, "--out", tmp_path / "out")
    assert f"--suite own --data own={mixed}, with ImageNet's it is -b imagenet-val --data {mixed}; say" in refused.err
    assert not (tmp_path / "out").exists()


def test_a_root_of_data_sets_and_a_folder_of_one_class_are_no_folders_of_classes(
    hardiness: Command, pets: Any, tmp_path: Path
) -> None:
    for folder in (pets("cat", name="one"), pets("textures", "ninco", name="root")):
        told = hardiness("run", "-m", "efficientnet_lite0", "--data", folder, "--out", tmp_path / "out")
        assert told.status == 2
        assert told.err.startswith("hardiness: nothing to run: name a benchmark")
        assert told.err.rstrip().endswith(f"; --data {folder} is no such folder")


def test_a_folder_that_is_not_there_is_what_is_wrong(hardiness: Command, tmp_path: Path) -> None:
    told = hardiness("run", "-m", "efficientnet_lite0", "--data", tmp_path / "photos")
    assert (told.status, len(told.lines)) == (2, 1)
    assert f"--data {tmp_path / 'photos'}: there is no such file or folder; check the path" in told.err


def test_a_csv_of_names_and_parquet_are_ones_own(hardiness: Command, pets: Any, factory: Any, tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    folder, labels = pets("a", each=4) / "a", tmp_path / "labels.csv"
    names = sorted(path.name for path in folder.iterdir())
    labels.write_text("".join(f"{name},{kind}\n" for name, kind in zip(names, ["owl", "emu", "owl"], strict=False)))
    rows = {"image": [path.read_bytes() for path in sorted(folder.iterdir())], "label": ["owl", "emu", "owl", "emu"]}
    pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / "birds.parquet")
    model = ("run", "-m", factory(classes=2), "--out", tmp_path / "out", "--device", "cpu", "--limit", "2", "--plan")
    listed = hardiness(*model, "--data", folder, "--labels", labels)
    assert listed.status == 0, listed.err
    assert "1 file is passed over" in listed.err
    nested = tmp_path / "nested.csv"
    nested.write_text("".join(f"a/{name},{kind}\n" for name, kind in zip(names[:2], ["owl", "emu"], strict=True)))
    deeper = hardiness(*model, "--data", folder.parent, "--labels", nested)
    assert "that the csv does not name; for example a/" in deeper.err
    assert "own-c" in listed.out
    packed = hardiness(*model, "--data", tmp_path / "birds.parquet")
    assert packed.status == 0, packed.err
    labels.write_text("".join(f"{name},{index}\n" for index, name in enumerate(names)))
    refused = hardiness(*model, "--data", folder, "--labels", labels)
    assert refused.status == 2
    assert f"-b imagenet-val --data imagenet={folder}:labels={labels}; say which" in refused.err


def test_numbers_are_no_names_and_parts_of_a_data_set_no_classes(
    hardiness: Command, pets: Any, factory: Any, tmp_path: Path
) -> None:
    folder, labels = pets("a", each=4) / "a", tmp_path / "labels.csv"
    names = sorted(path.name for path in folder.iterdir())
    labels.write_text("".join(f"{name},{index}\n" for index, name in enumerate(names)))
    run = ("run", "-m", factory(classes=4), "-b", "own", "--out", tmp_path / "out", "--device", "cpu", "--plan")
    refused = hardiness(*run, "--data", f"own={folder}", "--labels", labels)
    assert refused.status == 2
    assert "how many there are is said by classes=N" in refused.err
    for part in ("train", "val"):
        pets(f"{part}/cat", f"{part}/dog", name="parts")
    refused = hardiness(*run, "--data", tmp_path / "parts")
    assert refused.status == 2
    assert "which are parts of a data set and no classes; name one of them" in refused.err


def test_a_file_gives_the_order_and_the_key_knows(
    hardiness: Command, pets: Any, factory: Any, results: Any, tmp_path: Path
) -> None:
    data, order, out = pets("cat", "dog", "fish", each=6), tmp_path / "order.txt", tmp_path / "out"
    run = ("run", "-m", factory(classes=3), "-b", "own", "--out", out, "--device", "cpu")
    order.write_text("fish\ncat\ndog\n")
    assert hardiness(*run, "--data", data).status == 0
    told = hardiness(*run, "--data", f"own={data}:classes={order}")
    assert told.status == 0, told.err
    assert "the classes as classes=FILE lists them: 0 fish, 1 cat, 2 dog" in told.err
    alphabetical, listed = sorted(results(out), key=lambda each: each["run"]["model"]["classes"])
    assert alphabetical["run"]["model"]["classes"] == ["cat", "dog", "fish"]
    assert listed["run"]["model"]["classes"] == ["fish", "cat", "dog"]
    assert alphabetical["run"]["data"] == listed["run"]["data"], "which output means which class is no part of the data"
    assert alphabetical["run"]["key"] != listed["run"]["key"]
    order.write_text("fish\nkat\ndog\n")
    refused = hardiness(*run, "--data", f"own={data}:classes={order}")
    assert f"cat is a folder of {data} and no line of {order}; did you mean kat?" in refused.err
    short = hardiness("run", "-m", factory(classes=4), "-b", "own", "--out", out, "--data", data, "--device", "cpu")
    assert "has 4 classes and data set 'pets'" in short.err
    assert ":classes=FILE" in short.err


def test_checking_ones_own_data_asks_for_no_class_of_imagenet(hardiness: Command, pets: Any) -> None:
    data = pets("cat", "dog")
    (data / "empty").mkdir()
    (data / "loose.jpg").write_bytes((data / "cat" / next((data / "cat").iterdir()).name).read_bytes())
    for named in (
        ("own", "--data", f"own={data}"),
        ("own", "--data", data),
        ("imagenet", "--data", f"imagenet={data}"),
    ):
        told = hardiness("data", "check", *named, "--json", "--quiet")
        (checked,) = json.loads(told.out)
        assert told.status == 1
        faults = sorted((fault["kind"], fault["path"]) for fault in checked["faults"] if not fault["note"])
        assert [each for each in faults if each[0] != "duplicate"] == [
            ("loose", "loose.jpg"),
            ("missing-class", "empty"),
        ]


@pytest.mark.slow
def test_the_page_from_start_to_end(
    hardiness: Command, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its photographs, its network and its commands, on a few of the photographs."""
    page = (Path(__file__).parents[2] / "docs" / "own_data.md").read_text()
    for file, text in re.findall(r'^```python title="(\S+)"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL):
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("super_classes", "photos"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for script in ("photos.py", "columns.py"):
        runpy.run_path(script)
    commands = re.findall(r"^hardiness (.*)$", re.sub(r"\\\n\s*", "", page), re.MULTILINE)
    commands = [line for line in commands if "levels=" not in line and "--above" not in line]  # minutes of levels
    assert [line.split()[0] for line in commands] == ["run", "show", "show", "report"]
    for line in commands:
        told = hardiness(*line.split(), *(["--limit", "7", "--device", "cpu"] if line.startswith("run") else []))
        assert told.status == 0, told.err
        if line.startswith("run"):
            assert "next: hardiness gate runs/mine --write-policy policy.toml" in told.out
    own, corrupted, *_ = sorted(results(tmp_path / "runs" / "mine"), key=lambda each: each["benchmark"])
    assert own["run"]["data"]["classes"] == ["animal", "bird", "cat", "dog", "insect", "sea", "thing"]
    top1 = next(each["value"] for each in own["scores"] if each["metric"] == "top1")
    assert top1 >= 5 / 7
    kept = next(
        each for each in corrupted["scores"] if (each["metric"], each["condition"]) == ("retained_accuracy", {})
    )
    assert 0 < kept["value"] <= 1
    written = (tmp_path / "runs" / "mine" / "report.html").read_text()
    assert "loses" in written


@pytest.mark.slow
def test_pictures_that_a_view_enlarges_are_told_where_most_are(hardiness: Command, tmp_path: Path) -> None:
    """Pictures of 40 px under ``crop_px=32`` became the middle of an enlargement, in silence."""
    (tmp_path / "network.py").write_text(
        "import torch\n\ndef build():\n    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), "
        "torch.nn.Flatten(), torch.nn.Linear(12, 2))\n"
    )
    for px in (30, 40, 300):
        for name in ("cat", "dog"):
            (tmp_path / f"of{px}" / name).mkdir(parents=True)
            for number in range(3):
                pixels = rng(0, px, name, number).integers(0, 256, (px, px + 5, 3), "uint8")
                Image.fromarray(pixels).save(tmp_path / f"of{px}" / name / f"{number}.png")

    def lines(px: int, view: str, benchmark: str = "own") -> str:
        model = f"py:{tmp_path / 'network.py'}:build:{view},interpolation=bilinear,mean=0,std=1"
        told = hardiness("run", "-m", model, "-b", benchmark, "--data", tmp_path / f"of{px}", "--out", tmp_path / "out")
        assert told.status == 0, told.err
        return str(told.err)

    enlarged = "of40: its pictures have 40 px on the shorter side (median) and are enlarged 6.4 times for"
    told = lines(40, "crop_px=32")
    assert "resized to 256 px and cropped to the middle 32, because resize_px= is not stated; state both sizes" in told
    assert f"{enlarged} py:{tmp_path / 'network.py'}:build, to 256 and cropped to 32; where it was trained on" in told
    told = lines(30, "resize_px=36,crop_px=32", "own-c:corruptions=fog,severities=1")
    enlarged = "of30: its pictures have 30 px on the shorter side (median) and are enlarged 8.5 times for"
    assert f"{enlarged} every model, to 256 and cropped to 224; own-c is defined on its canvas" in told
    told = lines(40, "resize_px=36,crop_px=32", "own-c:corruptions=fog,severities=1")
    assert "of40: its pictures are small (40 px) and are corrupted at their own size, with the strengths of" in told
    assert "of40: its pictures are resized (40 px, bilinear to 32 px) for" in told
    assert "enlarged" not in lines(40, "resize_px=36,crop_px=32")
    assert "enlarged" not in lines(300, "resize_px=256,crop_px=224")
