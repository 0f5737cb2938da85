"""Two models by slices of the pictures: where one is better, and whether the difference is the same everywhere."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from sliced_runs import columns_of, stored

import hardiness
from hardiness.core.columns import Columns, Grouping
from hardiness.results.folder import Folder
from hardiness.results.measured import measures_of
from hardiness.results.slice_comparison import SlicedDifference, sliced_differences
from hardiness.statistics.comparison import cell_differences
from hardiness.statistics.estimate import mean
from hardiness.statistics.slices import Partition
from hardiness.store.store import Store


def compared(store: Store, columns: Columns, *slices: str, cluster: str = "") -> list[SlicedDifference]:
    grouping = Grouping(cluster=cluster, slices=slices, columns=(columns,))
    runs = {run.stored.run.model.name: run for run in Folder.open(store, grouping=grouping).alone}
    runs = dict(sorted(runs.items()))
    first = measures_of(next(iter(runs.values())))
    top1 = [score for score in first.scores if score.metric in ("top1", "mce")][:1]
    return list(sliced_differences(runs, first.ids, top1, measures_of))


def points(value: float) -> str:
    return f"{100 * value:+.1f}"


def answers(seed: int, shares: list[float], n: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(n * len(shares)) < np.repeat(shares, n))[:, None]


@pytest.fixture(scope="module")
def reversed_at_b(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A model that is better on average and worse at site B."""
    folder = tmp_path_factory.mktemp("reversed")
    stored(folder, answers(0, [0.9, 0.9, 0.6], 200), model="new")
    return stored(folder, answers(1, [0.6, 0.6, 0.8], 200), model="old")


SITES = ["A"] * 200 + ["C"] * 200 + ["B"] * 200


def test_better_on_average_and_worse_at_a_site_is_seen_and_said(reversed_at_b: Store) -> None:
    (difference,) = compared(reversed_at_b, columns_of(600, site=SITES), "site")
    assert (difference.first, difference.second) == ("new", "old")
    assert difference.better(difference.overall) == 1
    assert {each.value: difference.better(each.difference) for each in difference.slices} == {"A": 1, "C": 1, "B": -1}
    assert difference.slices[0].value == "B"
    assert difference.is_reversed
    assert difference.heterogeneity < 0.001
    text = difference.sentence(points)
    assert text.startswith("new against old, top-1: better on average (+")
    assert "worse at site B (-" in text
    assert text.endswith("the difference is not the same at all site values (p < .001)")


def test_each_slice_has_the_exact_test_at_the_level_of_holm(reversed_at_b: Store) -> None:
    (difference,) = compared(reversed_at_b, columns_of(600, site=SITES), "site")
    runs = {run.stored.run.model.name: measures_of(run) for run in Folder.open(reversed_at_b).alone}
    places = np.arange(600)[np.array(SITES) == "B"]
    exact = cell_differences(*(~runs[name].right[places] for name in ("new", "old")))[0]
    at_b = difference.slices[0].difference
    assert at_b.value == pytest.approx(exact.value)
    assert exact.p <= at_b.p <= 3 * exact.p + 1e-12
    assert at_b.level in (pytest.approx(0.05), pytest.approx(0.025), pytest.approx(0.05 / 3))


def test_equal_models_have_nothing_to_tell(tmp_path: Path) -> None:
    stored(tmp_path, answers(5, [0.8, 0.8], 150), model="new")
    store = stored(tmp_path, answers(6, [0.8, 0.8], 150), model="old")
    (difference,) = compared(store, columns_of(300, site=["A"] * 150 + ["B"] * 150), "site")
    assert not difference.is_reversed
    assert "not known to differ on average or at any site" in difference.sentence(points)
    assert "no value of site is known to change the difference" in difference.sentence(points)


