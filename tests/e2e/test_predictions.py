"""Rows from a file: pictures are written, answers computed elsewhere become a run, and what is amiss is refused."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from hardiness import gate
from hardiness.core.errors import ArgumentError
from hardiness.data import table_files
from hardiness.data.answer_tables import NumberRows
from hardiness.engine.predictions import read_predictions
from hardiness.models.loading import load
from hardiness.models.preprocessing import to_pixels
from hardiness.report.words import text as said
from hardiness.store.store import Store

BENCHMARK = "imagenet-c:corruptions=fog+contrast,severities=1+3"
CELLS = ("clean", "contrast/1", "contrast/3", "fog/1", "fog/3")
PHOTOGRAPHS = 3
Answers = list[tuple[str, str, np.ndarray]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures as the command writes them."""
    from click.testing import CliRunner

    from hardiness.cli.make import make_corruptions

    folder = tmp_path_factory.mktemp("made") / "tree"
    given = ["embedded", str(folder), "--corruptions", "fog+contrast", "--severities", "1+3", "--quiet"]
    CliRunner().invoke(make_corruptions, [*given, "--limit", str(PHOTOGRAPHS)], standalone_mode=False)
    return folder


def answers(model: str, tree: Path) -> Answers:
    """What a model says of each picture of a tree, by sample and cell."""
    classifier = load(model, device="cpu")
    found = []
    for cell in CELLS:
        for file in sorted((tree / cell).rglob("*.png")):
            pixels = to_pixels([np.asarray(Image.open(file).convert("RGB"))])
            found.append((str(file.relative_to(tree / cell)).removesuffix(".png"), cell, classifier.logits(pixels)[0]))
    return found


@pytest.fixture
def run(hardiness: Any, tree: Path, tmp_path: Path) -> Callable[..., Any]:
    """``hardiness run`` on the tree and the photographs behind it."""

    def call(name: str, file: Path | None = None, out: str = "out", benchmark: str = BENCHMARK) -> Any:
        more = () if file is None else ("--predictions", file)
        data = ("--data", "embedded", *(() if file is None else ("--data", f"imagenet-c={tree}")))
        given = ("--limit", str(PHOTOGRAPHS), "--device", "cpu", "--quiet", "--out", tmp_path / out)
        return hardiness("run", "-m", name, "-b", benchmark, *data, *more, *given)

    return call


def as_csv(file: Path, found: Answers, kind: str = "logits") -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sample", "condition", kind])
        for sample, cell, logits in found:
            if kind == "class":
                writer.writerow([sample, cell, int(logits.argmax())])
            else:
                values = (
                    logits if kind == "logits" else np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
                )
                writer.writerow([sample, cell, " ".join(f"{value:.8g}" for value in values)])
    return file


def test_the_tree_holds_clean_pictures_as_png(tree: Path) -> None:
    assert sorted(path.name for path in tree.iterdir() if path.is_dir()) == ["clean", "contrast", "fog"]
    assert len(list(tree.rglob("*.png"))) == PHOTOGRAPHS * len(CELLS)
    assert not list(tree.rglob("*.JPEG"))


def test_answers_for_pngs_count_as_those_for_pictures_in_memory(
    run: Any, tree: Path, factory: Any, tmp_path: Path, results: Any, hardiness: Any
) -> None:
    model = factory()
    found = answers(model, tree)
    table = {
        "sample": [s for s, _, _ in found],
        "condition": [c for _, c, _ in found],
        "logits": [x for *_, x in found],
    }
    parquet.write_table(pa.table({**table, "logits": [x.tolist() for x in table["logits"]]}), tmp_path / "a.parquet")
    assert run(model).status == 0
    for name, file in (("columns", tmp_path / "a.parquet"), ("text", as_csv(tmp_path / "a.csv", found))):
        told = run(name, file)
        assert told.status == 0, told.err
    every = {each["model"]: each for each in results(tmp_path / "out")}
    own = every.pop(model)
    assert len(every) == 2
    for each in every.values():
        assert each["run"]["data"] == own["run"]["data"]
        assert each["counts"] == own["counts"]
        for mine, theirs in zip(own["scores"], each["scores"], strict=True):
            assert mine["value"] == pytest.approx(theirs["value"]), mine["metric"]
    runs = {each.run.model.name: each.records() for each in Store.open(tmp_path / "out").runs()}
    np.testing.assert_allclose(runs["text"]["top5_logit"], runs[model]["top5_logit"], rtol=1e-4, atol=1e-4)
    told = hardiness("compare", tmp_path / "out")
    assert told.status == 0, told.err
    assert "columns" in told.out
    rule = '[[rules]]\nbenchmark = "imagenet-c"\nmetric = "agreement"\nat_least = 0.1\n'
    rule += 'model = "columns"\nagainst = "out"\n'
    (tmp_path / "policy.toml").write_text(f'{rule}against_model = "{model}"\n')
    (verdict,) = gate(tmp_path / "out", tmp_path / "policy.toml").verdicts
    assert (verdict.value, said(verdict.missing)) == (1, "")


