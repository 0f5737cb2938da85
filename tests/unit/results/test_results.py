"""From stored records to results: counts, warnings, comparisons, and what is computed again."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sessions import session_of

from hardiness.api.collection import collect_results
from hardiness.benchmarks.accuracy_warnings import warnings_of
from hardiness.benchmarks.card import cards
from hardiness.benchmarks.imagenet_p import PerturbationCard
from hardiness.benchmarks.photographs import Classification
from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Failure, Records
from hardiness.report.results_file import rebuild_results
from hardiness.report.words import line as said
from hardiness.results import runs
from hardiness.results.folder import Folder
from hardiness.store import run as store_run
from hardiness.store import shards, tables
from hardiness.store.store import Store

DATA = DataIdentity("imagenet", "f", 4)


def identity(benchmark: str = "imagenet-val", weights_sha256: str = "w", data: DataIdentity = DATA) -> Run:
    return Run(
        ModelIdentity("alexnet", weights_sha256),
        BenchmarkIdentity(benchmark, "classification", "orhan2019"),
        data,
    )


def records(right: list[bool], **columns: Any) -> Records:
    n = len(right)
    label = np.arange(n, dtype=np.int32)
    prediction = np.where(right, label, 999).astype(np.int32)
    return Records(
        {
            "sample": np.array([f"n/{i}" for i in range(n)]),
            "condition": np.zeros(n, np.int16),
            "frame": np.zeros(n, np.int16),
            "label": label,
            "prediction": prediction,
            "confidence": np.linspace(0.1, 0.9, n).astype(np.float32),
            "top5_class": np.stack([prediction] * 5, axis=1).astype(np.int16),
            **columns,
        }
    )


def stored(folder: Path, given: Records, **changes: Any) -> Store:
    store = Store.create(folder)
    run = store.run(identity(**changes), Plan(batch_size=8, whole=(0,)))
    work = [(sample, 0) for sample in given["sample"].tolist()] if len(given) else [("n/0", 0)]
    run.write(0, work, given)
    return store


def test_counts_say_what_is_missing(tmp_path: Path) -> None:
    part = records([True, True, False])
    (result,) = Folder.open(stored(tmp_path, Records(part.columns, (Failure("n/3", "torn"),)))).results
    assert result.counts == Counts(expected=4, evaluated=3, failed=1, images=3)
    assert not result.counts.complete
    assert "partial: evaluated 3 of 4 images, 1 failed" in list(map(said, result.warnings))
    assert result.score("top1").value == pytest.approx(2 / 3)


def test_nothing_evaluated_is_no_score_and_is_said(tmp_path: Path) -> None:
    (result,) = Folder.open(stored(tmp_path, Records({}, (Failure("n/0", "torn"),)))).results
    assert result.scores == []
    assert "no sample was evaluated, so there is no score" in list(map(said, result.warnings))


def test_published_accuracy_within_reach_is_no_warning(tmp_path: Path) -> None:
    (result,) = Folder.open(stored(tmp_path, records([True, True, False, False]))).results
    assert not any("published" in warning for warning in map(said, result.warnings))


def test_published_accuracy_out_of_reach_is_a_warning(tmp_path: Path) -> None:
    data = DataIdentity("imagenet", "f", 60)
    (result,) = Folder.open(stored(tmp_path, records([False] * 60), data=data)).results
    assert any("top-1 is 0.0 on 60 images, published is 56.5" in warning for warning in map(said, result.warnings))


def accuracy_warning(value: float, n: int, samples: int) -> str:
    result = Result(
        model="alexnet",
        benchmark="imagenet-val",
        data="imagenet",
        protocol="orhan2019",
        scores=[Score("top1", value, "fraction", n)],
        counts=Counts(samples, n, 0, n),
        run=identity(data=DataIdentity("imagenet", "f", samples)),
        key="k",
        plan=Plan(whole=(0,)),
        measured={},
    )
    return " ".join(warning for warning in map(said, warnings_of(result)) if "published is 56.5" in warning)


def test_on_the_very_images_that_were_published_half_a_point_is_a_warning() -> None:
    assert not accuracy_warning(0.565, 50_000, 50_000)
    assert not accuracy_warning(0.564, 50_000, 50_000), "a tenth of a point is another decoder's"
    assert "top-1 is 56.0 on the same images" in accuracy_warning(0.56, 50_000, 50_000)
    assert "top-1 is 57.0 on the same images" in accuracy_warning(0.57, 50_000, 50_000)
    assert not accuracy_warning(0.56, 50_001, 50_001), "a set of another size holds other images"
    assert not accuracy_warning(0.56, 40_000, 50_000), "a part has other images too"


def test_clean_accuracy_of_the_same_model_stands_beside_a_shifted_set(tmp_path: Path) -> None:
    clean = {f"prediction_{name}": np.array([0, 1, 2, 7], np.int32) for name in ("imagenet-a", "imagenet-r")}
    stored(tmp_path, records([True, True, False, True], **clean))
    store = stored(tmp_path, records([True, False, False, False], **clean), benchmark="imagenet-v2")
    shifted = next(result for result in Folder.open(store).results if result.benchmark == "imagenet-v2")
    assert shifted.score("clean_top1").value == 0.75
    assert shifted.score("top1_drop").value == pytest.approx(0.5)
    headlines = [set(score.condition) <= {"protocol"} for score in shifted.scores]
    assert headlines == sorted(headlines, reverse=True)
    other = stored(tmp_path / "other", records([True] * 4, **clean), weights_sha256="another")
    stored(tmp_path / "other", records([True] * 4), benchmark="imagenet-v2")
    assert all("clean_top1" not in {s.metric for s in result.scores} for result in Folder.open(other).results)


def test_rebuilt_results_are_the_same_bytes(tmp_path: Path) -> None:
    store = stored(tmp_path, records([True, False, True, True]))
    rebuild_results(store)
    first = (tmp_path / "results.json").read_bytes()
    rebuild_results(store)
    assert (tmp_path / "results.json").read_bytes() == first


SEQUENCES = (Condition(perturbation="rotate"), Condition(perturbation="shot_noise"))


def sequences(predictions: list[list[int]], condition: int) -> Records:
    """Frames of photographs under one condition; the five first classes change places with the prediction."""
    count, frames = len(predictions), len(predictions[0])
    prediction = np.array(predictions, np.int32).ravel()
    top5 = np.array([[p, *[c for c in range(5) if c != p][:4]] for p in prediction.tolist()], np.int16)
    return Records(
        {
            "sample": np.repeat([f"n/{i}" for i in range(count)], frames),
            "condition": np.full(count * frames, condition, np.int16),
            "frame": np.tile(np.arange(frames, dtype=np.int16), count),
            "label": np.zeros(count * frames, np.int32),
            "prediction": prediction,
            "top5_class": top5,
        }
    )


def stored_sequences(folder: Path, data: DataIdentity = DATA) -> Store:
    given = Records.concatenate([sequences([[0, 1, 0], [0, 0, 0]], 0), sequences([[0, 1, 1], [2, 2, 2]], 1)])
    benchmark = BenchmarkIdentity("imagenet-p", "perturbation", "orhan2019")
    run = replace(identity(), benchmark=benchmark, data=data, conditions=SEQUENCES)
    store = Store.create(folder)
    opened = store.run(run, Plan(batch_size=8, whole=(0, 1)))
    opened.write(0, [(sample, condition) for sample in ("n/0", "n/1") for condition in (0, 1)], given)
    return store


def test_frames_of_a_sequence_count_as_one(tmp_path: Path) -> None:
    (result,) = Folder.open(stored_sequences(tmp_path)).results
    assert result.counts == Counts(expected=8, evaluated=4, failed=0, images=2)
    assert result.score("flip_probability", perturbation="rotate").value == pytest.approx((1 + 0) / 2)
    assert result.score("flip_probability", perturbation="shot_noise").value == pytest.approx((1 + 0) / 2)
    assert result.score("flip_probability", perturbation="rotate").n == 2
    assert "partial: evaluated 4 of 8 image-cells" in list(map(said, result.warnings))


def test_a_stored_baseline_divides_where_it_was_run_and_nowhere_else(tmp_path: Path) -> None:
    store = stored_sequences(tmp_path)
    stored_sequences(tmp_path, data=DataIdentity("other", "g", 4))
    own, other = Folder.open(store).results, Folder.open(store, baseline="alexnet").results
    assert [result.score("mt5d_partial").value for result in own] == [None, None]
    assert [result.score("mt5d_partial").value for result in other] == pytest.approx([1, 1])
    stored(tmp_path, records([True] * 4))
    unmoved = next(
        result for result in Folder.open(store, baseline="alexnet").results if result.benchmark == "imagenet-val"
    )
    assert not any("ratios are to" in warning for warning in map(said, unmoved.warnings))


@pytest.mark.parametrize("last", ["f1rst", "second"])
def test_of_two_stored_runs_of_the_baseline_the_one_that_was_evaluated_last_divides(last: str, tmp_path: Path) -> None:
    """Whichever of both has the smaller key."""
    store = stored_sequences(tmp_path)
    (first,) = store.runs()
    other = replace(first.run, model=replace(first.run.model, weights_sha256="f1rst"))
    still = Records.concatenate([sequences([[0, 1, 0], [0, 1, 0]], 0), sequences([[0, 1, 0], [0, 1, 0]], 1)])
    second = store.run(other, first.plan)
    second.write(0, [(sample, condition) for sample in ("n/0", "n/1") for condition in (0, 1)], still)
    for run, name, day in ((first, "second", 1), (second, "f1rst", 2)):
        run.add_measured(session_of(1, f"2026-11-0{day + 2 * (name == last)}T10:00:00+00:00"))
    found = {result.key: result for result in Folder.open(store, baseline="alexnet").results}
    key = {"second": first.key, "f1rst": second.key}[last]
    assert {result.measured["baseline"]["run"] for result in found.values()} == {key}
    assert found[key].score("mfr_partial").value == pytest.approx(1)


# What is kept, and what is computed again ---------------------------------------------------------------------------


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often rows were read, tables made and runs scored."""
    if find_spec("imagenet_x") is None:
        pytest.skip("without imagenet-x its metrics are asked for again each time")
    done: Counter[str] = Counter()

    def counting(owner: Any, name: str, label: str) -> None:
        function = getattr(owner, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            done[label] += 1
            return function(*arguments, **named)

        monkeypatch.setattr(owner, name, counted)

    counting(shards, "read", "shards")
    for card in (Classification, PerturbationCard):
        counting(card, "scores", "scores")
    counting(tables, "read_table", "tables")
    return done


def shard(store: Store, index: int, given: Records, run: Run | None = None) -> None:
    opened = store.run(run or identity(), Plan(batch_size=8, whole=(0,)))
    opened.write(index, [(sample, 0) for sample in given["sample"].tolist()], given)


def named(given: Records, prefix: str) -> Records:
    return Records({**given.columns, "sample": np.array([f"{prefix}/{i}" for i in range(len(given))])})


def test_what_was_computed_once_is_read_and_nothing_else(tmp_path: Path, work: Counter[str]) -> None:
    store = stored(tmp_path, records([True, True, False]))
    first = Folder.open(store).results
    assert work == {"shards": 1, "scores": 1}
    assert [result.as_dict() for result in Folder.open(Store.open(tmp_path)).results] == [
        result.as_dict() for result in first
    ]
    assert work == {"shards": 1, "scores": 1}
    _ = Folder.open(store, verify=True).results
    assert work == {"shards": 2, "scores": 2}, "unless it is asked for"


def test_a_second_benchmark_scores_only_itself(tmp_path: Path, work: Counter[str]) -> None:
    store = stored(tmp_path, records([True, True, False]))
    rebuild_results(store)
    work.clear()
    stored_sequences(tmp_path)
    assert len(rebuild_results(store).results) == 2
    assert work == {"shards": 1, "scores": 1}


def test_a_new_shard_is_joined_and_a_changed_one_read_again(tmp_path: Path, work: Counter[str]) -> None:
    store = Store.create(tmp_path)
    shard(store, 0, records([True, True]))
    _ = Folder.open(store).results
    work.clear()
    shard(store, 1, named(records([False]), "m"))
    (result,) = Folder.open(store).results
    assert work == {"shards": 1, "scores": 1, "tables": 1}, "the first shard is not read again"
    assert result.score("top1").value == pytest.approx(2 / 3)
    work.clear()
    (second,) = tmp_path.glob("records/*/000001-*.parquet")
    second.unlink()  # what is there is not written over
    shard(store, 1, named(records([True]), "m"))
    (result,) = Folder.open(store).results
    assert work == {"shards": 2, "scores": 1}
    assert result.score("top1").value == 1.0


def test_a_second_file_of_a_shard_never_replaces_rows_of_the_first(tmp_path: Path) -> None:
    """Whenever results are asked for: after each file, or once after both."""
    parts = (records([True, False]), records([False, False, True]))
    once, each = Store.create(tmp_path / "once"), Store.create(tmp_path / "each")
    found = []
    for given in parts:
        shard(each, 0, given)
        found.append(Folder.open(each).results[0].scores)
        shard(once, 0, given)
    assert Folder.open(once).results[0].scores == found[-1]
    assert Folder.open(once).results[0].counts.images == 3


def test_other_sources_score_anew(tmp_path: Path, work: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, records([True, True, False]))
    _ = Folder.open(store).results
    for module in (runs, store_run):
        monkeypatch.setattr(module, "sources_digest", lambda: "others")
    _ = Folder.open(store).results
    assert work == {"shards": 2, "scores": 2}


def test_a_folder_that_cannot_be_written_is_scored_all_the_same(tmp_path: Path, work: Counter[str]) -> None:
    store = stored(tmp_path, records([True, True, False]))
    (run,) = (tmp_path / "records").iterdir()
    (run / "scored").write_text("in the way")
    assert Folder.open(store).results[0].score("top1").value == pytest.approx(2 / 3)
    assert Folder.open(store).results[0].score("top1").value == pytest.approx(2 / 3)
    assert work["shards"] == 2


@pytest.mark.parametrize("name", ["memo.jsonl", "images.parquet"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"PAR1"])
def test_what_was_kept_and_is_torn_is_computed_again(tmp_path: Path, name: str, content: bytes) -> None:
    store = stored(tmp_path, records([True, True, False]))
    first = Folder.open(store).results
    (kept,) = (tmp_path / "records").glob(f"*/scored/{name}")
    kept.write_bytes(content)
    assert [result.as_dict() for result in Folder.open(store).results] == [result.as_dict() for result in first]
    shard(store, 1, named(records([False]), "m"))
    assert Folder.open(store).results[0].counts.images == 4


def test_another_baseline_is_shown_and_changes_no_file_of_results(tmp_path: Path, work: Counter[str]) -> None:
    store = stored_sequences(tmp_path)
    rebuild_results(store)
    before = (tmp_path / "results.json").read_bytes()
    (other,) = Folder.open(store, baseline="alexnet").results
    assert other.score("mt5d_partial").value == pytest.approx(1)
    assert (tmp_path / "results.json").read_bytes() == before
    work.clear()
    _ = Folder.open(store).results
    _ = Folder.open(store, baseline="alexnet").results
    assert work["scores"] == 0, "both are kept"


def test_records_that_come_while_results_are_made_are_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, records([True, True]))
    late = iter([lambda: shard(store, 1, named(records([False]), "m"))])
    scores = Classification.scores

    def slow(*arguments: Any) -> list[Score]:
        next(late, lambda: None)()
        return scores(*arguments)

    monkeypatch.setattr(Classification, "scores", slow)
    assert rebuild_results(store).results[0].counts.images == 3


