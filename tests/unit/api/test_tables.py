"""Tables, exports and people from Python, held against what the commands print of the same folder."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answers import stored
from commands import called

import hardiness
from hardiness.api.protocol_noise import NoiseReport
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.tables import table_of
from hardiness.results.noise import SettingEffect
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.store.store import Store

POLICY = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.5\nname = "enough"\n'
STIMULI = ("cat1-dog1", "cat2-oven1", "dog1-cat1", "dog2-oven2", "oven1-cat2", "oven2-dog2")
SHAPES = ("cat", "cat", "dog", "dog", "oven", "oven")
CATEGORIES = {"bicycle": (0,), "cat": (1,), "dog": (2,), "oven": (3,)}


def answer_cues(folder: Path, model: str, named: tuple[str, ...]) -> None:
    """Adds a run of cue conflicts in which a model has named these categories."""
    logits = np.zeros((len(named), 4), np.float32)
    logits[np.arange(len(named)), [CATEGORIES[answer][0] for answer in named]] = 9
    columns = {
        "sample": np.array(STIMULI),
        "condition": np.zeros(len(named), np.int16),
        "frame": np.zeros(len(named), np.int16),
        "label": np.zeros(len(named), np.int32),
        "prediction": logits.argmax(axis=1).astype(np.int32),
        "logits": logits,
    }
    run = Run(
        ModelIdentity(model),
        BenchmarkIdentity("cue-conflict", "cue_conflict", "orhan2019"),
        DataIdentity("cue-conflict", "f", len(STIMULI), 4, CATEGORIES),
    )
    shard = [(stimulus, 0) for stimulus in STIMULI]
    Store.create(folder).run(run, Plan(batch_size=8, whole=(0,))).write(0, shard, Records(columns))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on the same hundred photographs and on six cue conflicts."""
    folder = tmp_path_factory.mktemp("tables") / "out"
    images = np.arange(100)
    stored(folder, "a", images >= 10)
    stored(folder, "b", images >= 40)
    answer_cues(folder, "a", SHAPES)
    answer_cues(folder, "b", ("cat", "oven", "dog", "oven", "cat", "dog"))
    return folder


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints; it ends well."""

    def run(*words: object) -> str:
        assert called(monkeypatch, *map(str, words)) == 0
        return capsys.readouterr().out

    return run


def test_a_table_of_pandas_has_the_columns_of_the_others(out: Path) -> None:
    pandas = pytest.importorskip("pandas")
    results = hardiness.load_results(out)
    frame = results.table("pandas")
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == results.table().column_names


def test_scores_are_rows_with_headlines_and_conditions_by_name(out: Path) -> None:
    results = hardiness.load_results(out)
    rows = results.table().to_pylist()
    by_name = {(row["model"], row["metric"], row["condition"]): row for row in rows}
    top1 = by_name["a", "top1", ""]
    assert (top1["value"], top1["n"], top1["headline"]) == (0.9, 100, True)
    biased = by_name["a", "shape_bias", "geirhos2019, cat"]
    assert (biased["protocol"], biased["category"], biased["headline"]) == ("geirhos2019", "cat", False)
    assert {row["metric"] for row in rows if row["headline"]} >= {"top1", "shape_bias"}
    assert results[0].table().to_pylist() == [
        {name: row[name] for name in results[0].table().column_names} for row in rows if row["run"] == results[0].key
    ]
    with pytest.raises(UnknownNameError, match="form of a table 'panda'; did you mean 'pandas'"):
        results.table("panda")  # type: ignore[arg-type]


def condition_in(row: dict[str, Any]) -> dict[str, Any]:
    """The condition that the columns of a row hold; ``protocol`` is a column of its own beside it."""
    held = {"protocol": row.get("condition_protocol"), "category": row.get("category")}
    return {key: value for key, value in held.items() if value is not None}


def test_differences_are_rows_as_the_command_prints_them(out: Path, printed: Callable[..., str]) -> None:
    compared = hardiness.compare(out)
    rows = compared.table().to_pylist()
    of_command = [
        (each["benchmark"], score["metric"], score["condition"], pair["first"], pair["second"], pair["value"],
         pair["interval"], pair["p"], pair["told_apart"], pair["n"])
        for each in json.loads(printed("compare", out, "--json"))
        for score in each["scores"]
        for pair in score["pairs"]
    ]  # fmt: skip
    assert [
        (row["benchmark"], row["metric"], condition_in(row), row["first"], row["second"],
         None if np.isnan(row["difference"]) else row["difference"],
         None if row["low"] is None else [row["low"], row["high"]], row["p"], row["told_apart"], row["n"])
        for row in rows
    ] == of_command  # fmt: skip
    (top1,) = (row for row in rows if row["metric"] == "top1")
    assert (top1["first_value"], top1["second_value"], top1["headline"]) == (0.9, 0.6, True)
    assert (top1["difference"], top1["told_apart"]) == (pytest.approx(0.3), True)


def test_flips_are_rows_as_the_command_prints_them(out: Path, printed: Callable[..., str]) -> None:
    flips = hardiness.compare(out).flips
    rows = flips.table().to_pylist()
    pairs = [
        (each["benchmark"], pair) for each in json.loads(printed("compare", out, "--json")) for pair in each["flips"]
    ]
    assert len(flips) == len(pairs) >= 1
    overall = [row for row in rows if row["part"] == "overall"]
    assert [(row["benchmark"], row["negative"], row["agreement"], row["n"]) for row in overall] == [
        (
            name,
            pair["overall"]["negative"]["value"],
            pair["overall"]["agreement"]["value"],
            pair["overall"]["agreement"]["n"],
        )
        for name, pair in pairs
    ]
    classes = [row for row in rows if row["part"] == "class"]
    assert len(classes) == sum(len(pair["classes"]) for _, pair in pairs)
    assert "30.0 % were right under a" in repr(flips)


def test_verdicts_are_rows(out: Path) -> None:
    gate = hardiness.gate(out, POLICY)
    first, second = gate.table().to_pylist()
    assert [(row["model"], row["outcome"], row["value"]) for row in (first, second)] == [
        ("a", "pass", 0.9),
        ("b", gate.verdicts[1].outcome, 0.6),
    ]
    interval = gate.verdicts[0].interval
    assert interval is not None
    assert (first["low"], first["high"]) == (interval.low, interval.high)
    assert (first["name"], first["limit"], first["kind"], first["unit"]) == ("enough", 0.5, "at_least", "fraction")
    claims = hardiness.published_claims()
    assert [row["verdict"] for row in claims.table().to_pylist()] == [each.verdict for _, each in claims.claims]


def test_what_a_setting_moves_is_a_row(out: Path) -> None:
    moved = Score("error", 0.01, "fraction", 9, TwoEnds(0.01, 0.0, 0.02), condition=Condition(corruption="fog"))
    effect = SettingEffect("resize", "OpenCV", "error (fog)", 0.2, moved, 2)
    report = NoiseReport("k", "m", "imagenet-c", "imagenet", (effect,))
    (row,) = report.table().to_pylist()
    assert (row["usual"], row["value"], row["low"], row["high"], row["n"], row["otherwise"]) == (
        0.2,
        0.01,
        0,
        0.02,
        9,
        2,
    )
    assert (row["condition"], row["corruption"]) == ("corruption=fog", "fog")


def test_a_key_that_has_the_name_of_a_column_keeps_both() -> None:
    rows = [
        ({"metric": "x", "n": 1}, Condition(metric="of a condition", severity=2)),
        ({"metric": "y", "n": 2}, Condition()),
    ]
    assert table_of(rows).to_pylist() == [
        {"metric": "x", "n": 1, "condition_metric": "of a condition", "severity": 2},
        {"metric": "y", "n": 2, "condition_metric": None, "severity": None},
    ]
    assert table_of([]).num_rows == 0


@pytest.mark.slow
def test_neither_pandas_nor_pyarrow_is_loaded_before_a_table_is_asked_for() -> None:
    code = """
