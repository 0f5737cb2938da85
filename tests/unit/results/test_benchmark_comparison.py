"""Models of stored runs beside each other, and what cannot be compared."""

from __future__ import annotations

import shutil
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from one_score import paired_difference
from rich.console import Console
from scipy.stats import norm

import hardiness
from hardiness.benchmarks.card import MissingCard, card_of, cards
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run, Surrogate
from hardiness.core.table import Failure, Records
from hardiness.reference.sets import distortion_set
from hardiness.report.compared import comparison_view
from hardiness.report.format import terminal_table
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results import comparison
from hardiness.results.comparison import compare_runs, kept_comparisons
from hardiness.results.folder import Folder
from hardiness.results.measured import measured_runs
from hardiness.results.noise import Noise
from hardiness.statistics.cells import order_of_cells
from hardiness.store import run as store_run
from hardiness.store.store import Store

IMAGENET_C = distortion_set("imagenet-c")

CELLS = (Condition(), *(Condition(corruption=n, severity=s) for n in IMAGENET_C.members for s in IMAGENET_C.levels))


def stored(
    folder: Path,
    model: str,
    right: np.ndarray,
    start: int = 0,
    failed: int | None = None,
    benchmark: str = "imagenet-c",
    drawn: int | None = None,
    weights: str = "",
) -> Store:
    """A run of that many images, numbered from ``start``, and conditions; each in so many random cells if ``drawn``."""
    n, conditions = right.shape
    image, condition = np.repeat(np.arange(n), conditions), np.tile(np.arange(conditions), n)
    kept = np.ones(len(image), bool) if failed is None else ~((image == failed) & (condition == conditions - 1))
    if drawn is not None:
        kept = np.zeros(right.shape, bool)
        for row in range(n):
            kept[row, order_of_cells(0, f"n/{start + row:04d}", conditions)[:drawn]] = True
        kept = kept.ravel()
    label = (image % 7).astype(np.int32)
    columns = {
        "sample": np.array([f"n/{start + i:04d}" for i in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(len(image), np.int16),
        "label": label,
        "prediction": np.where(right.ravel(), label, 999).astype(np.int32),
        "top5_class": np.zeros((len(image), 5), np.int16),
        "confidence": np.linspace(0.1, 0.9, len(image)).astype(np.float32),
    }
    failures = () if failed is None else (Failure(f"n/{start + failed:04d}", "torn", (conditions - 1,)),)
    records = Records({name: column[kept] for name, column in columns.items()}, failures)
    store = Store.create(folder)
    identity = Run(
        ModelIdentity(model, weights or model),
        BenchmarkIdentity(benchmark, "corruption" if conditions > 1 else "classification"),
        DataIdentity("imagenet", "f", n),
        conditions=CELLS[:conditions],
    )
    work = list(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
    store.run(identity, Plan(batch_size=8, whole=tuple(range(conditions)))).write(0, work, records)
    return store


def errors(seed: int, n: int, conditions: int, rate: float) -> np.ndarray:
    return np.random.default_rng(seed).random((n, conditions)) > rate


@pytest.mark.slow
def test_without_details_the_scores_are_the_same_and_no_table_is_held(tmp_path: Path) -> None:
    for seed in range(3):
        stored(tmp_path, "abc"[seed], errors(seed, 60 - seed, 76, 0.3 + seed / 10), failed=seed + 3)
    store = stored(tmp_path, "v", errors(7, 60, 1, 0.2), benchmark="imagenet-val")
    stored(tmp_path, "a", errors(8, 60, 1, 0.2), benchmark="imagenet-val")
    whole, lean = compare_runs(Folder.open(store)), compare_runs(Folder.open(store), details=False)
    assert [repr(replace(each, details=())) for each in whole] == [repr(each) for each in lean]  # NaN is not NaN
    assert [each.n for each in lean] == [55, 60]
    (run,) = (each for each in Folder.open(store).alone if each.stored.run.model.name == "b")
    found = measured_runs({"b": run, "again": run}, tables=False)["b"]
    assert found.right.base is None
    assert (found.right.shape, found.confidence.size) == ((58, 1), 0)


@pytest.mark.slow
def test_memory_does_not_grow_by_a_table_a_model(tmp_path: Path) -> None:
    """A table of 400 images takes 180 kB, a model's scores 10."""
    for model in range(8):
        store = stored(tmp_path, f"m{model}", errors(model, 400, 76, 0.3))
    compare_runs(Folder.open(store), details=False)

    def peak(*models: str) -> int:
        tracemalloc.start()
        compare_runs(Folder.open(store), models, details=False)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    two = peak("m0", "m1")
    assert peak(*(f"m{model}" for model in range(8))) < two + 6 * 60_000


def test_two_models_on_the_same_images(tmp_path: Path) -> None:
    first, second = errors(0, 60, 76, 0.3), errors(1, 60, 76, 0.4)
    stored(tmp_path, "a", first)
    (found,) = compare_runs(Folder.open(stored(tmp_path, "b", second)))
    assert (found.n, found.benchmark) == (60, "imagenet-c")
    scores = {score.metric: score for score in found.scores}
    assert set(scores) == {"mce", "relative_mce", "mean_error"}
    pair = scores["mean_error"].pairs["a", "b"]
    assert pair.value == pytest.approx(second[:, 1:].mean() - first[:, 1:].mean())
    assert pair.is_told_apart
    assert (scores["mce"].ranks["a"].rank, scores["mce"].ranks["b"].rank) == (1, 2)
    (detail,) = found.details
    assert len(detail.cells) == 76
    exact = paired_difference(~first[:, 5], ~second[:, 5])
    assert detail.cells[5].difference.value == pytest.approx(exact.value)
    assert detail.cells[5].difference.p == pytest.approx(exact.p)
    assert detail.cells[5].difference.interval.low == pytest.approx(exact.interval.low)
    assert set(detail.parts) == {"corruption", "severity", "class"}
    assert detail.parts["class"] == [], "one image a class says nothing of a class"
    for kind in ("corruption", "severity"):
        assert sum(part.difference.value for part in detail.parts[kind]) == pytest.approx(pair.value)
    assert found.effective == {}
    console = Console(width=200, record=True)
    for table in terminal_table(comparison_view(found)):
        console.print(table)
    text = console.export_text()
    assert "mCE" in text
    assert "60 images that all share" in text


def test_accuracy_is_compared_exactly_and_errors_for_agreement(tmp_path: Path) -> None:
    first, second = errors(2, 300, 1, 0.2), errors(3, 300, 1, 0.4)
    stored(tmp_path, "a", first, benchmark="imagenet-val")
    (found,) = compare_runs(Folder.open(stored(tmp_path, "b", second, benchmark="imagenet-val")))
    top1 = next(score for score in found.scores if score.metric == "top1")
    alone, found_ = paired_difference(first[:, 0], second[:, 0]), top1.pairs["a", "b"]
    assert (found_.value, found_.method, found_.n) == (alone.value, alone.method, alone.n)
    # One pair by three scores: no p is below its own, nor an interval narrower than alone.
    assert found_.p == pytest.approx(max(3 * alone.p, 0), rel=1e-9)
    assert found_.level == pytest.approx(0.05 / 3)
    assert found_.interval.low < alone.interval.low < alone.interval.high < found_.interval.high
    assert found.details[0].kappa.kappa.value == pytest.approx(0, abs=0.15)
    assert {score.metric for score in found.scores} == {"top1", "rms_calibration_error", "aurra"}


def test_models_on_different_photographs_are_compared_unpaired_and_it_says_so(tmp_path: Path) -> None:
    stored(tmp_path, "a", errors(4, 300, 1, 0.2), benchmark="imagenet-val")
    (found,) = compare_runs(
        Folder.open(stored(tmp_path, "b", errors(5, 300, 1, 0.4), start=5000, benchmark="imagenet-val"))
    )
    assert found.n == 0
    assert "share no image" in said(found.notes[0])
    assert all(pair.method.startswith(("unpaired", "different")) for s in found.scores for pair in s.pairs.values())
    assert found.details == ()


def test_only_shared_whole_images_count_and_it_says_so(tmp_path: Path) -> None:
    stored(tmp_path, "a", errors(6, 50, 3, 0.2), failed=10)
    (found,) = compare_runs(Folder.open(stored(tmp_path, "b", errors(7, 50, 3, 0.4), start=5)))
    assert found.n == 44
    assert said(found.notes[0]) == "a: 1 image lacks a condition and is left out"
    assert "a: 44 of 49 images are shared" in said(found.notes[1])
    assert [score.metric for score in found.scores] == ["mce_partial", "relative_mce_partial", "mean_error"]


def test_the_same_model_of_two_folders(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", "a", errors(8, 40, 1, 0.2), benchmark="imagenet-val")
    two = stored(tmp_path / "two", "a", errors(9, 40, 1, 0.2), benchmark="imagenet-val", weights="others")
    (found,) = compare_runs(Folder.open(one, two), ["a"])
    assert list(found.scores[0].values) == ["one/a", "two/a"]


def test_a_run_that_several_folders_hold_counts_once(tmp_path: Path) -> None:
    """A copy of a run made two models of one, and all p were adjusted for pairs that are none."""
    one = stored(tmp_path / "one", "a", errors(8, 40, 1, 0.1), benchmark="imagenet-val")
    stored(tmp_path / "one", "b", errors(9, 40, 1, 0.4), benchmark="imagenet-val")
    (alone,) = compare_runs(Folder.open(one))
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    (beside,) = compare_runs(Folder.open(one, Store.open(tmp_path / "copy")))
    assert repr(beside) == repr(alone)

    two = stored(tmp_path / "two", "a", errors(8, 40, 1, 0.1), benchmark="imagenet-val", failed=3)
    stored(tmp_path / "two", "c", errors(10, 40, 1, 0.3), benchmark="imagenet-val")
    for order in ([one, two], [two, one]):
        (found,) = compare_runs(Folder.open(*order))
        assert sorted(found.scores[0].values) == ["one/a", "one/b", "two/c"], "where most of the run is"
        assert found.n == 40
    (found,) = hardiness.compare([tmp_path / "one", tmp_path / "copy"])
    assert list(found.keys) == ["a", "b"]

    same = [stored(tmp_path / each / "x", "a", errors(8, 40, 1, 0.1), benchmark="imagenet-val") for each in "pq"]
    with pytest.raises(ArgumentError, match=r"needs two models .*\(a run that several folders hold is one\)$"):
        compare_runs(Folder.open(*same))


@pytest.mark.slow
def test_ratios_of_comparisons_are_to_the_baseline_of_the_results(tmp_path: Path) -> None:
    """A page of a named baseline compared its models by ratios to AlexNet."""
    for model, seed, rate in (("a", 30, 0.3), ("b", 31, 0.4), ("c", 32, 0.45)):
        right = errors(seed, 60, 76, rate)
        right[:, 0] = np.arange(60) > 2  # clean photographs are easier
        store = stored(tmp_path, model, right)
    for baseline in (None, "a", None, "c"):
        found = Folder.open(store, baseline=baseline).results
        (made,) = kept_comparisons(Folder.open(store, baseline=baseline))
        for metric in ("mce", "relative_mce", "mean_error"):
            compared = next(each for each in made.scores if each.metric == metric)
            shown = {each.model: each.score(metric).value for each in found}
            assert compared.values == pytest.approx(shown)
            assert baseline is None or metric == "mean_error" or shown[baseline] == pytest.approx(1)
    with pytest.raises(ArgumentError, match="must be a model with a stored run to divide by"):
        compare_runs(Folder.open(store, baseline="other"))


def test_a_baseline_without_errors_divides_nothing(tmp_path: Path) -> None:
    for model, seed, rate in (("a", 30, 0.3), ("never wrong", 31, 0.0)):
        store = stored(tmp_path, model, errors(seed, 60, 76, rate))
    (found,) = compare_runs(Folder.open(store, baseline="never wrong"))
    assert [each.metric for each in found.scores] == ["mean_error"]


def test_no_rows_of_a_model_alone_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path, "a", errors(12, 1, 1, 0.2), benchmark="imagenet-val")
    monkeypatch.delattr(comparison, "measured_runs")
    assert kept_comparisons(Folder.open(store)) == []


def test_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    store = stored(tmp_path, "a", errors(12, 1, 1, 0.2), benchmark="imagenet-val")
    with pytest.raises(ArgumentError, match=r"needs two models that were run on one benchmark and .*, had a$"):
        compare_runs(Folder.open(store))
    other = stored(tmp_path / "other", "a", errors(12, 1, 76, 0.2))
    with pytest.raises(ArgumentError, match=r"had .*/a \(imagenet-val on \w+\); other/a \(imagenet-c on \w+\)$"):
        compare_runs(Folder.open(store, other))
    stored(tmp_path, "b", errors(13, 1, 1, 0.2), benchmark="imagenet-val")
    with pytest.raises(UnknownNameError, match="unknown model to compare 'c'"):
        compare_runs(Folder.open(store), ["a", "c"])
    (found,) = compare_runs(Folder.open(store))
    assert not any(pair.is_told_apart for score in found.scores for pair in score.pairs.values())


def attacked(folder: Path, model: str, right: np.ndarray, surrogate: str) -> Store:
    """A run of an attack made on another model: clean answers, and those under one epsilon."""
    n = len(right)
    conditions = (Condition(), Condition(epsilon=0.06, steps=10, surrogate=surrogate))
    image, condition = np.repeat(np.arange(n), 2), np.tile(np.arange(2), n)
    label = image.astype(np.int32)
    records = Records(
        {
            "sample": np.array([f"n/{i:04d}" for i in image]),
            "condition": condition.astype(np.int16),
            "frame": np.zeros(len(image), np.int16),
            "label": label,
            "prediction": np.where(right.ravel(), label, label + 1).astype(np.int32),
            "confidence": np.full(len(image), 0.5, np.float32),
            "target": np.full(len(image), -1, np.int32),
        }
    )
    identity = Run(
        ModelIdentity(model, model),
        BenchmarkIdentity("blackbox", "attack", "orhan2019"),
        DataIdentity("imagenet", "f", n),
        conditions=conditions,
        surrogate=Surrogate(surrogate, surrogate),
    )
    store = Store.create(folder)
    work = list(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
    store.run(identity, Plan(batch_size=8, whole=(0, 1))).write(0, work, records)
    return store


def test_runs_of_several_surrogates_are_kept_apart(tmp_path: Path) -> None:
    for surrogate, rate in (("s", 0.2), ("t", 0.5)):
        attacked(tmp_path, "a", errors(20, 80, 2, rate), surrogate)
        store = attacked(tmp_path, "b", errors(21, 80, 2, rate), surrogate)
    found = compare_runs(Folder.open(store))
    assert len(found) == 2
    assert [each.variant[1].endswith("s") for each in found] == [True, False]
    values = [next(s for s in each.scores if s.metric == "accuracy").values["a"] for each in found]
    assert values[0] == pytest.approx(errors(20, 80, 2, 0.2)[:, 1].mean())
    assert values[1] == pytest.approx(errors(20, 80, 2, 0.5)[:, 1].mean())
    assert found[0].heading.startswith("blackbox on imagenet, ")


def test_models_are_shown_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    for model in "abc":
        store = stored(tmp_path, model, errors(ord(model), 60, 1, 0.3), benchmark="imagenet-val")
    (found,) = compare_runs(Folder.open(store), ["c", "a"])
    assert list(found.scores[0].values) == ["c", "a"]
    assert found.details[0].first == "c"


def test_kappa_is_there_for_runs_of_many_conditions(tmp_path: Path) -> None:
    alike = errors(22, 120, 6, 0.3)
    stored(tmp_path, "a", alike)
    (found,) = compare_runs(Folder.open(stored(tmp_path, "b", alike)))
    kappa = found.details[0].kappa
    assert kappa is not None
    assert kappa.kappa.value == pytest.approx(1.0)
    text = " ".join(comparison_view(found).notes)
    assert "a and b, consistency of errors: kappa 1.00" in text
    assert "a and b differ under 0 of 6 conditions (of 20 such 1 may be false" in text
    assert "mean error by class" in text


def test_a_run_with_failures_keeps_the_whole_score(tmp_path: Path) -> None:
    stored(tmp_path, "a", errors(23, 40, 76, 0.3), failed=3)
    (found,) = compare_runs(Folder.open(stored(tmp_path, "b", errors(24, 40, 76, 0.3))))
    assert [score.metric for score in found.scores] == ["mce", "relative_mce", "mean_error"]
    assert (found.n, said(found.notes[0])) == (39, "a: 1 image lacks a condition and is left out")
    bare = stored(tmp_path / "all", "a", errors(25, 40, 1, 0.3), benchmark="imagenet-val", failed=3)
    (plain,) = compare_runs(
        Folder.open(*[stored(tmp_path / "all", "b", errors(26, 40, 1, 0.3), benchmark="imagenet-val"), bare][:1])
    )
    assert said(plain.notes[0]) == "a: 1 image could not be evaluated and is left out"


@pytest.mark.slow
def test_a_comparison_is_kept_until_what_it_is_of_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model, seed in (("a", 0), ("b", 1), ("c", 2)):
        store = stored(tmp_path, model, errors(seed, 30, 1, 0.2 + 0.1 * seed), benchmark="imagenet-val")
    asked: list[object] = []
    monkeypatch.setattr(
        comparison, "measured_runs", lambda runs, **named: asked.append(list(runs)) or measured_runs(runs, **named)
    )

    def shown(*models: str) -> tuple[str, bool]:
        asked.clear()
        return repr(compare_runs(Folder.open(store), models, details=False)), bool(asked)

    made, _ = shown()
    assert shown() == (made, False), "it was kept"
    for scored in tmp_path.glob("records/*/scored"):
        shutil.rmtree(scored)
    assert shown() == (made, True), "what was kept is what is computed"
    (memo,) = (path for path in tmp_path.glob("records/*/scored/memo.jsonl") if '"comparison ' in path.read_text())
    for damage in (memo.read_text().replace('"higher_is_better": true', '"higher_is_better": false'), "{", "[]"):
        memo.write_text(damage)
        assert shown() == (made, True)
    assert shown("c", "a")[1]
    assert not shown("c", "a")[1], "each choice of models is kept"
    assert not shown()[1]
    for run in store.runs():
        Noise(run.key, "a", "imagenet-val", "imagenet", (), {}).keep(store)
    assert shown() == (made, True), "a difference is nothing where noise has been measured since"
    monkeypatch.setattr(store_run, "sources_digest", lambda: "others")
    assert shown() == (made, True)
    run = next(run for run in store.runs() if run.run.model.name == "c")
    more = Records({name: column[:1] for name, column in next(run.parts()).columns.items()})
    run.write(1, [("n/9999", 0)], Records({**more.columns, "sample": np.array(["n/9999"])}))
    again, computed = shown()
    assert computed
    assert "'shared': 30" in again
    stored(tmp_path, "d", errors(3, 30, 1, 0.9), benchmark="imagenet-val")
    (now,) = compare_runs(Folder.open(store), details=False)
    assert set(now.scores[0].values) == {"a", "b", "c", "d"}


def test_a_kept_comparison_is_of_what_each_run_is_divided_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model, seed in (("a", 0), ("b", 1)):
        store = stored(tmp_path, model, errors(seed, 30, 1, 0.3), benchmark="imagenet-val")
    divisors, asked = {"a": 1.0, "b": 1.0}, []
    base = SimpleNamespace(model="x", of_run=lambda run: {"error": divisors[run.stored.run.model.name]})
    monkeypatch.setattr(Folder, "baseline", base)
    monkeypatch.setattr(
        comparison, "measured_runs", lambda runs, **named: asked.append(1) or measured_runs(runs, **named)
    )
    for times in (1, 1, 2, 3):
        divisors |= {2: {"a": 2.0}, 3: {"b": 2.0}}.get(times, {})
        compare_runs(Folder.open(store, baseline="x"), details=False)
        assert len(asked) == times


def test_where_nothing_can_be_written_a_comparison_is_the_same(tmp_path: Path) -> None:
    for model, seed in (("a", 0), ("b", 1)):
        store = stored(tmp_path, model, errors(seed, 30, 1, 0.3), benchmark="imagenet-val")
    made = repr(compare_runs(Folder.open(store)))
    for scored in tmp_path.glob("records/*/scored"):
        shutil.rmtree(scored)
        scored.write_text("in the way")
    assert repr(compare_runs(Folder.open(store))) == made


def test_of_many_pairs_those_that_stand_next_to_each_other_are_shown(tmp_path: Path) -> None:
    for model, rate in (("a", 0.5), ("b", 0.1), ("c", 0.8), ("d", 0.3)):
        store = stored(tmp_path, model, errors(1, 60, 1, rate), benchmark="imagenet-val")
    (found,) = compare_runs(Folder.open(store))
    defined = [score for score in found.scores if score.metric != "rms_calibration_error"]
    scores = len(defined)
    whole = comparison_view(found, rows_most=6 * scores)
    why = "it needs 200 images, had 60"
    assert f"RMS calibration error (hendrycks2019) is undefined: {why}" in whole.notes, "and has no rows"
    assert len(whole.rows) == 6 * scores
    assert whole.rows == comparison_view(found).rows
    assert not any("are shown" in note for note in whole.notes)
    few = comparison_view(found, rows_most=10)
    shown = [tuple(sorted(cell.partition("\n")[0] for cell in row[1:3])) for row in few.rows]
    assert len(shown) == 9, "six pairs of the first score, three neighbours of the second"
    assert len(set(shown[:6])) == 6
    order = sorted("abcd", key=lambda model: defined[1].values[model])
    assert {frozenset(pair) for pair in shown[6:]} == {frozenset(pair) for pair in pairwise(order)}
    assert few.notes[0] == f"9 of {6 * scores} differences are shown; 'hardiness compare' has all"
    about_pairs = [note for note in few.notes if note.startswith(("b and c", "a and b", "c and d"))]
    assert about_pairs == [], "nothing is said of models that do not stand next to each other"
    assert any(note.startswith("b and d") for note in few.notes)
    one = comparison_view(found, rows_most=2)
    assert len(one.rows) == 3, "the first score is there in any case"


@pytest.mark.slow
def test_random_cells_are_compared_where_all_models_have_them(tmp_path: Path) -> None:
    """A precision target leaves each image with a few cells: those of the smaller draw are in the larger one too."""
    first, second = errors(0, 600, 76, 0.30), errors(1, 600, 76, 0.45)
    stored(tmp_path, "a", first, drawn=2)
    store = stored(tmp_path, "b", second, drawn=3)
    stored(tmp_path, "whole", second)
    (found,) = compare_runs(Folder.open(store))
    scores = {score.metric: score for score in found.scores}
    shared = np.zeros(first.shape, bool)
    for row in range(600):
        shared[row, order_of_cells(0, f"n/{row:04d}", 76)[:2]] = True
    wrong = [np.where(shared, ~right, np.nan)[:, 1:] for right in (first, second)]
    means = [float(np.nanmean(side, axis=0).mean()) for side in wrong]
    apart = scores["mean_error"].pairs["a", "b"]
    assert list(scores["mean_error"].values.values()) == pytest.approx([means[0], means[1], means[1]])
    assert apart.value == pytest.approx(means[0] - means[1])
    assert apart.interval is not None
    # As exact as 1,200 throws each of two coins, of which the clean one in 76 does not count.
    throws = 1200 * 75 / 76
    half = norm.isf(apart.level / 2) * np.sqrt((0.30 * 0.70 + 0.45 * 0.55) / throws)
    assert (apart.interval.high - apart.interval.low) / 2 == pytest.approx(half, rel=0.15)
    assert scores["mean_error"].pairs["b", "whole"].value == 0.0
    assert (found.n, found.details) == (600, ())
    assert "images have some random cells each" in said(found.notes[0])


@pytest.mark.slow
def test_a_few_images_in_random_cells_have_no_interval(tmp_path: Path) -> None:
    stored(tmp_path, "a", errors(0, 250, 76, 0.3), drawn=2)
    store = stored(tmp_path, "b", errors(1, 250, 76, 0.4), drawn=2)
    (found,) = compare_runs(Folder.open(store))
    apart = found.scores[0].pairs["a", "b"]
    assert apart.interval is None
    assert why(apart.lack) == "a cell has 1 images, and 5 are needed"
    unequal = stored(tmp_path / "other", "c", errors(1, 250, 76, 0.4), start=1000, drawn=4)
    (unpaired,) = compare_runs(Folder.open(store, unequal), ["a", "c"])
    assert unpaired.n == 0


@pytest.mark.parametrize("method", ["measurables", "variant"])
def test_a_card_of_a_package_that_fails_where_runs_are_compared_is_given_up(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It ended each command that reads stored results, and the line named no package."""
    right = np.ones((6, 1), bool)
    stores = [stored(tmp_path / model, model, right, benchmark="imagenet-val") for model in ("a", "b")]
    assert len(kept_comparisons(Folder.open(*stores))) == 1
    run = stores[0].runs()[0].run

    def fails(*_arguments: object) -> None:
        raise ValueError("in two\nlines")

    failing = type("Failing", (type(card_of(run)),), {method: fails, "__module__": "stranger"})()
    cards.names()  # loads all, so that none is loaded into what is put back at the end
    monkeypatch.setattr(cards, "_entries", {**cards._entries, run.benchmark.card: (failing, "stranger:Failing")})
    monkeypatch.setattr(cards, "_refused", dict(cards._refused))
    assert kept_comparisons(Folder.open(*stores)) == []
    assert [record.message for record in caplog.records] == [
        f"card {run.benchmark.card!r} of stranger:Failing failed: ValueError: in two; mend or uninstall it"
    ]
    assert isinstance(card_of(run), MissingCard), "from then on"