def test_with_clusters_pictures_of_one_patient_are_no_evidence_of_their_own(tmp_path: Path) -> None:
    patients = np.repeat(np.arange(80), 5)
    generator = np.random.default_rng(4)
    stored(tmp_path, (generator.random(80) < 0.7)[patients][:, None], model="new")
    store = stored(tmp_path, (generator.random(80) < 0.7)[patients][:, None], model="old")
    columns = columns_of(400, site=["A"] * 200 + ["B"] * 200, patient=[f"p{p}" for p in patients])
    (plain,) = compared(store, columns, "site")
    (clustered,) = compared(store, columns, "site", cluster="patient")
    assert [each.clusters for each in clustered.slices] == [40, 40]
    for first, second in zip(plain.slices, clustered.slices, strict=True):
        assert first.difference.value == pytest.approx(second.difference.value)
        widths = [each.difference.interval.high - each.difference.interval.low for each in (first, second)]
        assert widths[1] > 1.8 * widths[0]


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "shared"), [(0, False), (40, False), (40, True)])
def test_a_difference_that_is_the_same_everywhere_is_told_to_differ_in_5_percent(clusters: int, shared: bool) -> None:
    generator, codes, runs = np.random.default_rng(clusters + shared), np.repeat(np.arange(4), 120), 400
    groups = np.concatenate([np.arange(120) % max(clusters, 1) + (0 if shared else k * clusters) for k in range(4)])
    partition = Partition(codes, 4, groups if clusters else None)
    told = 0
    for _ in range(runs):
        effect = generator.normal(0, 0.3, groups.max() + 1)[groups] if clusters else 0.0
        differences = generator.choice([-1.0, 0.0, 1.0], 480, p=[0.1, 0.75, 0.15]) + effect
        parts = [mean(partition.places(k), differences[partition.places(k)]) for k in range(4)]
        told += partition.heterogeneity(parts) < 0.05
    assert 0.02 < told / runs < 0.075


def test_python_has_the_sentences_the_tables_and_a_row_for_each_value(reversed_at_b: Store) -> None:
    columns = columns_of(600, site=SITES)
    comparisons = hardiness.compare(reversed_at_b.address, columns=columns, slices="site")
    assert any("worse at site B" in sentence for sentence in comparisons.sentences())
    assert [view.title.partition(": ")[2] for view in comparisons.views()[1:]] == [
        "top-1 by site",
        "RMS calibration error (hendrycks2019) by site",
        "AURRA by site",
    ]
    rows = [row for row in comparisons.slices.table().to_pylist() if row["metric"] == "top1"]
    assert (rows[0]["slice"], rows[0]["slice_value"], rows[0]["told_apart"]) == ("site", "B", True)
    assert rows[0]["heterogeneity_p"] < 0.001
    assert "worse at site B" in repr(comparisons.slices)
    (form,) = comparisons.as_dict()
    assert form["slices"][0]["slices"][0]["value"] == "B"
    exported = list(csv.DictReader(io.StringIO(str(hardiness.export(comparisons, "csv")))))
    parts = [row for row in exported if row["slice"] == "site" and row["metric"] == "top1"]
    assert {row["slice_value"] for row in parts} == {row["slice_value"] for row in rows}
    assert float(parts[0]["heterogeneity_p"]) < 0.001
    assert len([row for row in exported if not row["slice"]]) == len(comparisons.table())
    plain = hardiness.compare(reversed_at_b.address)
    assert len(plain.slices) == 0
    assert plain.as_dict()[0]["slices"] == []


def test_a_value_of_several_lines_is_printed_in_one(reversed_at_b: Store) -> None:
    columns = columns_of(600, site=[f"{site}\n\x1b[31mward" for site in SITES])
    comparisons = hardiness.compare(reversed_at_b.address, columns=columns, slices="site")
    view = comparisons.views()[1]
    assert view.rows[0][0] == r"B\n\x1b[31mward"
    assert all(text.isprintable() for text in (*view.notes, *comparisons.sentences()))