def test_clean_accuracy_is_compared_once(tmp_path: Path, work: Counter[str]) -> None:
    stored(tmp_path, records([True, True, False, True]))
    store = stored(tmp_path, records([True, False, False, False]), benchmark="imagenet-v2")
    first = Folder.open(store).results
    work.clear()
    assert [result.as_dict() for result in Folder.open(store).results] == [result.as_dict() for result in first]
    assert not work


def test_clean_accuracy_is_compared_again_where_the_clean_run_has_grown(tmp_path: Path) -> None:
    store = stored(tmp_path, records([True, True]))
    stored(tmp_path, records([True, False, False, False]), benchmark="imagenet-v2")
    (shifted,) = [result for result in Folder.open(store).results if result.benchmark == "imagenet-v2"]
    assert shifted.score("clean_top1").value == 1.0
    shard(store, 1, named(records([False, False]), "m"))
    (shifted,) = [result for result in Folder.open(store).results if result.benchmark == "imagenet-v2"]
    assert shifted.score("clean_top1").value == 0.5


def test_failures_that_were_evaluated_later_are_none(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    opened = store.run(identity(), Plan(batch_size=8, whole=(0,)))
    part = records([True, True])
    opened.write(0, [("n/0", 0), ("n/1", 0), ("n/2", 0)], Records(part.columns, (Failure("n/2", "torn"),)))
    assert Folder.open(store).results[0].counts == Counts(4, 2, 1, 2)
    late = records([True, True, True]).where(np.array([2]))
    opened.write(0, [("n/2", 0)], late)
    (result,) = Folder.open(store).results
    assert (result.counts, result.failures) == (Counts(4, 3, 0, 3), ())


@pytest.mark.parametrize("scored_before", [True, False])
def test_a_card_that_is_no_longer_installed_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored_before: bool
) -> None:
    store = stored(tmp_path, records([True, True, False]))
    stored_sequences(tmp_path)
    if scored_before:
        _ = Folder.open(store).results
    monkeypatch.delitem(cards._entries, "perturbation")
    for _ in range(2):
        sequences, photographs = Folder.open(store).results
        assert photographs.score("top1").value == pytest.approx(2 / 3)
        assert bool(sequences.scores) == scored_before
        assert any("its card 'perturbation' is not installed" in warning for warning in map(said, sequences.warnings))


