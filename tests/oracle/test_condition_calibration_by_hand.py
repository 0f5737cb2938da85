"""Calibration under each condition of watermark, word, shift and attack runs, and within 200 classes, from all rows."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.options import registry as benchmarks
from hardiness.core.attack_plan import Round
from hardiness.core.benchmark import Benchmark
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.reference.classes import subset
from hardiness.statistics.confidence import expected_calibration_error

N = 120
ATTACKED, MUST_BREAK = Condition(epsilon=0.01, steps=3), Condition(epsilon=1.0, steps=3, group="must break")
RUNS = {
    "watermark": Run(conditions=(Condition(), Condition(corruption="watermark"))),
    "typographic": Run(conditions=(Condition(), Condition(text="wrong class"))),
    "attack": Run(
        conditions=(Condition(), ATTACKED, MUST_BREAK),
        attack=(
            Round("pgd", "linf", 0.01, {3: ATTACKED}, options={"relative_step": 0.25}),
            Round("pgd", "linf", 1.0, {3: MUST_BREAK}, options={"relative_step": 0.25}),
        ),
    ),
}
SHIFTS = Run(conditions=tuple(Condition(shift=1, crop=crop) for crop in ("first", "second")))


def rows(run: Run) -> Records:
    """Every image under every condition, but for the last of them under the last."""
    generator = np.random.default_rng(0)
    cells = len(run.conditions)
    n = N * cells
    confidence = generator.random((N, cells)).astype(np.float32)
    right = generator.random((N, cells)) < confidence ** np.linspace(1, 3, cells)
    columns = {
        "sample": np.repeat([f"n/{k:04d}" for k in range(N)], cells).astype(object),
        "condition": np.tile(np.arange(cells, dtype=np.int16), N),
        "label": np.zeros(n, np.int32),
        "prediction": np.where(right, 0, 1).ravel().astype(np.int32),
        "confidence": confidence.ravel(),
        "logsumexp": generator.random(n).astype(np.float32) + 3,
        "label_logit": generator.random(n).astype(np.float32),
        "target": np.full(n, -1),
        "success": ~right.ravel(),
        "finite_gradient": np.ones(n, bool),
        "written": np.full(n, 5.0),
        **{name: np.zeros(n, np.float32) for name in ("carton", "loss", "zero_gradient")},
        **{name: np.zeros(n, np.int16) for name in ("step", "restart")},
    }
    return Records({name: values[:-1] for name, values in columns.items()})


def scored(name: str, run: Run) -> dict[tuple[str, Condition], Score]:
    card = cards.get(name)
    return {(score.metric, score.condition): score for score in card.scores(card.table(rows(run), run), run, None)}


@pytest.mark.parametrize("name", RUNS)
def test_each_condition_has_its_own(name: str) -> None:
    found, all_rows, card = scored(name, RUNS[name]), rows(RUNS[name]), cards.get(name)
    for index, condition in enumerate(RUNS[name].conditions):
        of = all_rows.where(all_rows["condition"] == index)
        right = of["prediction"] == 0
        if "group" in condition:
            assert ("nll", condition) not in found
            continue
        for bins in ("equal-width", "equal-mass"):
            ece = found["ece", Condition(**condition, protocol=bins)]
            assert ece.value == pytest.approx(expected_calibration_error(of["confidence"], right, bins), abs=1e-6)
            assert ece.n == len(right)
        brier = (of["confidence"].astype(float) - right) ** 2
        assert found["brier_top1", condition].value == pytest.approx(brier.mean())
        loss, nll = of["logsumexp"] - of["label_logit"], found["nll", condition]
        assert nll.value == pytest.approx(loss.mean(), rel=1e-5)
        assert nll.interval is not None
        half = NormalDist().inv_cdf(0.975) * loss.std(ddof=1) / np.sqrt(len(loss))
        # A normal's half, and somewhat more for what the spread of few images leaves open.
        assert half <= (nll.interval.high - nll.interval.low) / 2 <= 1.1 * half
        assert nll.unit == "nats"
        assert not card.is_headline(nll)


def test_calibration_of_crops_is_the_mean_over_crops() -> None:
    found, all_rows = scored("shift_consistency", SHIFTS), rows(SHIFTS)
    crops = [all_rows.where(all_rows["condition"] == index) for index in (0, 1)]
    of_each = [expected_calibration_error(crop["confidence"], crop["prediction"] == 0) for crop in crops]
    assert found["ece", Condition(protocol="equal-width")].value == pytest.approx(np.mean(of_each), abs=1e-6)
    assert found["nll", Condition()].value == pytest.approx(
        np.mean([(crop["logsumexp"] - crop["label_logit"]).mean() for crop in crops]), rel=1e-5
    )


@pytest.mark.parametrize("name", [*RUNS, "shift_consistency"])
def test_rows_of_earlier_versions_lack_nothing_else(name: str) -> None:
    card, run = cards.get(name), RUNS.get(name, SHIFTS)
    older = Records({key: values for key, values in rows(run).columns.items() if key != "logsumexp"})
    before = {(s.metric, s.condition): s for s in card.scores(card.table(older, run), run, None)}
    now = scored(name, run)
    assert {metric for metric, _ in now.keys() - before.keys()} == {"nll"}
    assert all(now[key] == score for key, score in before.items())


def photographs(benchmark: Benchmark, classes: tuple[int, ...], sureness: float) -> list[Score]:
    """The scores of 1,200 photographs whose logits are ``sureness`` times those by which labels are drawn."""
    generator = np.random.default_rng(1)
    n = 1200
    fair = generator.normal(0, 2, (n, 1000))
    chances = np.exp(fair[:, list(classes)])
    chances /= chances.sum(axis=1, keepdims=True)
    drawn = (chances.cumsum(axis=1) < generator.random((n, 1))).sum(axis=1)
    labels = np.array(classes, np.int32)[np.minimum(drawn, len(classes) - 1)]
    logits = (sureness * fair).astype(np.float32)
    columns = {
        **benchmark.decide(logits, labels),
        "sample": np.array([f"n/{k:05d}" for k in range(n)], object),
        "condition": np.zeros(n, np.int16),
        "label": labels,
    }
    card, run = cards.get(benchmark.card), Run()
    scores = card.scores(card.table(Records(columns), run), run, None)
    within = logits[:, list(classes)].astype(np.float64)
    p = np.exp(within - within.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    truth = np.array(classes)[None] == labels[:, None]
    found = {score.metric: score for score in scores if not score.condition}
    assert found["nll"].value == pytest.approx(-np.log(p[truth]).mean(), rel=1e-5)
    assert found["brier"].value == pytest.approx(((p - truth) ** 2).sum(axis=1).mean(), rel=1e-5)
    return scores


@pytest.mark.parametrize("name", ["imagenet-v2", "imagenet-sketch", "imagenet-a", "imagenet-r"])
def test_relatives_of_the_validation_set_have_a_temperature(name: str) -> None:
    benchmark = benchmarks.get(name)()
    classes = tuple(subset(name)) if benchmark.card == "subset_classification" else tuple(range(1000))
    scores = photographs(benchmark, classes, sureness=1.6)
    (temperature,) = (score for score in scores if score.metric == "temperature")
    assert temperature.interval is not None
    assert temperature.interval.low < 1.6 < temperature.interval.high
    ece = {score.condition.get("decision"): score.value for score in scores if score.metric == "ece"}
    assert ece["temperature-scaled"] < 0.5 * ece[None]
