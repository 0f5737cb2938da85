"""Scores of a stored run by slices: which pictures are in which, how exact each is, and which parts are left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sliced_runs import columns_of, stored

from hardiness.core.columns import Columns, Grouping
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Result, SlicedScore
from hardiness.core.run import ModelIdentity, Plan
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results.folder import Folder
from hardiness.store.store import Store


def sliced(store: Store, columns: Columns, *slices: str, **more: Any) -> Result:
    (result,) = Folder.open(store, grouping=Grouping(slices=slices, columns=(columns,), **more)).results
    return result


def by_metric(result: Result) -> Mapping[str, SlicedScore]:
    return {score.metric: score for score in result.slices}


SITES = ["A"] * 100 + ["B"] * 60 + ["C"] * 39 + [None]


@pytest.fixture
def accuracies() -> np.ndarray:
    right = np.zeros((200, 1), bool)
    right[:90], right[100:130], right[160:195], right[199] = True, True, True, True
    return right


def test_each_slice_has_its_own_accuracy_the_worst_first(tmp_path: Path, accuracies: np.ndarray) -> None:
    score = by_metric(sliced(stored(tmp_path, accuracies), columns_of(200, site=SITES), "site"))["top1"]
    assert [(each.value, each.score.value, each.score.n) for each in score.slices] == [
        ("B", 0.5, 60),
        ("C", 35 / 39, 39),
        ("A", 0.9, 100),
    ]
    assert score.n == 199
    assert score.without_value == 1
    assert score.gap.value == pytest.approx(0.4)
    assert score.gap.interval.low > 0.1
    assert [each.value for each in score.slices if each.is_unlike_rest] == ["B", "A"]
    assert score.slices[0].less_rest.value == pytest.approx(0.5 - 125 / 139)
    assert score.worst.interval.low < 0.5 < score.worst.interval.high < 0.7


def test_calibration_is_of_the_pictures_of_the_slice(tmp_path: Path) -> None:
    right = np.random.default_rng(0).random((900, 1)) < 0.7
    columns = columns_of(900, half=["first"] * 600 + ["second"] * 300, pair=[str(k // 2) for k in range(900)])
    score = by_metric(sliced(stored(tmp_path, right), columns, "half"))["rms_calibration_error"]
    (alone,) = Folder.open(stored(tmp_path / "alone", right[:600])).results
    expected = alone.score("rms_calibration_error", protocol="hendrycks2019")
    first = next(each for each in score.slices if each.value == "first")
    assert first.score.value == pytest.approx(expected.value)
    assert first.score.interval.low < expected.interval.low  # which is of this slice alone
    assert first.score.interval.high > expected.interval.high
    clustered = by_metric(sliced(stored(tmp_path, right), columns, "half", cluster="pair"))["rms_calibration_error"]
    assert "no method for clusters" in why(clustered.slices[0].score.lack)


def test_an_error_is_worst_where_it_is_highest(tmp_path: Path) -> None:
    right = np.random.default_rng(1).random((120, 76)) < 0.6
    right[:40] = np.random.default_rng(2).random((40, 76)) < 0.2
    score = by_metric(sliced(stored(tmp_path, right), columns_of(120, site=["A"] * 40 + ["B"] * 80), "site"))["mce"]
    assert not score.higher_is_better
    assert score.slices[0].value == "A"
    assert score.worst.interval.low > score.slices[1].score.value
    expected = Folder.open(stored(tmp_path / "alone", right[:40])).results[0].score("mce")
    assert score.slices[0].score.value == pytest.approx(expected.value)


def test_slices_of_pictures_in_random_cells_are_those_of_their_cells(tmp_path: Path) -> None:
    right = np.random.default_rng(1).random((300, 76)) < 0.6
    result = sliced(stored(tmp_path, right, drawn=20), columns_of(300, site=["A"] * 150 + ["B"] * 150), "site")
    score = by_metric(result)["mce"]
    assert [each.score.n for each in score.slices] == [150, 150]
    assert all(each.score.interval is not None for each in score.slices)


def test_parts_of_two_columns_with_few_pictures_are_counted_and_named(tmp_path: Path, accuracies: np.ndarray) -> None:
    ages = ["old" if i % 3 else "young" for i in range(200)]
    columns = columns_of(200, site=SITES, age=ages)
    score = by_metric(sliced(stored(tmp_path, accuracies), columns, "site+age"))["top1"]
    parts = [f"{site}, {age}" for site, age in zip(SITES, ages, strict=True) if site]
    counts = {value: parts.count(value) for value in set(parts)}
    assert score.too_few == {value: n for value, n in counts.items() if n < 30}
    assert {each.value: each.score.n for each in score.slices} == {value: n for value, n in counts.items() if n >= 30}
    assert score.without_value == 1


def test_clusters_widen_every_interval_and_are_counted(tmp_path: Path) -> None:
    patients = np.repeat(np.arange(80), 5)
    right = (np.random.default_rng(0).random(80) < 0.7)[patients][:, None]
    columns = columns_of(400, site=["A"] * 200 + ["B"] * 200, patient=[f"p{p}" for p in patients])
    store = stored(tmp_path, right)
    plain = by_metric(sliced(store, columns, "site"))["top1"]
    clustered = by_metric(sliced(store, columns, "site", cluster="patient"))["top1"]
    assert (clustered.cluster, [each.score.clusters for each in clustered.slices]) == ("patient", [40, 40])
    for first, second in zip(plain.slices, clustered.slices, strict=True):
        assert first.score.value == second.score.value
        widths = [each.score.interval.high - each.score.interval.low for each in (first, second)]
        assert widths[1] > 1.8 * widths[0]  # five pictures that are alike say what one says
    assert clustered.worst.interval.low < plain.worst.interval.low


def test_the_average_of_a_mix_and_what_it_needs(tmp_path: Path, accuracies: np.ndarray) -> None:
    store, columns = stored(tmp_path, accuracies), columns_of(200, site=SITES)
    mix = {"site": {"A": 1.0, "B": 3.0}}
    score = by_metric(sliced(store, columns, "site", mix=mix))["top1"]
    assert score.average.value == pytest.approx(0.25 * 0.9 + 0.75 * 0.5)
    assert score.average.interval.low < score.average.value < score.average.interval.high
    lacking = by_metric(sliced(store, columns, "site", mix={"site": {"A": 1, "D": 1}}))["top1"]
    assert (lacking.average.value, why(lacking.average.lack)) == (None, "D: no picture")


def test_a_column_that_is_not_there_names_the_nearest(tmp_path: Path, accuracies: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match=r"'sit'.*site"):
        sliced(stored(tmp_path, accuracies), columns_of(200, site=SITES), "sit")


def test_a_run_that_was_stopped_before_its_first_picture_costs_the_others_no_slice(
    tmp_path: Path, accuracies: np.ndarray
) -> None:
    store = stored(tmp_path, accuracies)
    (finished,) = store.runs()
    store.run(replace(finished.run, model=ModelIdentity("begun", "b")), Plan(whole=(0,)))
    grouping = Grouping(cluster="patient", slices=("site",), columns=(columns_of(200, site=SITES, patient=range(200)),))
    results = {result.model: result for result in Folder.open(store, grouping=grouping).results}
    assert [each.value for each in by_metric(results["net"])["top1"].slices] == ["B", "C", "A"]
    assert not results["begun"].slices
    assert results["begun"].counts.images == 0


def test_results_json_has_them_and_none_where_none_are_asked(tmp_path: Path, accuracies: np.ndarray) -> None:
    store = stored(tmp_path, accuracies)
    assert Folder.open(store).results[0].as_dict()["slices"] == []
    form = json.loads(json.dumps(sliced(store, columns_of(200, site=SITES), "site").as_dict()))["slices"][0]
    assert (form["column"], form["metric"], form["worst_value"]) == ("site", "top1", "B")
    assert form["slices"][0]["value"] == "B"
    assert form["slices"][0]["score"]["interval"][0] < 0.5 < form["slices"][0]["score"]["interval"][1]
    assert form["worst"]["value"] == 0.5


def test_a_run_without_scores_by_slice_says_why(tmp_path: Path) -> None:
    store = stored(tmp_path, np.ones((60, 76), bool))
    columns = columns_of(60, site=["A"] * 60)
    assert not any("no scores by" in line for line in map(said, sliced(store, columns, "site").warnings))
    partial = stored(tmp_path / "torn", np.ones((60, 76), bool), lacks=True)
    warnings = list(map(said, sliced(partial, columns, "site").warnings))
    assert "no scores by site: no image was evaluated under every condition" in warnings