def test_a_damaged_shard_is_left_out_and_told_each_time(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    shard(store, 0, records([True, True]))
    shard(store, 1, named(records([False]), "m"))
    (path,) = tmp_path.glob("records/*/000001-*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    for _ in range(2):
        (result,) = Folder.open(store).results
        assert result.counts.images == 2
        assert any(path.name in warning for warning in map(said, result.warnings))


def test_a_shard_that_comes_back_with_its_size_and_time_is_read_again(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    shard(store, 0, records([True, True]))
    shard(store, 1, named(records([False]), "m"))
    (path,) = tmp_path.glob("records/*/000001-*.parquet")
    content, status = path.read_bytes(), path.stat()
    spoilt = bytearray(content)
    spoilt[20:60] = bytes(40)

    def put_back(these: bytes) -> None:
        path.write_bytes(these)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    put_back(bytes(spoilt))
    for _ in range(2):
        (result,) = Folder.open(store).results
        assert (result.counts.images, len(result.damage)) == (2, 1)
    put_back(content)
    (result,) = Folder.open(store).results
    assert (result.counts.images, list(result.damage)) == (3, [])
    (table,) = tmp_path.glob("records/*/scored/images.parquet")
    written = table.stat().st_mtime_ns
    _ = Folder.open(store).results
    assert table.stat().st_mtime_ns == written  # and is kept from then on


def test_results_of_one_table_stand_together_whatever_another_table_is_told_apart_by(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "out")
    for model in ("alexnet", "vgg16"):
        for options in ({"subset": ""}, {"subset": "robustbench"}):
            run = replace(
                identity(), model=ModelIdentity(model), benchmark=replace(identity().benchmark, options=options)
            )
            store.run(run, Plan(batch_size=8, whole=(0,))).write(0, [("n/0", 0)], records([True]))
    in_order = [("alexnet", ""), ("vgg16", ""), ("alexnet", "robustbench"), ("vgg16", "robustbench")]
    for results in (Folder.open(store).results, collect_results([str(tmp_path / "out")]).results):
        assert [(each.model, each.run.benchmark.options["subset"]) for each in results] == in_order
