"""Columns of pictures through the command line and Python: read, stored, given later, and named in what is printed."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from told import warnings_of

from hardiness import compare, evaluate, export, gate, load_results, write_report
from hardiness.core.errors import ArgumentError
from hardiness.report.loggers.tracking import numbers_of
from hardiness.store.store import Store

pytestmark = pytest.mark.slow

PICTURES = 60
SECRET = "Q7-secret-"
"""The beginning of each patient's name, which stands in no output."""


class Hospital:
    """Pictures of patients at two sites, with answers of two models that were run elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "photos").mkdir(parents=True)
        draws = np.random.default_rng(0)
        self.rows = [
            {
                "path": f"photos/scan{k:03d}.png",
                "label": "ill" if k % 2 else "well",
                "patient": f"{SECRET}{k // 4}",
                "site": "north" if k < 40 else "south",
                "age": str(20 + k),
            }
            for k in range(PICTURES)
        ]
        for row in self.rows:
            Image.new("RGB", (8, 8), tuple(draws.integers(0, 256, 3).tolist())).save(folder / row["path"])
        self.table("labels.csv", "path", "label", "patient", "site", "age")
        self.table("plain.csv", "path", "label")
        self.table("columns.csv", "path", "patient", "site", "age")
        for model, share in (("first", 0.7), ("second", 0.8)):
            right = draws.random(PICTURES) < share
            self.answers(f"{model}.csv", right)

    def table(self, name: str, *columns: str, rows: Any = None) -> Path:
        file = self.folder / name
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(self.rows if rows is None else rows)
        return file

    def answers(self, name: str, right: np.ndarray, **more: list[str]) -> Path:
        other = {"ill": "well", "well": "ill"}
        rows = [
            {"sample": f"{row['label']}/{row['path']}", "class_name": row["label"] if good else other[row["label"]]}
            | {column: values[k] for column, values in more.items()}
            for k, (row, good) in enumerate(zip(self.rows, right, strict=True))
        ]
        return self.table(name, "sample", "class_name", *more, rows=rows)

    def data(self, labels: str = "labels.csv") -> str:
        return f"own={self.folder}:labels={self.folder / labels}"

    def run(self, out: Path, *more: str | Path, model: str = "first", labels: str = "labels.csv") -> list[str | Path]:
        answers = ["--predictions", self.folder / f"{model}.csv"]
        return ["run", "-m", model, "-b", "own", "--data", self.data(labels), *answers, "--out", out, *more]


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path / "hospital")


def stored_files(out: Path) -> list[Path]:
    return sorted(out.glob("records/*/columns/*"))


def result_of(told: Any) -> dict[str, Any]:
    (result,) = json.loads(told.out) if told.out.lstrip().startswith("[") else [json.loads(told.out)]
    return result


def test_a_csv_of_labels_has_columns_and_the_key_of_one_without(
    hospital: Hospital, hardiness: Any, results: Any, tmp_path: Path
) -> None:
    assert hardiness(*hospital.run(tmp_path / "with")).status == 0
    assert hardiness(*hospital.run(tmp_path / "without", labels="plain.csv")).status == 0
    ((with_columns,), (without,)) = results(tmp_path / "with"), results(tmp_path / "without")
    assert with_columns["run"]["key"] == without["run"]["key"]
    assert len(stored_files(tmp_path / "with")) == 1
    assert stored_files(tmp_path / "without") == []
    told = hardiness("show", tmp_path / "with", "--cluster", "patient", "--slice", "site", "--json")
    assert told.status == 0, told.err
    result = result_of(told)
    assert result["clusters"] == {"column": "patient", "clusters": 15, "pictures": 60, "sources": []}
    digest = hashlib.sha256((hospital.folder / "labels.csv").read_bytes()).hexdigest()
    assert result["columns"] == [{"name": "labels.csv", "sha256": digest}]
    assert {each["value"]: each["score"]["n"] for each in result["slices"][0]["slices"]} == {"north": 40, "south": 20}


def test_columns_may_come_later_by_path_or_file_name_and_count_like_those_of_the_data(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    hardiness(*hospital.run(out, labels="plain.csv"))
    assert (
        hardiness("show", out, "--cluster", "patient")
        .err.strip()
        .endswith(
            "the pictures have no columns, and so none that is called 'patient': name a table that has it, as in "
            "--columns FILE.csv"
        )
    )
    files = [{**row, "name": Path(row["path"]).name, "id": row["path"].removesuffix(".png")} for row in hospital.rows]
    by_name = hospital.table("names.csv", "name", "patient", rows=files)
    by_id = hospital.table("ids.csv", "id", "patient", rows=files)
    other = hospital.table("other.csv", "patient", "path", rows=files)
    frame = pd.DataFrame(files)[["path", "patient"]]
    frame.to_parquet(tmp_path / "columns.parquet")
    intervals = set()
    for table in (by_name, by_id, hospital.folder / "columns.csv", tmp_path / "columns.parquet", f"{other}:path=path"):
        told = hardiness("show", out, "--columns", table, "--cluster", "patient", "--json")
        assert told.status == 0, told.err
        intervals.add(tuple(result_of(told)["scores"][0]["interval"]))
    for given in (frame, frame.to_dict("list"), {row["path"]: {"patient": row["patient"]} for row in files}):
        (result,) = load_results(out, columns=given, cluster="patient")
        intervals.add((result.scores[0].interval.low, result.scores[0].interval.high))
        assert result.columns[0].name == "Python"
    assert len(intervals) == 1
    assert not stored_files(out), "reading stores nothing"


def test_run_stores_what_is_given_beside_its_rows_and_a_second_session_adds_to_it(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    out, again = tmp_path / "out", [*hospital.run(tmp_path / "out", labels="plain.csv"), "--quiet"]
    sites = hospital.table("sites.csv", "path", "site")
    ages = hospital.table("ages.csv", "path", "age", rows=hospital.rows[:50])
    for table in (sites, sites, ages):
        assert hardiness(*again, "--columns", table).status == 0
    assert len(stored_files(out)) == 2, "what is stored already is not stored again"
    columns = Store.open(out).runs()[0].picture_columns()
    assert sorted(columns.values) == ["age", "site"]
    assert columns.values["age"].tolist().count(None) == 10
    assert [source.name for source in columns.sources] == ["sites.csv", "ages.csv"]
    assert hardiness("show", out, "--slice", "site", "--slice", "age:-40,40-").status == 0
    moved = [{**row, "site": "west"} if k < 3 else row for k, row in enumerate(hospital.rows)]
    hardiness(*again, "--columns", hospital.table("moved.csv", "path", "site", rows=moved))
    told = hardiness("show", out, "--slice", "site")
    line = (
        "moved.csv: site of 3 pictures (well/photos/scan000, well/photos/scan002, ill/photos/scan001) is another than"
    )
    assert "moved.csv: site of 3 pictures (" in " ".join(told.out.split()), line
    assert "is another than an earlier session stored: the later one counts" in " ".join(told.out.split())
    assert (
        Store.open(out).runs()[0].picture_columns().at(np.array(["well/photos/scan000"], object)).values["site"]
        == "west"
    )


def test_a_damaged_file_of_columns_is_a_line_and_the_rest_is_shown(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    hardiness(*hospital.run(out))
    (file,) = stored_files(out)
    file.write_bytes(file.read_bytes()[:-9])
    told = hardiness("show", out, "--columns", hospital.folder / "columns.csv", "--slice", "site")
    assert told.status == 0
    assert f"{file.name}isnotwhatwaswritten" in "".join(told.out.split()), "lines may break anywhere"
    assert hardiness(*hospital.run(out), "--quiet").status == 0
    assert len(stored_files(out)) == 2, "the next run stores them again"
    assert len(Store.open(out).runs()[0].picture_columns()) == PICTURES


def test_what_does_not_fit_is_a_line_each_with_counts(hospital: Hospital, hardiness: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hardiness(*hospital.run(out, labels="plain.csv"))
    rows = [*hospital.rows[:50], {**hospital.rows[3], "path": "./" + hospital.rows[3]["path"]}]
    rows += [{"path": "Elsewhere.PNG", "site": "north"}]
    rows[7] = {**rows[7], "site": ""}
    table = hospital.table("odd.csv", "path", "site", rows=rows)
    told = hardiness("show", out, "--columns", table, "--slice", "site")
    text = " ".join(told.out.split())
    assert told.status == 0, told.err
    for line in (
        "odd.csv: 1 picture has several lines (photos/scan003.png …), which agree",
        "odd.csv: 1 line of 51 is of no picture here (Elsewhere.PNG)",
        "odd.csv: 10 pictures of 60 have no line (",
        "odd.csv: of 50 pictures with a line 1 has no site (empty cells)",
    ):
        assert line in text, line
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nbenchmark = "own"\nmetric = "headline"\nat_least = 0.1\n')
    judged = hardiness("gate", out, "--policy", policy, "--columns", table)
    assert "odd.csv: 10 pictures of 60 have no line (" in " ".join(judged.out.split())
    exported = hardiness("export", out, "--format", "csv", "--columns", table)
    assert "odd.csv: 10 pictures of 60 have no line (" in exported.err
    assert "odd.csv" not in exported.out
    run = hardiness(*hospital.run(tmp_path / "again", labels="plain.csv"), "--columns", table, "--quiet")
    assert run.status == 0
    plain = hardiness(*hospital.run(tmp_path / "third", labels="plain.csv"), "--columns", table)
    assert " ".join(f"{plain.out} {plain.err}".split()).count("odd.csv: 10 pictures of 60 have no line (") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--cluster", "patien"],
            "no column of the pictures is called 'patien'; did you mean 'patient'? known: age, patient",
        ),
        (["--slice", "patient", "--cluster", "patient"], "patient says which pictures belong together"),
        (
            ["--slice", "age"],
            "slice age: must have at most 50 values, has 60; put its numbers into ranges, as in age:-",
        ),
        (["--columns", "none.csv"], "columns none.csv: must be a csv or Parquet file, and cannot be read"),
        (["--slice", "age:0-"], ""),
    ],
)
def test_a_wrong_name_is_one_line_for_every_command(
    hospital: Hospital, hardiness: Any, tmp_path: Path, options: list[str], message: str
) -> None:
    out = tmp_path / "out"
    for model in ("first", "second"):
        hardiness(*hospital.run(out, "--quiet", model=model))
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nbenchmark = "own"\nmetric = "headline"\nat_least = 0.1\n')
    commands: list[list[Any]] = [
        ["show", out],
        ["compare", out],
        ["export", out, "--format", "csv"],
        ["report", out, "--to", tmp_path / "page.html"],
        ["gate", out, "--policy", policy],
        hospital.run(tmp_path / "new", "--quiet"),
    ]
    for command in commands:
        told = hardiness(*command, *options)
        if message:
            assert told.status == 2, command
            assert [line for line in told.lines if message in line] == told.lines[-1:], (command, told.err)
            assert SECRET not in told.out + told.err
        else:
            assert told.status == 0, (command, told.err)
    assert (tmp_path / "new").exists() == (not message), "nothing was evaluated where a name is wrong"


def test_values_of_clusters_stand_in_no_output(hospital: Hospital, hardiness: Any, tmp_path: Path) -> None:
    out, policy = tmp_path / "out", tmp_path / "policy.toml"
    policy.write_text(
        '[[rules]]\nbenchmark = "own"\nmetric = "headline"\nat_least = 0.99\n'
        '[[rules]]\nbenchmark = "own"\nmetric = "worst_class"\nat_least = 0.1\n'
    )
    asked = ("--cluster", "patient", "--slice", "site")
    texts = []
    for model in ("first", "second"):
        told = hardiness(*hospital.run(out, *asked, model=model))
        assert told.status == 0, told.err
        texts.append(told)
    texts += [
        hardiness("show", out, "--all", *asked),
        hardiness("show", out, "--json", *asked),
        hardiness("show", out, *asked, "--columns", hospital.folder / "columns.csv"),
        hardiness("compare", out, "--all", *asked),
        hardiness("compare", out, "--json", *asked),
        hardiness("report", out, *asked),
        hardiness("gate", out, "--policy", policy, "--junit", out / "gate.xml", "--comment", out / "c.md", *asked),
        hardiness("gate", out, "--policy", policy, "--json", "--summary", out / "s.md", "--annotations", *asked),
        hardiness(*hospital.run(out, *asked, "--json")),
        hardiness("data", "check", "own", "--data", hospital.data(), "--cluster", "patient"),
        hardiness("list", "runs", out),
        *(hardiness("export", out, "--format", form, *asked) for form in ("csv", "json", "latex", "markdown")),
        hardiness("export", out, "--format", "parquet", "--to", out / "results.parquet", *asked),
    ]
    assert all(SECRET not in told.out + told.err for told in texts)
    stored = [path for path in out.rglob("*") if path.is_file()]
    named = [path for path in stored if SECRET.encode() in path.read_bytes()]
    kept = set(stored_files(out))
    assert kept, "the columns themselves are stored beside the rows"
    assert set(named) <= kept
    assert SECRET not in str(parquet.read_table(out / "results.parquet").to_pylist())
    assert {path.name for path in stored} >= {"results.json", "report.html", "gate.json", "gate.xml", "c.md"}
    for value in (
        load_results(out, cluster="patient"),
        compare(out, cluster="patient", slices="site"),
        gate(out, policy, cluster="patient"),
    ):
        assert SECRET not in repr(value) + str(value.table().to_pylist())
    logged = [numbers_of(result) for result in load_results(out, cluster="patient", slices="site")]
    assert "own/hospital/top1/site.north" in logged[0]
    assert SECRET not in str(logged)
    assert SECRET not in str(export(out, "csv", cluster="patient", slices=["site"]))
    page = Path(write_report(out, cluster="patient", slices="site", to=tmp_path / "page.html"))
    assert SECRET not in page.read_text()


def test_values_of_clusters_stand_in_no_message_about_them(hospital: Hospital, hardiness: Any, tmp_path: Path) -> None:
    """Nor do they where two tables, or two folders, say different things of a patient, or a line is of no picture."""
    moved = [{**row, "patient": f"{SECRET}other" if k < 2 else row["patient"]} for k, row in enumerate(hospital.rows)]
    other = hospital.table("moved.csv", "path", "patient", rows=[*moved, {"path": "no.png", "patient": f"{SECRET}x"}])
    new, old, policy = tmp_path / "new", tmp_path / "old", tmp_path / "policy.toml"
    told = [hardiness(*hospital.run(new)), hardiness(*hospital.run(old, "--columns", other))]
    policy.write_text(
        f'[[rules]]\nbenchmark = "own"\nmetric = "top1"\nworse_by_at_most = 0.5\nagainst = "{old}"\n'
        f'[[rules]]\nbenchmark = "own"\nmetric = "top1"\nat_least = 0.1\nwhere = {{ slice = {{ patient = "x" }} }}\n'
    )
    told += [
        hardiness("show", new, "--columns", hospital.folder / "columns.csv", "--columns", other),
        hardiness("show", new, "--columns", other, "--cluster", "patient"),
        hardiness("compare", new, old, "--cluster", "patient"),
        hardiness("gate", new, "--policy", policy, "--cluster", "patient"),
    ]
    policy.write_text(policy.read_text().partition("\n[[")[0])
    told.append(hardiness("gate", new, "--policy", policy, "--cluster", "patient"))
    assert [each.status for each in told] == [0, 0, 2, 0, 2, 2, 1]
    for each in told:
        assert SECRET not in each.out + each.err
    assert "say different things of patient of 2 pictures" in told[2].err
    assert "is another than" in " ".join(told[3].out.split())


def test_data_check_describes_columns_and_shows_no_value_of_many(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    told = hardiness("data", "check", "own", "--data", hospital.data(), "--json")
    (report,) = json.loads(told.out)
    by_name = {column["name"]: column for column in report["columns"]}
    seen = {name: (each["kind"], each["values"], each["counts"], each["range"]) for name, each in by_name.items()}
    assert {each["missing"] for each in report["columns"]} == {0}
    assert seen == {
        "site": ("text", 2, {"north": 40, "south": 20}, None),
        "age": ("whole numbers", 60, {}, [20, 79]),
        "patient": ("text", 15, {}, None),
    }
    text = hardiness("data", "check", "own", "--data", hospital.data()).out
    assert "site" in text
    assert "north 40, south 20" in text
    table = hospital.table("sites.csv", "path", "site", rows=hospital.rows[:55])
    told = hardiness("data", "check", "own", "--data", hospital.data("plain.csv"), "--columns", f"{table}:ort=site")
    assert "sites.csv: 5 pictures of 60 have no line" in " ".join(told.out.split())
    assert "north 40, south 15" in told.out


def test_the_plan_says_which_columns_were_read(
    hospital: Hospital, hardiness: Any, factory: Any, tmp_path: Path
) -> None:
    command = [
        "run",
        "-m",
        factory(classes=2),
        "-b",
        "own",
        "--data",
        hospital.data(),
        "--out",
        tmp_path / "out",
        "--plan",
    ]
    told = hardiness(*command, "--device", "cpu")
    assert told.status == 0, told.err
    assert "hospital: columns of its pictures: patient, site, age (labels.csv)" in told.err


def test_columns_of_a_csv_without_names_or_with_one_twice_are_told(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    lines = (hospital.folder / "labels.csv").read_text().splitlines()[1:]
    (hospital.folder / "headless.csv").write_text("\n".join(lines) + "\n")
    told = hardiness(*hospital.run(tmp_path / "a", labels="headless.csv"))
    assert told.status == 0, told.err
    line = (
        "headless.csv: what stands behind path and label has no name and counts for nothing; add a first line such as"
    )
    assert line in told.err
    twice = ["path,label,site,site,age", *(",".join((*line.split(",")[:2], "x", "y", "3")) for line in lines)]
    (hospital.folder / "twice.csv").write_text("\n".join(twice) + "\n")
    told = hardiness(*hospital.run(tmp_path / "b", labels="twice.csv"))
    assert "twice.csv: has 2 columns called site, which are left out; rename them" in told.err
    assert Store.open(tmp_path / "b").runs()[0].picture_columns().values.keys() == {"age"}


def test_further_columns_of_predictions_are_columns_of_the_pictures(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    right = np.arange(PICTURES) % 3 > 0
    hospital.answers(
        "third.csv", right, device=["a" if k % 2 else "b" for k in range(PICTURES)], dose=["1.5"] * PICTURES
    )
    told = hardiness(*hospital.run(tmp_path / "out", "--slice", "device", model="third", labels="plain.csv"))
    assert told.status == 0, told.err
    columns = Store.open(tmp_path / "out").runs()[0].picture_columns()
    assert sorted(columns.values) == ["device", "dose"]
    assert set(columns.values["dose"]) == {"1.5"}
    assert [source.name for source in columns.sources] == ["third.csv"]
    frame = pd.read_csv(hospital.folder / "third.csv")
    result = evaluate(
        "third", "own", hospital.data("plain.csv"), predictions=frame, slices="device", out=tmp_path / "frame"
    )
    assert {each.value: each.score.n for each in result.slices[0].slices} == {"a": 30, "b": 30}


def test_parquet_of_pictures_has_columns_beside_them(hardiness: Any, factory: Any, tmp_path: Path) -> None:
    def picture(value: int) -> dict[str, Any]:
        file = tmp_path / "one.png"
        Image.new("RGB", (8, 8), (value, value, value)).save(file)
        return {"bytes": file.read_bytes(), "path": f"{value}.png"}

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array([picture(10 * k) for k in range(20)], kind),
            "label": ["a", "b"] * 10,
            "lamp": ["x", None] * 10,
            "lux": list(range(20)),
            "tags": [["t"]] * 20,
        }
    )
    (tmp_path / "data").mkdir()
    parquet.write_table(table.slice(0, 12), tmp_path / "data" / "test-0.parquet")
    parquet.write_table(table.slice(12), tmp_path / "data" / "test-1.parquet")
    evaluate(factory(classes=2), "own", f"own={tmp_path / 'data'}", out=tmp_path / "out", device="cpu", progress=False)
    columns = Store.open(tmp_path / "out").runs()[0].picture_columns()
    assert list(columns.values) == ["lamp", "lux"]
    at = np.flatnonzero(columns.ids == "b/test-1/190")
    assert columns.values["lux"][at] == "19"
    assert columns.values["lamp"].tolist().count(None) == 10


def test_arrays_of_python_have_columns_in_their_order(factory: Any, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)
    labels = ["a", "b"] * 20
    sites = ["north"] * 25 + ["south"] * 15

    def accuracy(images: np.ndarray) -> np.ndarray:
        mean = images.reshape(len(images), -1).mean(1)
        return np.stack([mean, 255 - mean], 1)

    from hardiness import View

    given = {"view": View(8, 8, "bilinear"), "name": "mean", "progress": False}
    result = evaluate(
        accuracy, "own", (images, labels), **given, columns={"site": sites}, slices="site", out=tmp_path / "o"
    )
    (score,) = [score for score in result.slices if score.metric == "top1"]
    assert {each.value: each.score.n for each in score.slices} == {"north": 25, "south": 15}
    with pytest.raises(ArgumentError, match="no column of the pictures is called 'sit'; did you mean 'site'"):
        evaluate(accuracy, "own", (images, labels), **given, columns={"site": sites}, cluster="sit")


BRIGHTNESS = """
import numpy as np