import sys
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Lacking())
from hardiness.report.tables import table_of
import hardiness.report.stored_results, hardiness.api.comparison, hardiness.api.verdicts, hardiness.api.observers
from hardiness.core.condition import Condition
assert "pyarrow" not in sys.modules
rows = [({"n": 1}, Condition())]
assert table_of(rows).num_rows == 1
try:
    table_of(rows, "pandas")
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a table of pandas needs pandas; pip install pandas, or leave the form out\n"


@pytest.mark.parametrize("form", ["csv", "latex", "markdown", "bibtex", "json"])
def test_an_export_is_that_of_the_command(form: str, out: Path, tmp_path: Path, printed: Callable[..., str]) -> None:
    text = hardiness.export(out, form)
    assert text == printed("export", out, "--format", form)
    assert hardiness.export(out, form, to=tmp_path / "file") == text
    assert (tmp_path / "file").read_text("utf-8") == text


def test_a_comparison_as_csv_has_one_number_a_cell(out: Path, printed: Callable[..., str]) -> None:
    """Ends of intervals, p and n stand in columns of their own, and what is undefined is empty."""
    compared = hardiness.compare(out)
    text = printed("compare", out, "--format", "csv")
    assert text == hardiness.export(compared, "csv")
    rows, table = list(csv.DictReader(io.StringIO(text))), compared.table().to_pylist()
    assert len(rows) == len(table)
    for row, expected in zip(rows, table, strict=True):
        assert (row["first"], row["metric"]) == (expected["first"], expected["metric"])
        for name in ("first_value", "second_value", "difference", "low", "high", "p", "detectable", "n"):
            value = expected[name]
            is_empty = value is None or np.isnan(value)
            assert row[name] == "" if is_empty else float(row[name]) == pytest.approx(value), name
    assert {row["told_apart"] for row in rows} == {"true", "false"}
    step = hardiness.compare(out, ladder=["a", "b"])
    steps = list(csv.DictReader(io.StringIO(str(hardiness.export(step, "csv")))))
    assert [(row["first"], row["second"]) for row in steps] == [("a", "b")] * len(step.table())
    (top1,) = (row for row in steps if row["title"] == "top-1")
    assert float(top1["low"]) < float(top1["difference"]) < float(top1["high"])


