"""A folder that is opened once: several places seen together, and runs that nothing changes."""

from __future__ import annotations

import shutil
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answer_rows import answer_rows

from hardiness.api.collection import collect_results, comparisons_of
from hardiness.core.condition import Condition
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.results.folder import Folder
from hardiness.store.store import Store

CELLS = (Condition(), Condition(corruption="fog", severity=1))


def stored(
    out: Path, model: str, wrong: int, n: int = 40, benchmark: str = "imagenet-c", whole: int = 40, **options: Any
) -> Store:
    """A run whose first pictures are answered wrongly; clean and under fog, or clean alone on another benchmark."""
    conditions = CELLS if benchmark == "imagenet-c" else CELLS[:1]
    label = np.arange(n) % 4
    answers = np.repeat(label[:, None], len(conditions), axis=1)
    answers[:wrong] = 9
    rows = answer_rows(answers, label)
    run = Run(
        ModelIdentity(model, f"weights of {model}"),
        BenchmarkIdentity(benchmark, "corruption" if len(conditions) > 1 else "classification", options=options),
        DataIdentity("imagenet", "f", whole),
        conditions=conditions,
    )
    work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
    store = Store.create(out)
    store.run(run, Plan(whole=tuple(range(len(conditions))))).write(0, work, Records(rows))
    return store


def test_a_run_and_its_folder_are_made_once_and_nothing_changes_them(tmp_path: Path) -> None:
    folder = Folder.open(stored(tmp_path, "net", 8))
    (run,) = folder.runs
    assert folder.runs is folder.runs
    assert folder.results is folder.results
    for thing, name in ((run, "grouping"), (run, "levels"), (folder, "stored")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, ())
    stored(tmp_path, "later", 8)
    assert [each.stored.run.model.name for each in folder.runs] == ["net"], "as it was when it was opened"


def test_ratios_are_to_a_baseline_of_any_of_the_folders(tmp_path: Path) -> None:
    """One that another folder held was refused, though a comparison of the two folders took it."""
    stores = stored(tmp_path / "one", "net", 8), stored(tmp_path / "two", "other", 16)
    folder = Folder.open(*stores, baseline="net")
    ratios = {result.model: result.score("mce_partial").value for result in folder.results}
    assert ratios == {"net": pytest.approx(1.0), "other": pytest.approx(2.0)}


def test_of_a_run_that_two_folders_hold_all_is_of_the_one_that_has_more(tmp_path: Path) -> None:
    """Scores were of the second folder, the comparison and the table of answers of the first."""
    for place, n in (("few", 20), ("more", 40)):
        for model, wrong in (("net", 4), ("other", 12)):
            stored(tmp_path / place, model, wrong, n)
    outs = [str(tmp_path / place) for place in ("few", "more")]
    collected = collect_results(outs)
    assert [result.counts.images for result in collected.results] == [40, 40]
    assert [comparison.n for comparison in collected.comparisons] == [40]
    assert [len(table) for result in collected.results for table in collected.folder.tables_of(result)] == [40, 40]


def test_a_copy_of_a_folder_changes_no_name(tmp_path: Path) -> None:
    for model, wrong in (("net", 4), ("other", 12)):
        store = stored(tmp_path / "out", model, wrong)
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    (alone,), (beside,) = (
        comparisons_of(Folder.open(*each)) for each in ((store,), (store, Store.open(tmp_path / "copy")))
    )
    assert alone == beside


def test_sets_are_joined_with_photographs_of_another_folder_where_theirs_has_none(tmp_path: Path) -> None:
    def begin(place: str, benchmark: str, card: str, data: str, **options: Any) -> str:
        run = Run(
            ModelIdentity("net", "weights"),
            BenchmarkIdentity(benchmark, card, options=options),
            DataIdentity(data, f"of {data} in {place}", 10, 1000),
            conditions=(Condition(),),
        )
        return Store.create(tmp_path / place).run(run, Plan(whole=(0,))).key

    far = begin("one", "imagenet-val", "classification", "imagenet")
    ninco = begin("two", "ood", "ood", "ninco", outside=["ninco"])
    places = [tmp_path / "one", tmp_path / "two"]
    assert [run.parts for run in Folder.open(*map(Store.open, places)).runs] == [(), (far, ninco)]
    near = begin("two", "imagenet-val", "classification", "imagenet")
    assert {run.parts for run in Folder.open(*map(Store.open, places)).runs} == {(), (near, ninco)}, "its own first"