def test_probabilities_and_classes_say_what_they_say(
    run: Any, tree: Path, factory: Any, tmp_path: Path, results: Any, hardiness: Any
) -> None:
    found = [each for each in answers(factory(), tree) if each[1] == "clean"]
    data = ("--data", "embedded", "--limit", str(PHOTOGRAPHS), "--quiet", "--out", tmp_path / "out")
    for kind in ("probabilities", "class"):
        file = as_csv(tmp_path / f"{kind}.csv", found, kind)
        told = hardiness("run", "-m", kind, "-b", "imagenet-val", "--predictions", file, *data)
        assert told.status == 0, told.err
    every = {
        each["model"]: {score["metric"]: score for score in each["scores"] if not score["condition"]}
        for each in results(tmp_path / "out")
    }
    assert every["class"]["top1"]["value"] == every["probabilities"]["top1"]["value"]
    assert every["probabilities"]["nll"]["value"] > 0
    for metric in ("top5", "aurra", "nll"):
        assert every["class"][metric]["value"] is None
        assert every["class"][metric]["lack"]["text"] == "not available: the file has classes only"


def test_answers_for_pictures_of_another_size_are_of_other_pictures(
    hardiness: Any, factory: Any, tmp_path: Path, results: Any
) -> None:
    """A tree of 112 pixels, and pictures that no JPEG was between."""
    model, small = factory(), tmp_path / "small"
    given = ("--corruptions", "fog+contrast", "--severities", "1+3", "--limit", PHOTOGRAPHS, "--size", "112")
    assert hardiness("make", "corruptions", "embedded", small, *given, "--quiet").status == 0
    file = as_csv(tmp_path / "a.csv", answers(model, small))
    both = ("--data", "embedded", "--data", f"imagenet-c={small}", "--limit", PHOTOGRAPHS, "--out", tmp_path / "out")
    told = hardiness("run", "-m", "small", "-b", BENCHMARK, *both, "--predictions", file, "--quiet")
    assert told.status == 0, told.err
    memory = ("--data", "embedded", "--limit", PHOTOGRAPHS, "--device", "cpu", "--quiet", "--out", tmp_path / "out")
    assert hardiness("run", "-m", model, "-b", BENCHMARK, *memory).status == 0
    one, other = (each["run"]["data"]["fingerprint"] for each in results(tmp_path / "out"))
    assert one != other


def test_answers_for_jpegs_are_of_other_pictures(
    run: Any, tree: Path, factory: Any, tmp_path: Path, results: Any, hardiness: Any
) -> None:
    model, found = factory(), answers(factory(), tree)
    assert run(model).status == 0
    given = ("--corruptions", "fog+contrast", "--severities", "1+3", "--limit", str(PHOTOGRAPHS), "--quiet")
    told = hardiness("make", "corruptions", "embedded", tmp_path / "jpegs", "--format", "jpeg", *given)
    assert told.status == 0, told.err
    told = hardiness(
        *("run", "-m", "jpegs", "-b", BENCHMARK, "--data", "embedded", "--data", f"imagenet-c={tmp_path / 'jpegs'}"),
        *("--predictions", as_csv(tmp_path / "a.csv", found), "--limit", str(PHOTOGRAPHS), "--quiet"),
        *("--out", tmp_path / "out"),
    )
    assert told.status == 0, told.err
    every = {each["model"]: each["run"] for each in results(tmp_path / "out")}
    assert every["jpegs"]["data"]["fingerprint"] != every[model]["data"]["fingerprint"]
    assert every["jpegs"]["model"]["options"]["manifest"]