def test_bibtex_and_binary_forms(out: Path, tmp_path: Path) -> None:
    assert hardiness.bibtex(out) == hardiness.export(out, "bibtex")
    assert "@" in hardiness.bibtex(hardiness.load_results(out))
    content = hardiness.export([out], "parquet", to=tmp_path / "scores.parquet")
    assert isinstance(content, bytes)
    assert (tmp_path / "scores.parquet").read_bytes() == content


def test_what_prints_as_tables_is_exported_as_they_are_by_the_command(out: Path, printed: Callable[..., str]) -> None:
    text = hardiness.export(hardiness.compare(out), "markdown")
    assert text == printed("compare", out, "--format", "markdown")
    claims = hardiness.export(hardiness.published_claims(), "markdown")
    assert claims == printed("show", "--claims", "--published", "--format", "markdown")
    rows = list(csv.reader(io.StringIO(str(hardiness.export(hardiness.gate(out, POLICY), "csv")))))
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("what", "keywords", "says"),
    [
        ([], {}, "export needs the folder of an evaluation, results, a comparison or verdicts, was nothing"),
        (3, {}, "export needs the folder of an evaluation, .* was int"),
        ("OUT", {"form": "cvs"}, "export format 'cvs'; did you mean 'csv'"),
        ("OUT", {"to": "."}, "must be a file, but . is a folder; name a file in it"),
        ("COMPARED", {"form": "json"}, "--format must be one of csv, latex, markdown"),
        ("COMPARED", {"baseline": "a"}, "baseline= goes with the folder of an evaluation"),
    ],
)
def test_what_cannot_be_exported_is_refused(what: Any, keywords: dict[str, Any], says: str, out: Path) -> None:
    what = {"OUT": out, "COMPARED": hardiness.compare(out)}.get(what, what) if isinstance(what, str) else what
    with pytest.raises(ArgumentError, match=says):
        hardiness.export(what, keywords.pop("form", "csv"), **keywords)


def people_in(folder: Path) -> Path:
    """Writes the answers of two people."""
    folder.mkdir()
    heads = "subj,session,trial,rt,object_response,category,condition,imagename"
    for number, answers in enumerate(
        (("cat", "cat", "dog", "oven", "oven", "na"), ("cat", "dog", "dog", "dog", "oven", "oven"))
    ):
        lines = [
            f"subject-0{number},1,{trial},0.5,{answer},{stimulus[:3]},0,0001_cue_s01_0_x_00_{stimulus}.png"
            for trial, (answer, stimulus) in enumerate(zip(answers, STIMULI, strict=True))
        ]
        (folder / f"{number}.csv").write_text("\n".join([heads, *lines]) + "\n")
    return folder


def test_people_stand_beside_models_as_the_command_shows_them(
    out: Path, tmp_path: Path, printed: Callable[..., str]
) -> None:
    folder = people_in(tmp_path / "people")
    report = hardiness.people(out, folder)
    of_command = json.loads(printed("show", "--people", out, "--humans", folder, "--json"))
    rows = report.table().to_pylist()
    kappas = [(row["first"], row["second"], row["value"], row["n"]) for row in rows if row["measure"] == "kappa"]
    assert kappas == [
        (each["first"], each["second"], each["kappa"]["value"], each["kappa"]["n"])
        for each in of_command["consistency"]
    ]
    assert "mean of 2 people" in repr(report)
    assert report.hidden == sum(row["detail"] for row in rows if row["measure"] == "kappa") == 4
    stored(tmp_path / "other", "a", np.ones(3, bool))
    with pytest.raises(ArgumentError, match="holds no run of cue-conflict or model-vs-human, on which people"):
        hardiness.people(tmp_path / "other")


def test_results_in_place_of_their_folder_are_refused_with_what_to_give(network: Any, view: Any, root: Path) -> None:
    result = hardiness.evaluate(network(), "imagenet-val", str(root), view=view, limit=1, progress=False)
    policy = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "headline"\nat_least = 0\n'
    for ask in (hardiness.compare, lambda out: hardiness.gate(out, policy)):
        with pytest.raises(ArgumentError, match=r"out must be the folder or address .*, was TabledResult"):
            ask(result)
