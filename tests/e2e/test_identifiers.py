"""Identifiers that look like numbers, through the command line: each stays a cluster, a slice, a verdict of its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hardiness import evaluate, load_results

CAMERAS = ("1.1", "1.10", "1.2", "1.20")
EACH = 60
"""Pictures of each camera."""

PATIENTS = 40
WRONG = {"1.1": 1, "1.10": 40, "1.2": 1, "1.20": 0}
"""How many pictures of each camera are answered wrongly."""

IDENTIFIERS: dict[str, Callable[[int], str]] = {
    "19 digits": lambda patient: str(2 * 10**18 + patient),
    "17 digits": lambda patient: str(10**17 + patient),
    "decimals": lambda patient: f"12.{patient + 1}",
    "zeros": lambda patient: f"{patient % 20:0{3 + patient // 20}d}",
    "signs": lambda patient: f"{'+' * (patient % 2)}{patient // 2 + 1}",
    "exponents": lambda patient: f"1e{patient // 2}" if patient % 2 else str(10 ** (patient // 2)),
}


def write(file: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])
    return file


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 240 pictures of four cameras and 40 patients, whose columns are a table beside it."""
    folder = tmp_path_factory.mktemp("identifiers")
    pictures = [(f"p{k:03d}", CAMERAS[k // EACH], k % PATIENTS) for k in range(EACH * len(CAMERAS))]
    rows = [(name, int(k % EACH >= WRONG[camera]), camera) for k, (name, camera, _) in enumerate(pictures)]
    write(folder / "scores.csv", ("sample", "score", "camera"), rows)
    for kind, name_of in IDENTIFIERS.items():
        patients = [(name, name_of(patient)) for name, _, patient in pictures]
        write(folder / f"{kind}.csv", ("path", "patient"), patients)
        write(folder / f"{kind} with a gap.csv", ("path", "patient"), [*patients[:-1], (patients[-1][0], "")])
    evaluate("model", "file:cameras", predictions=str(folder / "scores.csv"), out=folder / "out")
    return folder / "out"


@pytest.mark.parametrize("gap", [False, True], ids=["all there", "one empty"])
@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_each_patient_is_one_cluster(kind: str, gap: bool, out: Path, hardiness: Any) -> None:
    table = out.parent / f"{kind}{' with a gap' * gap}.csv"
    told = hardiness("show", out, "--columns", table, "--cluster", "patient", "--all")
    assert told.status == 0, told.err
    assert f"240 in {PATIENTS + gap} clusters" in " ".join(told.out.split())


def test_each_camera_is_one_slice(out: Path, results: Any, hardiness: Any) -> None:
    told = hardiness("show", out, "--slice", "camera")
    rows = [[cell.strip() for cell in line.split("│")] for line in told.out.splitlines() if line.count("│") > 3]
    assert {row[1]: row[2] for row in rows if row[1] in CAMERAS} == dict.fromkeys(CAMERAS, str(EACH))
    result = load_results(out, slices="camera")[0]
    (score,) = (each for each in result.slices if each.metric == "mean_score")
    assert {each.value: each.score.value for each in score.slices} == {
        camera: pytest.approx(1 - WRONG[camera] / EACH) for camera in CAMERAS
    }


GATE = '[[rules]]\nbenchmark = "file:cameras"\nmetric = "mean_score"\nat_least = "50 %"\n'


def verdicts(out: Path, hardiness: Any, tmp_path: Path, rule: str) -> tuple[int, dict[str, tuple[str, int]]]:
    (tmp_path / "policy.toml").write_text(GATE + rule)
    told = hardiness("gate", out, "--policy", tmp_path / "policy.toml", "--json")
    assert told.out, told.err
    found = json.loads(told.out)["verdicts"]
    return told.status, {each["rule"]["slice"]["camera"]: (each["outcome"], each["n"]) for each in found}


def test_a_gate_judges_each_camera_by_itself(out: Path, hardiness: Any, tmp_path: Path) -> None:
    status, judged = verdicts(out, hardiness, tmp_path, 'each = "camera"')
    assert status != 0, "camera 1.10 is right on a third of its pictures"
    assert judged.pop("1.10") in (("cannot tell", EACH), ("fail", EACH))
    assert judged == dict.fromkeys(("1.1", "1.2", "1.20"), ("pass", EACH))
    for camera in CAMERAS:
        _, judged = verdicts(out, hardiness, tmp_path, f'where = {{ slice = {{ camera = "{camera}" }} }}')
        assert judged[camera][1] == EACH
        assert (judged[camera][0] == "pass") == (camera != "1.10")


def test_a_decimal_number_of_a_policy_names_no_camera(out: Path, hardiness: Any, tmp_path: Path) -> None:
    """TOML reads 1.10 as 1.1, which is another camera."""
    (tmp_path / "policy.toml").write_text(GATE + "where = { slice = { camera = 1.10 } }")
    told = hardiness("gate", out, "--policy", tmp_path / "policy.toml")
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert "must be a table of columns and values in quotes" in told.err


def test_conditions_that_look_like_numbers_are_named_by_their_texts(tmp_path: Path, hardiness: Any) -> None:
    rows = [(f"{k}", "fog", level, share) for k in range(40) for level, share in (("1.1", 0.2), ("1.10", 0.9))]
    file = write(tmp_path / "a.csv", ("sample", "corruption", "severity", "score"), rows)
    told = hardiness("run", "-m", "m", "-b", "file:levels", "--predictions", file, "--out", tmp_path / "out")
    assert told.status == 0, told.err
    (result,) = load_results(tmp_path / "out")
    assert {cell["severity"]: result.score("score", **cell).value for cell in result.run.conditions} == {
        "1.1": pytest.approx(0.2),
        "1.10": pytest.approx(0.9),
    }
    rule = '[[rules]]\nbenchmark = "file:levels"\nmetric = "score"\nat_least = "50 %"\nwhere = {{ severity = {} }}'
    for severity, status, says in (('"1.10"', 0, ""), ('"1.1"', 3, ""), ("1.10", 2, "write a text in quotes")):
        (tmp_path / "policy.toml").write_text(rule.format(severity))
        told = hardiness("gate", tmp_path / "out", "--policy", tmp_path / "policy.toml")
        assert (told.status, says in told.err) == (status, True), (told.out, told.err)


@pytest.mark.parametrize("column", ["sample", "severity"])
def test_score_files_have_as_many_samples_and_conditions_as_texts(column: str, tmp_path: Path, hardiness: Any) -> None:
    for kind, name_of in IDENTIFIERS.items():
        rows = [("a", "fog", 1, 0.5) for _ in range(PATIENTS)]
        place = ("sample", "corruption", "severity").index(column)
        rows = [(*row[:place], name_of(k), *row[place + 1 :]) for k, row in enumerate(rows)]
        file = write(tmp_path / "a.csv", ("sample", "corruption", "severity", "score"), rows)
        told = hardiness("run", "-m", "m", "-b", "file:x", "--predictions", file, "--out", tmp_path / kind)
        assert told.status == 0, told.err
        (result,) = load_results(tmp_path / kind)
        counts = (result.run.data.samples, len(result.run.conditions))
        assert counts == ((PATIENTS, 1) if column == "sample" else (1, PATIENTS)), kind


def test_whole_numbers_of_pandas_with_a_missing_one_are_read(out: Path) -> None:
    ids = [10**17 + k % PATIENTS for k in range(240)]
    patients = pd.Series([*ids[:-1], pd.NA], dtype="Int64")
    frame = pd.DataFrame({"path": [f"p{k:03d}" for k in range(240)], "patient": patients})
    frame.to_csv(out.parent / "pandas.csv", index=False)
    frame.to_parquet(out.parent / "pandas.parquet")
    mapping = {f"p{k:03d}": {"patient": identifier if k else None} for k, identifier in enumerate(ids)}
    tables = (frame, str(out.parent / "pandas.csv"), str(out.parent / "pandas.parquet"), mapping)
    for table in tables:
        (result,) = load_results(out, columns=table, cluster="patient")
        (score,) = (each for each in result.scores if each.metric == "mean_score")
        assert score.clusters == PATIENTS + 1
