"""From stored records to results: counts, warnings, comparisons, and pages that escape what they are given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from hardiness.core import (
    BenchmarkIdentity,
    Condition,
    Counts,
    DataIdentity,
    Failure,
    Interval,
    ModelIdentity,
    Plan,
    Records,
    Result,
    Run,
    Score,
)
from hardiness.report import rebuild, score_tables, write_page
from hardiness.report.format import number
from hardiness.report.grids import grid_of
from hardiness.report.results import results
from hardiness.store import Store

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
    (result,) = results(stored(tmp_path, Records(part.columns, (Failure("n/3", "torn"),))))
    assert result.counts == Counts(expected=4, evaluated=3, failed=1)
    assert not result.counts.complete
    assert "partial: 3 of 4 evaluated, 1 failed" in result.warnings
    assert result.score("top1").value == pytest.approx(2 / 3)


def test_nothing_evaluated_is_no_score_and_is_said(tmp_path: Path) -> None:
    (result,) = results(stored(tmp_path, Records({}, (Failure("n/0", "torn"),))))
    assert result.scores == []
    assert "no sample was evaluated, so there is no score" in result.warnings


def test_published_accuracy_within_reach_is_no_warning(tmp_path: Path) -> None:
    (result,) = results(stored(tmp_path, records([True, True, False, False])))
    assert not any("published" in warning for warning in result.warnings)


def test_published_accuracy_out_of_reach_is_a_warning(tmp_path: Path) -> None:
    data = DataIdentity("imagenet", "f", 60)
    (result,) = results(stored(tmp_path, records([False] * 60), data=data))
    assert any("top-1 is 0.0 on 60 images, published is 56.5" in warning for warning in result.warnings)


def test_clean_accuracy_of_the_same_model_stands_beside_a_shifted_set(tmp_path: Path) -> None:
    clean = {f"prediction_{name}": np.array([0, 1, 2, 7], np.int32) for name in ("imagenet-a", "imagenet-r")}
    stored(tmp_path, records([True, True, False, True], **clean))
    store = stored(tmp_path, records([True, False, False, False], **clean), benchmark="imagenet-v2")
    shifted = next(result for result in results(store) if result.benchmark == "imagenet-v2")
    assert shifted.score("clean_top1").value == 0.75
    assert shifted.score("top1_drop").value == pytest.approx(0.5)
    headlines = [set(score.condition) <= {"protocol"} for score in shifted.scores]
    assert headlines == sorted(headlines, reverse=True)
    other = stored(tmp_path / "other", records([True] * 4, **clean), weights_sha256="another")
    stored(tmp_path / "other", records([True] * 4), benchmark="imagenet-v2")
    assert all("clean_top1" not in {s.metric for s in result.scores} for result in results(other))


def test_rebuilt_results_are_the_same_bytes(tmp_path: Path) -> None:
    store = stored(tmp_path, records([True, False, True, True]))
    rebuild(store)
    first = (tmp_path / "results.json").read_bytes()
    rebuild(store)
    assert (tmp_path / "results.json").read_bytes() == first


def result_of(*scores: Score, model: str = "m", warnings: tuple[str, ...] = ()) -> Result:
    run = identity()
    return Result(
        model, "imagenet-val", "imagenet", "orhan2019", scores, Counts(4, 4, 0), run, {"sessions": []}, (), warnings
    )


def printed(results: list[Result], everything: bool = False) -> str:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for table in score_tables(results, everything):
        console.print(table)
    console.file.close()
    return console.export_text()


def test_percent_is_made_here_and_only_of_fractions() -> None:
    assert number(0.4567, "fraction") == "45.7"
    assert number(0.4567, "ratio") == "45.7"
    assert number(1.23456, "top-5 distance") == "1.23"


def test_a_note_shared_by_all_models_is_said_once() -> None:
    top1 = Score("top1", 0.5, "fraction", 4, Interval(0.2, 0.8))
    undefined = Score("aurra", None, "fraction", 4, reason="too few")
    text = printed([result_of(top1, undefined, model=name, warnings=("partial",)) for name in ("a", "b")])
    assert text.count("partial") == 1
    assert text.count("AURRA is undefined: too few") == 1
    assert "20.0–80.0" in text
    alone = printed([result_of(top1, model="a", warnings=("odd",)), result_of(top1, model="b")])
    assert "a: odd" in alone


def cells() -> list[Score]:
    def score(metric: str, value: float, **condition: Any) -> Score:
        return Score(metric, value, "fraction", 4, higher_is_better=False, condition=Condition(**condition))

    return [
        score("mean_error", 0.3),
        score("error", 0.25, corruption="fog"),
        score("ce", 0.6, corruption="fog"),
        score("error", 0.2, severity=1),
        score("error", 0.2, corruption="fog", severity=1),
        score("error", 0.3, corruption="fog", severity=2),
    ]


def test_cells_become_a_grid() -> None:
    grid = grid_of(result_of(*cells()))
    assert grid is not None
    assert grid.heads == ("severity 1", "severity 2", "mean", "CE")
    ((name, row),) = grid.rows
    assert name == "fog"
    assert [cell.text for cell in row] == ["20.0", "30.0", "25.0", "60.0"]
    assert row[-1].share is None
    assert grid_of(result_of()) is None
    assert "20.0" in printed([result_of(*cells())], everything=True)


def test_a_page_escapes_names_and_stands_alone(tmp_path: Path) -> None:
    top1 = Score("top1", 0.5, "fraction", 4, Interval(0.2, 0.8))
    odd = "<script>alert(1)</script>"
    write_page([result_of(top1, *cells(), model=odd, warnings=(odd,))], tmp_path / "page.html", odd)
    page = (tmp_path / "page.html").read_text()
    assert odd not in page
    assert "&lt;script&gt;" in page
    assert "50.0" in page
    assert "error by corruption and severity" in page
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page


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
    (result,) = results(stored_sequences(tmp_path))
    assert result.counts == Counts(expected=8, evaluated=4, failed=0)
    assert result.score("flip_probability", perturbation="rotate").value == pytest.approx((1 + 0) / 2)
    assert result.score("flip_probability", perturbation="shot_noise").value == pytest.approx((1 + 0) / 2)
    assert result.score("flip_probability", perturbation="rotate").n == 2


def test_a_stand_in_divides_where_it_was_run_and_nowhere_else(tmp_path: Path) -> None:
    store = stored_sequences(tmp_path)
    stored_sequences(tmp_path, data=DataIdentity("other", "g", 4))
    own, other = results(store), results(store, "alexnet")
    assert [result.score("mt5d_partial").value for result in own] == [None, None]
    assert [result.score("mt5d_partial").value for result in other] == pytest.approx([1, 1])
    stored(tmp_path, records([True] * 4))
    unmoved = next(result for result in results(store, "alexnet") if result.benchmark == "imagenet-val")
    assert not any("ratios are to" in warning for warning in unmoved.warnings)


def test_sequences_become_a_grid_with_the_columns_that_there_are(tmp_path: Path) -> None:
    (result,) = results(stored_sequences(tmp_path))
    grid = grid_of(result)
    assert grid is not None
    assert grid.heads == ("flip probability", "flip rate", "top-5 distance")
    assert [name for name, _ in grid.rows] == ["shot noise", "rotate"], "in the published order"
    assert [cell.text for cell in grid.rows[1][1]] == ["50.0", "381.6", "1"]
    (divided,) = results(stored_sequences(tmp_path), "alexnet")
    grid = grid_of(divided)
    assert grid is not None
    assert grid.heads[-1] == "T5D"
