"""Models of stored runs beside each other, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from hardiness.core import (
    ArgumentError,
    BenchmarkIdentity,
    Condition,
    DataIdentity,
    Failure,
    ModelIdentity,
    Plan,
    Records,
    Run,
    UnknownNameError,
)
from hardiness.reference import IMAGENET_C
from hardiness.report.comparison import comparison_tables
from hardiness.scoring.statistics.benchmark_comparison import compare
from hardiness.scoring.statistics.proportions import paired_difference
from hardiness.store import Store

CELLS = (Condition(), *(Condition(corruption=n, severity=s) for n in IMAGENET_C.members for s in IMAGENET_C.levels))


def stored(
    folder: Path,
    model: str,
    right: np.ndarray,
    start: int = 0,
    failed: int | None = None,
    benchmark: str = "imagenet-c",
) -> Store:
    """A run of that many images, numbered from ``start``, and conditions."""
    n, conditions = right.shape
    image, condition = np.repeat(np.arange(n), conditions), np.tile(np.arange(conditions), n)
    kept = np.ones(len(image), bool) if failed is None else ~((image == failed) & (condition == conditions - 1))
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
        ModelIdentity(model, model),
        BenchmarkIdentity(benchmark, "corruption" if conditions > 1 else "classification"),
        DataIdentity("imagenet", "f", n),
        conditions=CELLS[:conditions],
    )
    work = list(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True))
    store.run(identity, Plan(batch_size=8, whole=tuple(range(conditions)))).write(0, work, records)
    return store


def errors(seed: int, n: int, conditions: int, rate: float) -> np.ndarray:
    return np.random.default_rng(seed).random((n, conditions)) > rate


def test_two_models_on_the_same_images(tmp_path: Path) -> None:
    first, second = errors(0, 60, 76, 0.3), errors(1, 60, 76, 0.4)
    stored(tmp_path, "a", first)
    (found,) = compare([stored(tmp_path, "b", second)])
    assert (found.n, found.benchmark) == (60, "imagenet-c")
    scores = {score.metric: score for score in found.scores}
    assert set(scores) == {"mce", "relative_mce", "mean_error"}
    pair = scores["mean_error"].pairs["a", "b"]
    assert pair.value == pytest.approx(second[:, 1:].mean() - first[:, 1:].mean())
    assert pair.told
    assert (scores["mce"].ranks["a"].rank, scores["mce"].ranks["b"].rank) == (1, 2)
    (detail,) = found.details
    assert len(detail.cells) == 76
    exact = paired_difference(~first[:, 5], ~second[:, 5])
    assert detail.cells[5].difference.value == pytest.approx(exact.value)
    assert detail.cells[5].difference.p == pytest.approx(exact.p)
    assert detail.cells[5].difference.interval.low == pytest.approx(exact.interval.low)
    for parts in detail.parts.values():
        assert sum(part.difference.value for part in parts) == pytest.approx(pair.value)
    assert found.effective == ()
    console = Console(width=200, record=True)
    for table in comparison_tables([found]):
        console.print(table)
    text = console.export_text()
    assert "mCE" in text
    assert "60 images that all share" in text


def test_accuracy_is_compared_exactly_and_errors_for_agreement(tmp_path: Path) -> None:
    first, second = errors(2, 300, 1, 0.2), errors(3, 300, 1, 0.4)
    stored(tmp_path, "a", first, benchmark="imagenet-val")
    (found,) = compare([stored(tmp_path, "b", second, benchmark="imagenet-val")])
    top1 = next(score for score in found.scores if score.metric == "top1")
    assert top1.pairs["a", "b"] == paired_difference(first[:, 0], second[:, 0])
    assert found.details[0].kappa.kappa.value == pytest.approx(0, abs=0.15)
    assert {score.metric for score in found.scores} == {"top1", "rms_calibration_error", "aurra"}


def test_models_on_different_photographs_are_compared_unpaired_and_it_says_so(tmp_path: Path) -> None:
    stored(tmp_path, "a", errors(4, 300, 1, 0.2), benchmark="imagenet-val")
    (found,) = compare([stored(tmp_path, "b", errors(5, 300, 1, 0.4), start=5000, benchmark="imagenet-val")])
    assert found.n == 0
    assert "share no image" in found.notes[0]
    assert all(pair.method.startswith(("unpaired", "different")) for s in found.scores for pair in s.pairs.values())
    assert found.details == ()


def test_only_shared_whole_images_count_and_it_says_so(tmp_path: Path) -> None:
    stored(tmp_path, "a", errors(6, 50, 3, 0.2), failed=10)
    (found,) = compare([stored(tmp_path, "b", errors(7, 50, 3, 0.4), start=5)])
    assert found.n == 44
    assert found.notes[0] == "a: 1 images lack a condition and are left out"
    assert "a: 44 of 49 images are shared" in found.notes[1]
    assert [score.metric for score in found.scores] == ["mean_error_partial"]


def test_the_same_model_of_two_folders(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", "a", errors(8, 40, 1, 0.2), benchmark="imagenet-val")
    two = stored(tmp_path / "two", "a", errors(9, 40, 1, 0.2), benchmark="imagenet-val")
    (found,) = compare([one, two], ["a"])
    assert list(found.scores[0].values) == ["one/a", "two/a"]


def test_effective_robustness_needs_clean_photographs(tmp_path: Path) -> None:
    for model, rate in (("a", 0.3), ("b", 0.4)):
        stored(tmp_path, model, errors(10, 60, 76, rate))
        store = stored(tmp_path, model, errors(11, 60, 1, rate / 2), benchmark="imagenet-val")
    found = next(each for each in compare([store]) if each.benchmark == "imagenet-c")
    assert [each.model for each in found.effective] == ["a", "b"]
    assert all(each.interval.low < each.value < each.interval.high for each in found.effective)


def test_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    store = stored(tmp_path, "a", errors(12, 1, 1, 0.2), benchmark="imagenet-val")
    with pytest.raises(ArgumentError, match=r"needs two models that were run on one benchmark, had a$"):
        compare([store])
    stored(tmp_path, "b", errors(13, 1, 1, 0.2), benchmark="imagenet-val")
    with pytest.raises(UnknownNameError, match="unknown model to compare 'c'"):
        compare([store], ["a", "c"])
    (found,) = compare([store])
    assert not any(pair.told for score in found.scores for pair in score.pairs.values())
