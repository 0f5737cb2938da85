"""The line that says that pictures of one patient are answered alike, in results and where the command prints them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from hardiness.cli.output import wide
from hardiness.cli.show import print_tables
from hardiness.core.columns import NO_GROUPING, Columns, ColumnSource, Grouping, text_cells
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.words import line as said
from hardiness.results import dependence
from hardiness.results.comparison import compare_runs
from hardiness.results.folder import Folder
from hardiness.results.gate import judge
from hardiness.results.policy import parse_policy
from hardiness.statistics.dependence import Dependence
from hardiness.store.store import Store

PATIENTS, FRAMES = 41, 10
N = PATIENTS * FRAMES
CLASSES = ("ill", "well")


def stored(out: Path, name: str, classes: tuple[str, ...] = CLASSES, model: str = "m") -> Store:
    """A run of two classes in which a third of the patients are answered at random.

    Args:
        out: its folder.
        name: of each picture, by its patient and its place.
        classes: names of one's own; none of a published set.
        model: its name.
    """
    generator = np.random.default_rng(1)
    patient, label = np.repeat(np.arange(PATIENTS), FRAMES), np.tile(np.arange(2), N // 2).astype(np.int32)
    rate = np.where(patient % 3 == 0, 0.4, 0.95)
    prediction = np.where(generator.random(N) < rate, label, 1 - label).astype(np.int32)
    rows = Records(
        {
            "sample": np.array(
                [f"{CLASSES[c]}/{name.format(p=p, k=k)}" for k, (p, c) in enumerate(zip(patient, label, strict=True))]
            ),
            "condition": np.zeros(N, np.int16),
            "frame": np.zeros(N, np.int16),
            "label": label,
            "prediction": prediction,
            "top5_class": np.stack([prediction] * 5, axis=1).astype(np.int16),
            "confidence": generator.random(N).astype(np.float32),
        }
    )
    identity = DataIdentity("photos", "f", N, num_classes=2, classes=classes)
    run = Run(ModelIdentity(model, model), BenchmarkIdentity("own", "classification", "p"), identity)
    store = Store.create(out)
    store.run(run, Plan()).write(0, [(sample, 0) for sample in rows["sample"].tolist()], rows)
    return store


def alike_lines(store: Store, grouping: Grouping = NO_GROUPING) -> list[str]:
    (result,) = Folder.open(store, grouping=grouping).results
    return [line for line in map(said, result.warnings) if "alike" in line]


def columns_of(ids: list[str], name: str, values: list[object]) -> Columns:
    order = np.argsort(np.array(ids, object))
    column = text_cells(values, name)[order]
    return Columns(np.array(sorted(ids), object), {name: column}, (ColumnSource("Python", "0" * 64),))


def test_names_that_differ_in_a_counter_are_told_and_the_stem_can_be_the_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = stored(tmp_path, "patient{p:03d}_frame{k:03d}")
    (line,) = alike_lines(store)
    assert line.startswith("pictures whose file names differ in their last number alone are answered alike (41 stems, ")
    assert line.endswith(" times too narrow; --cluster stem")
    assert 1.5 < float(line.partition("intervals are ")[2].split()[0]) < 3
    print_tables(Folder.open(store).results, wide(), lambda: ())
    assert line in " ".join(capsys.readouterr().out.split())
    assert alike_lines(store, Grouping(cluster="stem")) == []


def test_a_gate_and_a_comparison_say_it_too(tmp_path: Path) -> None:
    store = stored(tmp_path / "one", "patient{p:03d}_frame{k:03d}")
    (line,) = alike_lines(store)
    policy = parse_policy('[[rules]]\nbenchmark = "own"\nmetric = "top1"\nat_least = 0.5\n')
    assert line in map(said, judge(policy, store).remarks)
    assert line not in map(said, judge(policy, store, Grouping(cluster="stem")).remarks)
    other = stored(tmp_path / "other", "patient{p:03d}_frame{k:03d}", model="other")
    (comparison,) = compare_runs(Folder.open(store, other))
    assert line in map(said, comparison.notes)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("patient{p:03d}_frame{k:03d}", ()), ("picture_{k:03d}", CLASSES), ("ILSVRC2012_val_{k:08d}", CLASSES)],
    ids=["published", "no counter", "ImageNet's names"],
)
def test_published_sets_and_names_without_a_counter_are_silent(
    tmp_path: Path, name: str, classes: tuple[str, ...]
) -> None:
    assert alike_lines(stored(tmp_path, name, classes)) == []


def test_a_column_is_told_by_its_name_with_no_value_of_it_and_not_when_it_is_the_cluster(tmp_path: Path) -> None:
    store = stored(tmp_path, "{k:04d}", ())
    ids = sorted(set(store.runs()[0].records()["sample"].tolist()))
    patient = [f"Jane Roe {int(each.rpartition('/')[2]) // FRAMES:02d}" for each in ids]
    columns = columns_of(ids, "patient", list(patient))
    (line,) = alike_lines(store, Grouping(columns=columns))
    assert line.startswith("pictures of one patient are answered alike (41 patients, correlation 0.")
    assert line.endswith(" times too narrow; --cluster patient")
    assert not any(
        "Roe" in path.read_text("utf-8", "replace")
        for path in tmp_path.rglob("*")
        if path.suffix in {".jsonl", ".json"}
    )
    assert alike_lines(store, Grouping(cluster="patient", columns=columns)) == []


def test_other_columns_of_the_same_file_are_judged_anew(tmp_path: Path) -> None:
    """One file gives other columns where ``where=`` chooses other lines, or a name stands for another column."""
    store = stored(tmp_path, "{k:04d}", ())
    ids = sorted(set(store.runs()[0].records()["sample"].tolist()))
    patients = [f"p{int(each.rpartition('/')[2]) // FRAMES}" for each in ids]
    shuffled = np.random.default_rng(0).permutation(np.array(patients, object)).tolist()
    for _ in range(2):
        assert len(alike_lines(store, Grouping(columns=columns_of(ids, "patient", list(patients))))) == 1
        assert alike_lines(store, Grouping(columns=columns_of(ids, "patient", shuffled))) == []


def test_measured_numbers_name_no_cluster_and_identifiers_of_digits_do(tmp_path: Path) -> None:
    store = stored(tmp_path, "{k:04d}", ())
    ids = sorted(set(store.runs()[0].records()["sample"].tolist()))
    number = [int(each.rpartition("/")[2]) // FRAMES for each in ids]
    for name, values, lines in (
        ("patient", [None, *number[1:]], 1),
        ("patient", [f"12.{each}" for each in number], 1),  # of which 12.1 and 12.10 are two
        ("age", [each + 0.5 for each in number], 0),
    ):
        assert len(alike_lines(store, Grouping(columns=columns_of(ids, name, values)))) == lines


def test_each_line_has_the_verb_of_the_run_that_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a file of scores a classifier's pictures are answered alike all the same."""

    def run(has_answers: bool, column: str) -> Any:
        model = SimpleNamespace(has_answers=has_answers)
        return SimpleNamespace(stored=SimpleNamespace(run=SimpleNamespace(model=model)), column=column)

    monkeypatch.setattr(dependence, "dependences_of", lambda each: {each.column: Dependence(20, 0.5, 2.0)})
    runs = [run(True, "patient"), run(False, "scene")]
    for ordered in (runs, runs[::-1]):
        lines = sorted(map(said, dependence.dependent_pictures(cast(Any, ordered))))
        assert [line.partition(" (")[0] for line in lines] == [
            "pictures of one patient are answered alike",
            "pictures of one scene score alike",
        ]