def test_the_key_holds_the_hashes_of_file_and_manifest(run: Any, tree: Path, factory: Any, tmp_path: Path) -> None:
    found = answers(factory(), tree)
    keys = set()
    for scale in (1, 2):
        assert run("m", as_csv(tmp_path / f"{scale}.csv", [(s, c, scale * x) for s, c, x in found])).status == 0
        keys |= {each.key for each in Store.open(tmp_path / "out").runs()}
    assert len(keys) == 2
    assert run("m", as_csv(tmp_path / "again.csv", found)).status == 0
    assert {each.key for each in Store.open(tmp_path / "out").runs()} == keys, "the same bytes are the same run"


def test_missing_pictures_are_named_and_the_others_count(
    run: Any, tree: Path, factory: Any, tmp_path: Path, results: Any
) -> None:
    found = answers(factory(), tree)
    told = run("part", as_csv(tmp_path / "a.csv", found[1:]))
    assert told.status == 1
    assert f"part: imagenet-c: the file lacks 1 of the pictures ({found[0][0]} under clean)" in told.err
    (result,) = results(tmp_path / "out")
    assert result["counts"]["evaluated"] == PHOTOGRAPHS * 4


def test_files_that_are_amiss_are_refused_whole(run: Any, tree: Path, factory: Any, tmp_path: Path) -> None:
    found = answers(factory(), tree)
    text = as_csv(tmp_path / "a.csv", found).read_text()
    first = found[0][0]
    wrong = {
        "cut": (text[:-30], r"has 99\d numbers, those before 1000"),
        "short": (text.replace("\n", ",1\n", 2).replace(",1\n", "\n", 1), "line 2 must have 3 fields, has 4"),
        "nan": (
            text.replace(text.splitlines()[1].split(",")[2].split(" ")[0], "nan", 1),
            f"the answer for {first} .* is NaN",
        ),
        "narrow": (
            "\n".join(line.rpartition(" ")[0] or line for line in text.splitlines()) + "\n",
            "must have 1000 logits",
        ),
        "twice": (text + text.splitlines()[1] + "\n", f"has {first} under clean twice, in rows 1 and"),
        "unknown": (
            text.replace(first, f"{first}x", 1),
            f"'{first}x' is no sample of .*; did you mean '{first}'.* \\(\\d+ in all\\)",
        ),
        "cell": (
            text.replace(",clean,", ",clan,", 1),
            "unknown condition of imagenet-c .* did you mean 'clean'\\? known: [^,]",
        ),
        "columns": (text.replace("logits", "scores", 1), "must have the columns sample, condition, and logits"),
        "letters": (text.replace(text.splitlines()[1].split(",")[2].split(" ")[0], "high", 1), "must be numbers, was"),
    }
    import re

    for name, (content, says) in wrong.items():
        (tmp_path / f"{name}.csv").write_text(content)
        told = run("m", tmp_path / f"{name}.csv")
        assert told.status == 2, name
        assert re.search(says, told.err), (name, told.err)
        assert len(told.err.splitlines()) == 1, name
        assert not (tmp_path / "out").exists(), name
    parquet.write_table(pa.table({"sample": ["a"], "class": [1]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "b.parquet").read_bytes()[:-20])
    assert "must be a whole Parquet file" in run("m", tmp_path / "c.parquet").err


def test_pictures_are_asked_for_where_they_are_made(
    run: Any, tree: Path, hardiness: Any, tmp_path: Path, factory: Any
) -> None:
    file = as_csv(tmp_path / "a.csv", answers(factory(), tree))
    told = hardiness(
        "run", "-m", "m", "-b", BENCHMARK, "--data", "embedded", "--predictions", file, "--out", tmp_path / "x"
    )
    assert told.status == 2
    assert "needs the tree that the pictures lie in: write it with hardiness make corruptions SRC TREE" in told.err
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    (copy / "manifest.json").write_text((copy / "manifest.json").read_text().replace('"seed": 0', '"seed": 7'))
    told = hardiness(
        *("run", "-m", "m", "-b", BENCHMARK, "--data", "embedded", "--data", f"imagenet-c={copy}"),
        *("--predictions", file, "--out", tmp_path / "x"),
    )
    assert told.status == 2
    assert "manifest.json says seed 7, and this run has 0: use the same" in told.err
    shutil.copytree(tree, copy, dirs_exist_ok=True)
    first, second = sorted(copy.rglob("*.png"))[:2]
    first.write_bytes(second.read_bytes())
    told = hardiness(
        *("run", "-m", "m", "-b", BENCHMARK, "--data", "embedded", "--data", f"imagenet-c={copy}"),
        *("--predictions", file, "--out", tmp_path / "x"),
    )
    assert told.status == 2
    assert f"{first} is another picture than {copy / 'manifest.json'} lists" in told.err
    for benchmark in ("imagenet-w", "typographic", "shift-consistency", "ood-unit-tests"):
        told = hardiness("run", "-m", "m", "-b", benchmark, "--data", "embedded", "--predictions", file)
        assert (told.status, "lie in no files; give it the model itself" in told.err) == (2, True), told.err
    assert not (tmp_path / "x").exists()


def test_answers_for_the_tree_of_ones_own_classes(
    hardiness: Any, photographs: list[Path], results: Any, tmp_path: Path
) -> None:
    """The classes are the photographs' folders, and the tree is named as the benchmark is."""
    for number, photograph in enumerate(photographs[:4]):
        file = tmp_path / "pets" / ("cat", "dog")[number % 2] / f"{number}{photograph.suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, file)
    made = hardiness(
        *("make", "corruptions", tmp_path / "pets", tmp_path / "tree"), "--corruptions", "fog", "--severities", "3"
    )
    assert made.status == 0, made.err
    lines = [
        f"{file.parent.name}/{file.stem},{cell},{'2 1' if file.parent.name == 'cat' or cell == 'fog/3' else '1 2'}"
        for cell in ("clean", "fog/3")
        for file in sorted((tmp_path / "tree" / cell).rglob("*.png"))
    ]
    (tmp_path / "a.csv").write_text("\n".join(["sample,condition,logits", *lines, ""]))

    def told(*data: str) -> Any:
        chosen = ("-b", "own-c:corruptions=fog,severities=3", "--data", tmp_path / "pets", *data)
        return hardiness("run", "-m", "served", *chosen, "--predictions", tmp_path / "a.csv", "--out", tmp_path / "out")

    assert "give --data own-c=TREE beside the photographs" in told().err
    assert not (tmp_path / "out").exists()
    evaluated = told("--data", f"own-c={tmp_path / 'tree'}")
    assert (evaluated.status, "between 0 and 1" in evaluated.err) == (0, False)
    (result,) = results(tmp_path / "out")
    found = {(s["metric"], *s["condition"].values()): s["value"] for s in result["scores"]}
    assert found["recall", "dog", "clean"] == 1
    assert found["recall", "dog", "fog"] == 0
    assert found["retained_accuracy", "fog"] == 0.5
    shares = [line.replace("2 1", "0.9 0.2").replace("1 2", "0.2 0.9") for line in lines]
    (tmp_path / "a.csv").write_text("\n".join(["sample,condition,logits", *shares, ""]))
    assert "all lie between 0 and 1; if they are probabilities" in told("--data", f"own-c={tmp_path / 'tree'}").err


def test_rows_are_read_a_few_at_a_time_and_named_by_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 50,000 x 1,000 logits together took 0.9 GB."""
    monkeypatch.setattr(table_files, "ROWS_AT_ONCE", 4)
    found = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    samples = [f"s{k}" for k in range(10)]

    def written(answers_: np.ndarray, last: str = "") -> list[Path]:
        parquet.write_table(pa.table({"sample": samples, "logits": list(answers_)}), tmp_path / "a.parquet")
        lines = [f"{name},{' '.join(map(str, row))}" for name, row in zip(samples, answers_, strict=True)]
        (tmp_path / "a.csv").write_text("\n".join(["sample,logits", *lines[:-1], last or lines[-1], ""]))
        return [tmp_path / "a.parquet", tmp_path / "a.csv"]

    for file in written(found):
        read = read_predictions(str(file)).table
        assert (len(read.values), read.samples) == (10, samples)
        np.testing.assert_array_equal(read.values[np.array([9, 0, 4])], found[[9, 0, 4]])
    broken = found.copy()
    broken[8, 1] = np.nan
    for file in written(broken):
        with pytest.raises(ArgumentError, match=r"the answer for s8 \(row 9\) is NaN"):
            read_predictions(str(file))
    _, lines_ = written(found, "s9,1 2")
    with pytest.raises(ArgumentError, match=r"s9 \(row 10\) has 2 numbers, those before 3"):
        read_predictions(str(lines_))


def test_numbers_are_the_same_in_every_form_of_file(tmp_path: Path) -> None:
    found = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    samples, columns = ["a", "b", "c"], {f"logits_{k}": found[:, k] for k in range(4)}
    lists = {kind: pa.array(found.tolist(), kind) for kind in (pa.list_(pa.float64()), pa.list_(pa.float32(), 4))}
    for number, answers_ in enumerate([columns, *({"logits": each} for each in lists.values())]):
        parquet.write_table(pa.table({"sample": samples, **answers_}), tmp_path / f"{number}.parquet")
    wide = [",".join(["sample", *columns])]
    wide += [f"{sample}," + ",".join(map(str, row)) for sample, row in zip(samples, found, strict=True)]
    (tmp_path / "wide.csv").write_text("\n".join([*wide, ""]))
    rows = (f'{s},"[{", ".join(map(str, r))}]"\n' for s, r in zip(samples, found, strict=True))
    (tmp_path / "one.csv").write_text("sample,logits\n" + "".join(rows))
    for file in tmp_path.iterdir():
        read = read_predictions(str(file)).table
        assert (read.kind, read.samples, read.conditions) == ("logits", samples, [""] * 3), file
        assert isinstance(read.values, NumberRows)
        np.testing.assert_array_equal(read.values[np.arange(3)], found)
    for wrong, says in (
        (pa.array([[1.0, 2.0], None, [1.0, 2.0]]), r"the answer for b .* must be numbers, was None"),
        (pa.array([[1.0, 2.0], [1.0, None], [1.0, 2.0]]), r"the answer for b .* must be numbers"),
        (pa.array([[1.0, 2.0], [1.0], [1.0, 2.0]]), r"b .row 2. has 1 numbers, those before 2"),
        (pa.array([[1.0, 2.0], [1.0, float("nan")], [1.0, 2.0]]), r"the answer for b .* is NaN, infinite or beyond"),
    ):
        parquet.write_table(pa.table({"sample": samples, "logits": wrong}), tmp_path / "wrong.parquet")
        with pytest.raises(ArgumentError, match=says):
            read_predictions(str(tmp_path / "wrong.parquet"))


def test_answers_from_a_file_are_held_against_a_network_that_was_run_here(hardiness: Any, tmp_path: Path) -> None:
    """One's own classes in an order of one's own; the network has a view, of which the file knows nothing."""
    photos = tmp_path / "photos"
    for number in range(40):
        folder = photos / ("cat" if number % 2 else "ant")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 32, 3), 40 + 150 * (number % 2) + number, np.uint8)).save(folder / f"{number}.png")
    (tmp_path / "classes.txt").write_text("cat\nant\n")
    (tmp_path / "net.py").write_text(
        "import torch\n\n\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        bright = x.mean((1, 2, 3))\n"
        "        return torch.stack([bright, -bright], 1)\n"
    )
    data = ("--data", f"own={photos}:classes={tmp_path / 'classes.txt'}", "--quiet", "--device", "cpu")
    view = "resize_px=32,crop_px=32,mean=0.5/0.5/0.5,std=0.25/0.25/0.25"
    given = ("run", "-m", f"m=py:{tmp_path / 'net.py'}:Net:{view}", "-b", "own", *data, "--out", tmp_path / "main")
    told = hardiness(*given)
    assert told.status == 0, told.err
    lines = ["sample,class_name"]
    for file in sorted(photos.rglob("*.png")):
        wrong = file.stem in ("0", "1")
        lines.append(f"{file.parent.name}/{file.stem},{'cat' if (file.parent.name == 'cat') != wrong else 'ant'}")
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    for name in ("m", "m=elsewhere:mean=0.1", "m:weights=new.pth"):
        out = tmp_path / name.replace("=", "_").replace(":", "_")
        told = hardiness("run", "-m", name, "-b", "own", *data, "--predictions", tmp_path / "a.csv", "--out", out)
        assert told.status == 0, told.err
        (tmp_path / "policy.toml").write_text(
            '[[rules]]\nbenchmark = "own"\nmetric = "negative_flips"\nagainst = "main"\nat_most = 0.5\n'
            '[[rules]]\nbenchmark = "own"\nmetric = "top1"\nagainst = "main"\nworse_by_at_most = 0.5\n'
        )
        told = hardiness("gate", out, "--policy", tmp_path / "policy.toml", "--json")
        assert told.status == 0, told.out
        found = json.loads(told.out)["verdicts"]
        assert [(each["model"], each["value"]) for each in found] == [("m", 0.05), ("m", 0.05)]
    swapped = (tmp_path / "policy.toml").read_text().replace('"main"', f'"{out.name}"')
    (tmp_path / "policy.toml").write_text(swapped)
    told = hardiness("gate", tmp_path / "main", "--policy", tmp_path / "policy.toml", "--json")
    assert [each["value"] for each in json.loads(told.out)["verdicts"]] == [0.0, -0.05]
