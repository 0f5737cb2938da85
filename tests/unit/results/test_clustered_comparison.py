"""Models compared on pictures that come in clusters: each interval and p-value is over clusters, or says why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sliced_runs import stored

from hardiness.core.codes import RunRemark
from hardiness.core.columns import Columns, ColumnSource, Grouping
from hardiness.core.errors import ArgumentError
from hardiness.core.forms import json_form
from hardiness.core.result import Score
from hardiness.report.compared import comparison_json, comparison_view
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results.comparison import BenchmarkComparison, compare_runs, kept_comparisons
from hardiness.results.folder import Folder
from hardiness.results.noise import Noise, SettingEffect
from hardiness.statistics.comparison import Difference
from hardiness.store.store import Store

SIZE, CELLS = 10, 3


def two_models(folder: Path, patients: int = 40, cells: int = CELLS) -> tuple[Store, Grouping]:
    """Two equal models, each of which has patients of its own whose pictures it finds easy, in one folder."""
    n = patients * SIZE
    for seed, model in enumerate("ab"):
        generator = np.random.default_rng(seed)
        ease = np.repeat(generator.normal(0, 1, patients), SIZE)[:, None]
        store = stored(folder, generator.normal(0, 1, (n, cells)) + ease > -0.8, model)
    return store, by_patient(n)


def by_patient(n: int, size: int = SIZE) -> Grouping:
    ids = np.array([f"n/{k:04d}" for k in range(n)], object)
    patients = np.array([f"patient {k // size}" for k in range(n)], object)
    return Grouping("patient", columns=Columns(ids, {"patient": patients}, (ColumnSource("meta.csv", "ab" * 32),)))


def numbers_of(comparison: BenchmarkComparison) -> Iterator[tuple[str, Difference | Score]]:
    """Everything of a comparison that has an interval, but for kappa."""
    for score in comparison.scores:
        yield from ((score.metric, pair) for pair in score.pairs.values())
    for detail in comparison.details:
        yield from ((str(cell.name), cell.difference) for cell in detail.cells)
        for kind, parts in detail.parts.items():
            yield from ((f"{kind} {part.name}", part.difference) for part in parts)
    for pair in comparison.flips:
        for name, flips in (("overall", pair.overall), *pair.conditions, *pair.kinds, *pair.classes):
            yield from (
                (f"{share.metric} {name}", share) for share in (flips.negative, flips.positive, flips.agreement)
            )
        yield from ((f"recall of {name}", change) for name, change in pair.changes)


@pytest.mark.parametrize("cells", [1, CELLS])
def test_all_that_is_printed_of_two_models_is_over_patients(tmp_path: Path, cells: int) -> None:
    store, grouping = two_models(tmp_path, cells=cells)
    (single,), (found,) = compare_runs(Folder.open(store)), compare_runs(Folder.open(store, grouping=grouping))
    assert dict(numbers_of(found)).keys() == dict(numbers_of(single)).keys()
    plain = dict(numbers_of(single))
    for name, number in numbers_of(found):
        assert number.clusters in range(30, 41), name
        assert number.n == plain[name].n, name
        if isinstance(number, Difference):
            assert number.value == pytest.approx(plain[name].value), name
            assert "cluster" in number.method, name
            assert number.interval is not None or why(number.lack), name
        else:
            assert number.value == pytest.approx(plain[name].value), name
            assert number.interval != plain[name].interval, name
    (score, *_), (of_pictures, *_) = found.scores, single.scores
    wide, narrow = (each.pairs["a", "b"].interval for each in (score, of_pictures))
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)
    assert score.clusters == 40
    kappa = found.details[0].kappa
    assert (kappa.kappa.interval, why(kappa.kappa.lack)) == (None, "no method for clusters: kappa of two models")
    assert kappa.kappa.value == single.details[0].kappa.kappa.value


def test_clusters_are_named_and_counted_and_their_values_are_not_shown(tmp_path: Path) -> None:
    store, grouping = two_models(tmp_path, patients=20)
    (found,) = compare_runs(Folder.open(store, grouping=grouping))
    form, view = comparison_json(found), comparison_view(found)
    source = {"name": "meta.csv", "sha256": "ab" * 32}
    assert form["clusters"] == {"column": "patient", "clusters": 20, "pictures": 200, "sources": [source]}
    assert form["scores"][0]["pairs"][0]["clusters"] == 20
    assert form["flips"][0]["overall"]["agreement"]["clusters"] == 20
    assert form["details"][0]["kappa"]["lack"]["text"] == "no method for clusters: kappa of two models"
    assert "200 images that all share in 20 clusters by patient" in view.title
    text = f"{form} {view.title} {view.rows} {view.notes}"
    assert "20 clusters by patient: with fewer than 30 an interval may hold in less than 95 % of cases" in text
    assert "no method for clusters: kappa of two models" in text
    assert "200 images in 20 clusters" in text
    assert "patient 1" not in text


def test_seven_patients_give_no_interval(tmp_path: Path) -> None:
    store, grouping = two_models(tmp_path, patients=7)
    (found,) = compare_runs(Folder.open(store, grouping=grouping))
    for name, number in numbers_of(found):
        few = f"it needs 8 clusters, had {number.clusters}"
        assert number.clusters <= 7, name
        if isinstance(number, Difference):
            assert (number.interval, number.p, why(number.lack)) == (None, None, few), name
        else:
            assert (number.interval, why(number.lack)) == (None, few), name
    assert "no intervals: it needs 8 clusters, had 7" in str(comparison_view(found).notes)


def test_comparisons_that_are_kept_are_those_of_pictures(tmp_path: Path) -> None:
    store, grouping = two_models(tmp_path)
    before = json_form(kept_comparisons(Folder.open(store)))
    clustered = json_form(kept_comparisons(Folder.open(store, grouping=grouping)))
    assert json_form(kept_comparisons(Folder.open(store))) == before != clustered
    anew, grouping = two_models(tmp_path / "anew")
    assert json_form(kept_comparisons(Folder.open(anew, grouping=grouping)))[0]["scores"] == clustered[0]["scores"]
    assert json_form(kept_comparisons(Folder.open(anew)))[0]["scores"] == before[0]["scores"], (
        "nothing of clusters was kept"
    )


def test_noise_of_pictures_that_stand_alone_is_left_out_with_a_word(tmp_path: Path) -> None:
    store, grouping = two_models(tmp_path, cells=1)
    (key, *_) = [result.key for result in Folder.open(store).results]
    (single,) = compare_runs(Folder.open(store))
    first = single.scores[0]
    moved = Score(first.metric, 0.1, "fraction", 9, condition=first.condition)
    effect = SettingEffect("resize", "x", "t", 0.5, moved, 9)
    Noise(key, "a", "imagenet-val", "imagenet", (effect,)).keep(store)
    (found,) = compare_runs(Folder.open(store, grouping=grouping))
    assert not any(score.noise for score in found.scores)
    assert any(note.code == RunRemark.NOISE_LEFT_OUT for note in found.notes)


def test_pictures_without_a_patient_stand_alone_and_a_wrong_column_is_refused(tmp_path: Path) -> None:
    store, grouping = two_models(tmp_path)
    some = by_patient(200)
    (found,) = compare_runs(Folder.open(store, grouping=some))
    assert found.clusters is not None
    assert found.clusters.clusters == 20 + 200
    assert "200 of 400 pictures have no patient: each stands alone" in map(said, found.notes)
    with pytest.raises(ArgumentError, match="no column of the pictures is called 'patiant'; did you mean 'patient'"):
        compare_runs(Folder.open(store, grouping=Grouping("patiant", columns=grouping.columns)))


def folder_with(folder: Path, model: str, columns: Columns | None, right: np.ndarray) -> Store:
    """A run of its own folder, beside whose rows these columns are stored."""
    store = stored(folder, right, model)
    if columns is not None:
        store.runs()[0].keep_picture_columns(columns)
    return store


def test_each_folder_has_columns_of_its_own_which_must_agree(tmp_path: Path) -> None:
    right = np.random.default_rng(0).random((200, 1)) < 0.7
    (columns,) = by_patient(200).columns
    one = folder_with(tmp_path / "one", "a", columns, right)
    others = np.array([*columns.values["patient"][:-3], *(3 * ["patient 0"])], object)
    other = folder_with(tmp_path / "other", "b", Columns(columns.ids, {"patient": others}), right)
    lacking = folder_with(tmp_path / "lacking", "c", None, right)
    grouping = Grouping("patient")
    with pytest.raises(
        ArgumentError,
        match=r"^other/b: patient must be the same in all runs that have a picture, and is another than in one/a for "
        r"3 pictures \(n/0197, n/0198, n/0199\); mend the column",
    ):
        compare_runs(Folder.open(one, other, grouping=grouping))
    (found,) = compare_runs(Folder.open(one, lacking, grouping=grouping))
    assert found.clusters is not None
    assert found.clusters.clusters == 20
    more = folder_with(tmp_path / "more", "d", None, np.random.default_rng(0).random((201, 1)) < 0.7)
    with pytest.raises(ArgumentError, match=r"^more/d: its pictures have no column patient, .* 1 picture \(n/0200\)"):
        compare_runs(Folder.open(one, more, grouping=grouping))
