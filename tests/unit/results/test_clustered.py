"""Scores of a run whose pictures come in clusters: intervals over clusters, or none with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hardiness.core.columns import Columns, ColumnSource, Grouping
from hardiness.core.condition import Condition
from hardiness.core.forms import from_json, json_form
from hardiness.core.result import Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.exports import registry
from hardiness.report.stored_results import StoredResults
from hardiness.report.terminal import headline_lines
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results.folder import Folder
from hardiness.results.grouping import clusters_of
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import clustered_proportion, newcombe
from hardiness.store.store import Store

CELLS = (
    Condition(),
    *(Condition(corruption=name, severity=level) for name in ("fog", "frost") for level in (1, 3, 5)),
)
SIZE = 10


def stored(out: Path, clusters: int = 40, benchmark: str = "imagenet-val", cells: int = 1) -> tuple[Store, Grouping]:
    """A run of own classes, whose pictures come in clusters of ten that share part of their difficulty."""
    n, generator = clusters * SIZE, np.random.default_rng(0)
    image, condition = np.repeat(np.arange(n), cells), np.tile(np.arange(cells), n)
    hardness = generator.normal(0, 1, clusters)[image // SIZE] + generator.normal(0, 1, n)[image]
    right = hardness - 0.15 * condition > -1.0
    label = (image % 2).astype(np.int32)
    prediction = np.where(right, label, 1 - label).astype(np.int32)
    rows = Records(
        {
            "sample": np.array([f"c{k % 2}/{k:05d}" for k in image]),
            "condition": condition.astype(np.int16),
            "frame": np.zeros(n * cells, np.int16),
            "label": label,
            "prediction": prediction,
            "top5_class": np.stack([prediction] * 5, axis=1).astype(np.int16),
            "confidence": (0.5 + 0.5 / (1 + np.exp(-hardness))).astype(np.float32),
            "logsumexp": np.full(n * cells, 2.0, np.float32),
            "label_logit": np.where(right, 1.9, 0.5).astype(np.float32),
        }
    )
    classes = ("first", "second")
    run = Run(
        ModelIdentity("m", "m"),
        BenchmarkIdentity(benchmark, "corruption" if cells > 1 else "classification", "p"),
        DataIdentity("own", "f", n, num_classes=2, classes=classes),
        conditions=CELLS[:cells],
    )
    store = Store.create(out)
    work = list(zip(rows["sample"].tolist(), condition.tolist(), strict=True))
    store.run(run, Plan(whole=tuple(range(cells)))).write(0, work, rows)
    ids = np.array(sorted({f"c{k % 2}/{k:05d}" for k in range(n)}), object)
    patient = np.array([f"patient {int(name[3:]) // SIZE}" for name in ids.tolist()], object)
    columns = Columns(ids, {"patient": patient, "own": ids}, (ColumnSource("metadata.csv", "ab" * 32),))
    return store, Grouping(cluster="patient", columns=columns)


def by_name(result: Result) -> dict[tuple[str, Condition], Score]:
    return {(score.metric, score.condition): score for score in result.scores}


def test_a_share_is_that_of_clusters_and_says_how_many(tmp_path: Path) -> None:
    store, grouping = stored(tmp_path)
    (plain,), (result,) = Folder.open(store).results, Folder.open(store, grouping=grouping).results
    score, single = result.score("top1"), plain.score("top1")
    assert (score.value, score.n, score.clusters, single.clusters) == (single.value, 400, 40, 0)
    records = store.runs()[0].records()
    order = np.argsort(records["sample"])
    right = (records["prediction"] == records["label"])[order]
    ids = records["sample"][order].astype(object)
    clusters = Clusters(ids, np.array([int(name[3:]) // SIZE for name in ids.tolist()]))
    variance = clusters.collapse(mean(ids, right)).variance
    assert score.interval == clustered_proportion(float(score.value or 0), variance, 400, 40)
    assert score.interval.high - score.interval.low > 1.5 * (single.interval.high - single.interval.low)
    assert score.basis is None
    assert result.clusters is not None
    form = result.as_dict()["clusters"]
    assert form == {"column": "patient", "clusters": 40, "pictures": 400, "sources": []}
    assert "400 in 40 clusters" in repr(result)


def test_every_score_rests_on_clusters_or_says_why_it_has_no_interval(tmp_path: Path) -> None:
    store, grouping = stored(tmp_path, cells=7, benchmark="imagenet-c")
    (plain,), (result,) = Folder.open(store).results, Folder.open(store, grouping=grouping).results
    assert by_name(plain).keys() == by_name(result).keys()
    without = set()
    for name, score in by_name(result).items():
        single = by_name(plain)[name]
        assert (score.value, score.n) == (single.value, single.n), name
        assert score.value is not None or score.lack == single.lack, name
        assert score.interval != single.interval or single.interval is None, name
        if score.interval is not None:
            assert score.clusters in (20, 40), name
            assert score.interval.low <= score.value <= score.interval.high, name
        elif single.interval is not None:
            assert why(score.lack), name
            without.add(score.metric)
    assert without == {"ece", "mean_ece_partial"}, "tests of bins take pictures as independent"


def test_what_is_kept_stays_that_of_pictures(tmp_path: Path) -> None:
    store, grouping = stored(tmp_path, clusters=20)
    first = Folder.open(store).results[0]
    _ = Folder.open(store, grouping=grouping).results
    kept = Folder.open(store).results[0]
    assert [score.as_dict() for score in kept.scores] == [score.as_dict() for score in first.scores]


def test_clusters_of_one_picture_leave_what_no_exact_test_made(tmp_path: Path) -> None:
    store, grouping = stored(tmp_path, cells=7, benchmark="imagenet-c")
    single = Grouping(cluster="own", columns=grouping.columns)
    (plain,), (result,) = Folder.open(store).results, Folder.open(store, grouping=single).results
    means = [
        *("error", "mean_error", "imagenet_c_mean_error", "retained_accuracy", "nll", "mean_nll", "brier_top1"),
        *("mean_brier_top1", "aurc", "augrc", "risk_at_80_coverage"),
    ]
    checked = 0
    for name, score in by_name(result).items():
        kept = by_name(plain)[name]
        is_cell = "severity" in score.condition and "corruption" in score.condition
        if score.metric.removesuffix("_partial") in means and not is_cell and kept.interval:
            checked += 1
            assert score.interval == kept.interval, name
    assert checked > 20


def test_few_clusters_are_a_warning_and_fewer_than_eight_have_no_interval(tmp_path: Path) -> None:
    for count, has_warning in ((40, False), (29, True), (7, True)):
        store, grouping = stored(tmp_path / str(count), clusters=count)
        (result,) = Folder.open(store, grouping=grouping).results
        assert (
            any(f"{count} clusters by patient: with fewer" in line for line in map(said, result.warnings))
            == has_warning
        )
        score = result.score("top1")
        assert (score.interval is None) == (count < 8)
        assert why(score.lack) == ("it needs 8 clusters, had 7" if count < 8 else "")


def test_a_score_that_hands_nothing_over_has_no_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, grouping = stored(tmp_path)
    from hardiness.benchmarks.photographs import Classification

    scores = Classification.scores
    bare = lambda *given: [from_json(Score, json_form(score), "the memo") for score in scores(*given)]  # noqa: E731
    monkeypatch.setattr(Classification, "scores", bare)
    (result,) = Folder.open(store, grouping=grouping).results
    score = result.score("top1")
    assert score.interval is None
    assert why(score.lack) == "no method for clusters: its interval is of independent pictures"


def test_images_and_clusters_stand_beside_each_other_wherever_n_does(tmp_path: Path) -> None:
    store, grouping = stored(tmp_path)
    plain, results = Folder.open(store).results, Folder.open(store, grouping=grouping).results
    assert any("n 400 in 40 clusters" in line for line in headline_lines(results))
    assert not any("clusters" in line for line in headline_lines(plain))
    (row, *_) = StoredResults(results).table().to_pylist()
    assert (row["n"], row["clusters"]) == (400, 40)
    assert "clusters" not in StoredResults(plain).table().column_names
    for form in ("markdown", "latex"):
        assert b"400 in 40 clusters" in registry.get(form).write(results), form
        assert b"clusters" not in registry.get(form).write(plain), form
    assert "clusters: 40" in registry.get("model-index").write(results).decode()


def test_curves_have_no_intervals_of_pictures_and_chance_is_that_of_clusters(tmp_path: Path) -> None:
    store, grouping = stored(tmp_path)
    (plain,), (result,) = Folder.open(store).results, Folder.open(store, grouping=grouping).results
    assert {len(point) for point in plain.details["reliability"]} == {4}
    assert [point[:2] for point in plain.details["reliability"]] == result.details["reliability"]
    alone, together = (each.details["sureness"] for each in (plain, result))
    assert together["chance"] > 1.2 * alone["chance"]
    assert {**together, "chance": 0} == {**alone, "chance": 0}


def test_a_drop_from_clean_is_of_clusters_on_both_sides_or_has_no_interval(tmp_path: Path) -> None:
    stored(tmp_path)
    store, grouping = stored(tmp_path, benchmark="imagenet-v2")
    drops = {}
    for name, asked in (("plain", Grouping()), ("clusters", grouping)):
        result = next(each for each in Folder.open(store, grouping=asked).results if each.benchmark == "imagenet-v2")
        drops[name] = result.score("top1_drop")
        clean, shifted = result.score("clean_top1"), result.score("top1")
        ends = newcombe(clean.value, clean.interval, shifted.value, shifted.interval)
        assert drops[name].interval == ends
        assert (drops[name].clusters, clean.clusters) == ((40, 40) if asked else (0, 0))
    widths = [each.interval.high - each.interval.low for each in drops.values()]
    assert widths[1] > 1.5 * widths[0]


def test_a_drop_from_clean_without_clusters_on_one_side_has_no_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(tmp_path)
    store, grouping = stored(tmp_path, benchmark="imagenet-v2")
    monkeypatch.setattr(
        ScoredRun,
        "clusters",
        property(
            lambda run: (
                None
                if run.stored.run.benchmark.name == "imagenet-val" or not run.grouping.cluster
                else clusters_of(run.grouping, run.picture_columns, run.ids)
            )
        ),
    )
    result = next(each for each in Folder.open(store, grouping=grouping).results if each.benchmark == "imagenet-v2")
    drop = result.score("top1_drop")
    assert drop.interval is None
    assert why(drop.lack) == "no method for clusters: the pictures of own have no such column"
