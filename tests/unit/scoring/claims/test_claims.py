"""Claims on the published numbers give what the paper says; on others they fail, or stay open, with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hardiness.core import (
    BenchmarkIdentity,
    Condition,
    Counts,
    DataIdentity,
    Interval,
    ModelIdentity,
    Plan,
    Records,
    Result,
    Run,
    Score,
)
from hardiness.scoring import results
from hardiness.scoring.claims import (
    Known,
    Models,
    Subject,
    from_results,
    judged,
    paired_draws,
    published_models,
    registry,
)
from hardiness.scoring.claims.claim import FAILS, HOLDS, OPEN, contrast, falls_with_size
from hardiness.store import Store


def changed(models: Models, number: str, *values: float, n: int | None = None) -> Models:
    """The same models with other values of one number, and its error for another n."""
    family = []
    for subject, value in zip(models.family, values, strict=True):
        known = subject.numbers[number]
        scale = (known.n / n) ** 0.5 if n else 1.0
        other = replace(known, value=value, n=n or known.n, standard_error=known.standard_error * scale)
        family.append(Subject(subject.model, {**subject.numbers, number: other}))
    return Models(family, models.reference)


@pytest.mark.parametrize("name", registry.names())
def test_on_the_published_numbers_every_claim_holds(name: str) -> None:
    found = registry.get(name).judge(published_models())
    assert found.verdict == HOLDS, found.reason
    assert found.contrasts
    assert all(each.value > 0 for each in found.contrasts)


def test_the_six_claims_are_there_with_their_sources() -> None:
    assert len(registry.names()) == 6
    for name in registry:
        claim = registry.get(name)
        assert claim.sentence.endswith(".")
        assert "arXiv:1907.07640" in claim.source


@pytest.mark.parametrize(
    ("name", "number", "values"),
    [
        ("corruption_gain", "corrupted_error", (0.41, 0.41, 0.41, 0.41)),
        ("whitebox_collapse", "whitebox_accuracy", (0.001, 0.3, 0.001, 0.001)),
        ("shape_bias_gap", "shape_bias", (0.4, 0.4, 0.1, 0.4)),
        ("shape_bias_gap", "shape_bias", (0.4, 0.97, 0.4, 0.4)),
        ("blackbox_loss", "blackbox_accuracy", (0.8, 0.8, 0.8, 0.6)),
        ("calibration_with_size", "calibration_error", (0.1, 0.15, 0.2, 0.25)),
        ("stability_with_size", "mfr", (0.4, 0.2, 0.5, 0.1)),
    ],
)
def test_each_claim_can_fail(name: str, number: str, values: tuple[float, ...]) -> None:
    found = registry.get(name).judge(changed(published_models(), number, *values))
    assert found.verdict == FAILS
    assert found.reason.startswith("against it: ")


@pytest.mark.parametrize(
    ("name", "number", "values"),
    [
        ("corruption_gain", "corrupted_error", (0.4, 0.4, 0.4, 0.36)),
        ("calibration_with_size", "calibration_error", (0.27, 0.26, 0.25, 0.24)),
        ("shape_bias_gap", "shape_bias", (0.3, 0.3, 0.3, 0.3)),
    ],
)
def test_with_few_images_nothing_can_be_told(name: str, number: str, values: tuple[float, ...]) -> None:
    found = registry.get(name).judge(changed(published_models(), number, *values, n=50))
    assert found.verdict == OPEN
    assert found.reason.startswith("not told from zero: ")


def test_what_is_missing_is_named() -> None:
    models = published_models()
    alone = Models(models.family[:1], None)
    assert registry.get("stability_with_size").judge(alone).reason == (
        "it needs 2 models of one family, smallest first, had 1"
    )
    assert "no reference model" in registry.get("shape_bias_gap").judge(Models(models.family)).reason
    bare = Models([Subject("a", {}), Subject("b", {})])
    assert registry.get("stability_with_size").judge(bare).reason == "a has no mfr"


def test_a_claim_of_the_family_asks_nothing_of_the_reference() -> None:
    models = published_models()
    bare = Models(models.family, Subject("reference", {}))
    assert registry.get("calibration_with_size").judge(bare).verdict == HOLDS
    assert registry.get("blackbox_loss").judge(bare).reason == "reference has no blackbox clean accuracy"


def test_contrasts_are_paired_where_the_draws_are_the_same() -> None:
    generator = np.random.default_rng(0)
    shared, own = generator.normal(size=1000), 0.1 * generator.normal(size=1000)
    first, second = Known(0.5, 100, 1.0, shared, "x"), Known(0.2, 100, 1.0, shared + own, "x")
    assert contrast("paired", [(1.0, first), (-1.0, second)]).standard_error == pytest.approx(0.1, rel=0.1)
    elsewhere = replace(second, images="y")
    assert contrast("apart", [(1.0, first), (-1.0, elsewhere)]).standard_error == pytest.approx(2**0.5)


def test_the_slope_over_sizes_by_hand() -> None:
    models = Models([Subject(str(i), {"mfr": Known(value, 9, 0.1)}) for i, value in enumerate((0.6, 0.5, 0.1))])
    slope, *steps = falls_with_size("mfr", models)
    assert slope.value == pytest.approx((0.6 - 0.1) / 2)
    assert slope.standard_error == pytest.approx(0.1 * 2**0.5 / 2)
    assert [step.value for step in steps] == [pytest.approx(0.1), pytest.approx(0.4)]
    assert not any(step.needed for step in steps)


def result(model: str, benchmark: str, *scores: Score) -> Result:
    return Result(model, benchmark, "data", "p", scores, Counts(1, 1, 0, 1), Run(), {})


def test_numbers_are_read_off_results() -> None:
    at = [Condition(epsilon=0.06, steps=steps) for steps in (10, 50)]
    whitebox = result(
        "m",
        "whitebox",
        Score("accuracy", 0.5, "fraction", 80, Interval(0.4, 0.6), condition=at[0]),
        Score("accuracy", 0.1, "fraction", 80, Interval(0.05, 0.15), condition=at[1]),
    )
    clean = result("m", "imagenet-val", Score("top1", 0.9, "fraction", 100, Interval(0.8, 0.95)))
    none = result("m", "imagenet-p", Score("mfr", None, "ratio", 80, reason="no baseline"))
    (subject,) = from_results([whitebox, clean, none], ["m"]).family
    assert subject.numbers["whitebox_accuracy"].value == 0.1
    assert subject.numbers["whitebox_accuracy"].standard_error == pytest.approx(0.1 / 2 / 1.959964)
    assert subject.numbers["whitebox_clean_accuracy"].value == 0.9
    assert "mfr" not in subject.numbers


def test_claims_as_a_table_and_that_published_numbers_are_not_paired() -> None:
    view = judged(published_models()).view()
    assert len(view.rows) == 6
    assert {row[1] for row in view.rows} == {HOLDS}
    assert view.notes[-1] == "differences are unpaired"


CELLS = tuple(Condition(corruption="fog", severity=severity) for severity in range(1, 6))


def stored(store: Store, model: str, benchmark: str, right: np.ndarray, first: int = 0) -> None:
    """Answers of one model to photographs numbered from ``first``, under as many conditions as there are columns."""
    n, cells = right.shape
    conditions = (Condition(),) if cells == 1 else CELLS
    image, condition = np.repeat(np.arange(n), cells), np.tile(np.arange(cells), n)
    label = (image % 9).astype(np.int32)
    answer = np.where(right.ravel(), label, 99).astype(np.int32)
    rows = {
        "sample": np.array([f"n/{first + k:04d}" for k in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(len(image), np.int16),
        "label": label,
        "prediction": answer,
        "confidence": np.linspace(0.2, 0.9, len(image)).astype(np.float32),
        "top5_class": np.stack([answer] * 5, axis=1).astype(np.int16),
    }
    card = "classification" if cells == 1 else "corruption"
    run = Run(
        ModelIdentity(model), BenchmarkIdentity(benchmark, card), DataIdentity("d", "f", n), conditions=conditions
    )
    work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
    store.run(run, Plan(whole=tuple(range(cells)))).write(0, work, Records(rows))


def two_sizes(folder: Path, first: int) -> Store:
    """Two models whose errors go together, the larger one better under corruption, its photographs from ``first``."""
    generator, store = np.random.default_rng(0), Store.create(folder)
    hard = generator.random((200, 1))
    for model, start, gain in (("small", 0, 0.0), ("large", first, 0.12)):
        stored(store, model, "imagenet-val", hard + 0.02 * generator.random((200, 1)) > 0.25, start)
        stored(store, model, "imagenet-c", hard + 0.1 * generator.random((200, 5)) > 0.5 - gain, start)
    return store


def test_differences_of_models_on_the_same_images_are_paired_and_so_are_told(tmp_path: Path) -> None:
    claim, sides = registry.get("corruption_gain"), {}
    for name, first in (("same", 0), ("others", 1000)):
        store = two_sizes(tmp_path / name, first)
        models = from_results(results(store), ["small", "large"])
        sides[name] = claim.judge(paired_draws(models, [store]))
    (paired,), (apart,) = (side.contrasts for side in sides.values())
    assert paired.value == pytest.approx(apart.value)
    assert paired.paired
    assert not apart.paired
    assert paired.standard_error < apart.standard_error / 2
    assert sides["same"].verdict == HOLDS
    assert sides["others"].verdict == OPEN


def test_a_number_of_few_errors_keeps_its_own_error(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    for model, wrong in (("small", 4), ("large", 40)):
        stored(store, model, "imagenet-val", (np.arange(200) >= wrong)[:, None])
    models = from_results(results(store), ["small", "large"])
    small, large = (subject.numbers["clean_accuracy"] for subject in paired_draws(models, [store]).family)
    assert small.draws is None
    assert small.standard_error == models.family[0].numbers["clean_accuracy"].standard_error
    assert large.draws is not None
    assert large.value == pytest.approx(0.8)
