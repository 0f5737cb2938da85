"""Noise of the protocol: what a setting moves, kept as a record, and what compare makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from answers import stored
from one_score import paired_difference

from hardiness.core.condition import Condition
from hardiness.core.errors import StoreError
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Run
from hardiness.core.table import ImageTable
from hardiness.report.compared import comparison_view
from hardiness.report.sections import sections
from hardiness.report.table_rows import rows_of
from hardiness.report.words import text
from hardiness.results.comparison import compare_runs
from hardiness.results.folder import Folder
from hardiness.results.measured import RunByImage, measured
from hardiness.results.noise import FOLDER, Noise, SettingEffect, moved_by, stored_noise
from hardiness.statistics.comparison import ScoreComparison
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.store.store import Store


def by_image(right: np.ndarray, start: int = 0) -> RunByImage:
    """A run of plain classification."""
    n = len(right)
    run = Run(ModelIdentity("m"), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("d", "f", n))
    answers = right[:, None].astype(np.int8)
    columns = {"right": answers, "right_top5": answers, "confidence": np.linspace(0.1, 0.9, n)[:, None]}
    ids = np.array([f"{start + k:04d}" for k in range(n)], object)
    table = ImageTable(ids, np.zeros(n, np.int32), (Condition(),), np.zeros(1, np.int16), columns)
    found = measured(table, run)
    assert found is not None
    return found


def test_what_a_setting_moves_is_the_paired_difference_on_shared_images() -> None:
    usual, varied = np.arange(300) >= 40, np.arange(300) >= 46
    effects = moved_by("resize", "x", by_image(usual), by_image(varied))
    top1 = next(each for each in effects if each.moved.metric == "top1")
    exact = paired_difference(varied, usual)
    assert (top1.moved.value, top1.moved.interval, top1.moved.n) == (exact.value, exact.interval, 300)
    assert top1.moved.value == pytest.approx(-6 / 300)
    several = moved_by("resize", "x", by_image(usual), by_image(varied), 4)
    among_four = next(each.moved for each in several if each.moved.metric == "top1").interval
    assert exact.spread is not None
    assert among_four == exact.spread.ends(0.05 / 4), "all four settings hold at once"
    assert top1.otherwise == 6
    assert top1.usual == pytest.approx(260 / 300)
    apart = moved_by("resize", "x", by_image(usual), by_image(varied[100:], start=100))
    assert {each.moved.n for each in apart} == {200}
    assert moved_by("resize", "x", by_image(usual), by_image(varied, start=1000)) == []


def top1_moved(value: float, low: float, high: float, n: int = 300) -> Score:
    return Score("top1", value, "fraction", n, TwoEnds(value, low, high))


def record(key: str, value: float) -> Noise:
    moved = SettingEffect("precision", "bf16", "top-1", 0.9, top1_moved(value, value - 0.01, value + 0.01), 3)
    smaller = replace(moved, setting="x", moved=top1_moved(0.001, 0.0005, 0.002))
    return Noise(key, "a", "imagenet-val", "imagenet", (smaller, moved), {"runtime, torch": "why"})


def test_a_record_is_read_as_it_was_kept(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    assert stored_noise([store]) == {}
    kept = record("k", -0.02)
    assert kept.keep(store) == f"{tmp_path}/{FOLDER}/k.json"
    assert stored_noise([store]) == {"k": kept}
    assert kept.least("top1", Condition()) == (0.01, 300)
    assert kept.least("aurra", Condition()) == (0.0, 0)
    text = kept.view()
    assert text.rows[0][1:4] == ("precision: bf16", "90.00", "-2.00")
    assert "runtime, torch: why" in text.notes[0]
    assert text.notes[1] == "300 images do not show what turns fewer than 1.3 % of answers"
    (tmp_path / FOLDER / "k.json").write_text('{"key": 1}')
    with pytest.raises(StoreError, match=r"k\.json must have the field 'benchmark', and has none; delete it and"):
        stored_noise([store])


def test_what_rounds_to_nothing_has_the_sign_of_nothing() -> None:
    smaller, _ = record("k", -0.02).moved
    nothing = replace(smaller, moved=top1_moved(-1e-9, -1e-9, 1e-9))
    assert nothing.as_row()[3:5] == ("+0.00", "+0.00 … +0.00")


def test_one_image_says_how_little_it_shows() -> None:
    one = by_image(np.ones(1, bool))
    found = Noise("k", "a", "imagenet-val", "imagenet", tuple(moved_by("resize", "x", one, one)))
    assert [(each.moved.metric, each.moved.n, each.moved.value) for each in found.moved] == [
        ("top1", 1, 0.0),
        ("aurra", 1, 0.0),
    ]
    assert "1 image does not show what turns fewer than 79 % of answers" in found.view().notes


def test_a_score_without_an_interval_says_why(tmp_path: Path) -> None:
    few = by_image(np.arange(16) >= 12)
    found = Noise("k", "a", "imagenet-val", "imagenet", tuple(moved_by("resize", "x", few, few)))
    assert {each.moved.metric: bool(each.moved.interval) for each in found.moved} == {"top1": True, "aurra": False}
    says = "AURRA has no interval: it needs 10 errors and 10 right answers, had 12 and 4"
    assert found.view(text).notes[0] == says
    store = Store.create(tmp_path)
    found.keep(store)
    assert stored_noise([store]) == {"k": found}


def top1_of(store: Store) -> ScoreComparison:
    (found,) = compare_runs(Folder.open(store))
    return next(each for each in found.scores if each.metric == "top1")


@pytest.mark.slow
def test_a_difference_within_the_noise_is_called_nothing(tmp_path: Path) -> None:
    """Where some setting moves the score by more, as far as its interval tells; and of nobody else's pairs."""
    images = np.arange(400)
    stored(tmp_path, "a", images >= 40)
    stored(tmp_path, "b", images >= 60)
    store = stored(tmp_path, "c", images >= 90)
    pairs = list(top1_of(store).pairs)
    assert all(top1_of(store).is_told_apart(pair) for pair in pairs)
    key = next(run.key for run in store.runs() if run.run.model.name == "b")
    record(key, 0.09).keep(store)
    score = top1_of(store)
    assert score.noise == {"b": (pytest.approx(0.08), 300)}
    assert {pair: score.is_told_apart(pair) for pair in pairs} == {pair: "b" not in pair for pair in pairs}
    (compared_,) = compare_runs(Folder.open(store))
    said = [text for row in comparison_view(compared_).rows for text in row if "nothing" in text]
    assert said.count("nothing: noise 8.00 (n = 300)") == 2
    assert difference_of(score, ("a", "c")) == pytest.approx(0.125)