def brightness(images):
    mean = images.reshape(len(images), -1).mean(1) / 255
    return np.stack([mean - 0.5, 0.5 - mean], 1) * 8
"""


def test_pictures_of_other_things_stand_alone_beside_those_that_have_columns(
    hospital: Hospital, hardiness: Any, tmp_path: Path
) -> None:
    (tmp_path / "function.py").write_text(BRIGHTNESS)
    (tmp_path / "outside").mkdir()
    for number in range(30):
        Image.new("RGB", (8, 8), (8 * number,) * 3).save(tmp_path / "outside" / f"{number}.png")
    model = f"py:{tmp_path / 'function.py'}:brightness:resize_px=8,crop_px=8"
    data = ("--data", hospital.data(), "--data", f"outside={tmp_path / 'outside'}")
    told = hardiness("run", "-m", model, "-b", "ood", *data, "--out", tmp_path / "out", "--device", "cpu", "--quiet")
    assert told.status == 0, told.err
    shown = json.loads(hardiness("show", tmp_path / "out", "--cluster", "patient", "--json").out)
    (result,) = [result for result in shown if result["benchmark"] == "ood"]
    assert (result["clusters"]["clusters"], result["clusters"]["pictures"]) == (15 + 30, PICTURES + 30)
    assert "30 of 90 pictures have no patient: each stands alone" in warnings_of(result)