def test_a_movement_that_may_be_none_makes_nothing_of_no_difference(tmp_path: Path) -> None:
    """On 16 images a point estimate can be as large as any difference."""
    images = np.arange(400)
    stored(tmp_path, "a", images >= 40)
    store = stored(tmp_path, "b", images >= 60)
    key = next(run.key for run in store.runs() if run.run.model.name == "b")
    few = replace(record(key, -0.3).moved[1], moved=top1_moved(-0.3, -0.7, 0.1, 16))
    Noise(key, "b", "imagenet-val", "imagenet", (few,)).keep(store)
    score = top1_of(store)
    assert score.noise == {}
    assert all(score.is_told_apart(pair) for pair in score.pairs)


def test_the_page_shows_no_movement_that_may_be_none(tmp_path: Path) -> None:
    """On 16 images the largest point estimate is no noise, neither for the verdicts nor on the page."""
    store = stored(tmp_path, "a", np.arange(60) >= 12)
    (run,) = store.runs()
    few = replace(record(run.key, -0.3).moved[1], moved=top1_moved(-0.3, -0.7, 0.1, 16))
    Noise(run.key, "a", "imagenet-val", "imagenet", (few,)).keep(store)
    (result,) = Folder.open(store).results
    assert result.details["noise"] == [{"metric": "top1", "condition": {}, "noise": 0.0, "n": 0}]
    (row,) = rows_of(sections([result])[0])
    assert not any(cell.noise or cell.noise_text for cell in row.cells if cell)


def difference_of(score: ScoreComparison, pair: tuple[str, str]) -> float:
    return abs(score.pairs[pair].value)


def test_results_carry_it_for_the_page_and_a_damaged_record_costs_them_nothing(tmp_path: Path) -> None:
    store = stored(tmp_path, "a", np.arange(60) >= 12)
    (run,) = store.runs()
    record(run.key, 0.03).keep(store)
    (result,) = Folder.open(store).results
    assert result.details["noise"] == [{"metric": "top1", "condition": {}, "noise": pytest.approx(0.02), "n": 300}]
    (row,) = rows_of(sections([result])[0])
    assert [cell.noise_text for cell in row.cells if cell][:1] == ["at least ±2.00 (n = 300)"]
    (tmp_path / FOLDER / f"{run.key}.json").write_text("[]")
    (result,) = Folder.open(store).results
    assert "noise" not in result.details


@pytest.mark.slow
def test_settings_without_an_effect_seldom_seem_to_move_a_score() -> None:
    """Five settings turn 3 % of the answers, as many either way: one by one they moved top-1 in 17 to 20 %."""
    draws, runs, moves, settings = np.random.default_rng(8), 400, 0, 5
    for _ in range(runs):
        right = draws.random(250) < 0.5
        usual, found = by_image(right), []
        for _ in range(settings):
            varied = by_image(right ^ (draws.random(250) < 0.03))
            found += [each for each in moved_by("f", "s", usual, varied, settings) if each.moved.metric == "top1"]
        moves += Noise("k", "a", "imagenet-val", "imagenet", tuple(found)).least("top1", Condition())[0] > 0
    assert moves / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
