"""ECE, Brier scores, NLL and temperature scaling on cases small enough to compute on paper, or from all logits."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.cell_calibration import shift_calibration
from hardiness.benchmarks.decisions import log_sums
from hardiness.benchmarks.losses import INVERSE_TEMPERATURES, ONE, TWO
from hardiness.benchmarks.photographs import ImagenetVal
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.report.words import text as said
from hardiness.statistics.confidence import expected_calibration_error

CLASSES = 12


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def photographs(n: int = 400, sureness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are ``sureness`` times those by which labels are drawn, float32 ``(N, K)``, and labels."""
    generator = np.random.default_rng(0)
    fair = generator.normal(0, 2, (n, CLASSES))
    labels = np.array([generator.choice(CLASSES, p=p) for p in softmax(fair)], np.int32)
    return (sureness * fair).astype(np.float32), labels


def stored(logits: np.ndarray, labels: np.ndarray, **left_out: bool) -> list[Score]:
    """The scores of a run on photographs with these logits, as the engine would store it."""
    columns = dict(ImagenetVal().decide(logits, labels))
    for name in left_out:
        del columns[name]
    n = len(labels)
    columns |= {
        "sample": np.array([f"n/{k:05d}" for k in range(n)]),
        "condition": np.zeros(n, np.int16),
        "label": labels,
    }
    card, run = cards.get("classification"), Run()
    return card.scores(card.table(Records(columns), run), run, None)


def value(scores: list[Score], metric: str, **condition: str) -> float:
    (found,) = (score for score in scores if (score.metric, score.condition) == (metric, Condition(**condition)))
    assert found.value is not None
    assert found.interval is not None
    assert found.interval.low <= found.value <= found.interval.high
    return found.value


def test_bins_of_equal_width_are_open_below_and_closed_above() -> None:
    # 1/15 belongs to the first bin, the next float above it to the second: |.2/3 - 1 + .05 - 0| / 4 + |… - 1| / 4 + …
    confidence = np.array([1 / 15, 0.05, 0.07, 0.99])
    right = np.array([True, False, True, False])
    expected = (abs(1 / 15 + 0.05 - 1) + abs(0.07 - 1) + 0.99) / 4
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_bins_of_equal_mass_hold_as_many_each() -> None:
    confidence = np.linspace(0.5, 0.79, 30)
    right = np.arange(30) % 2 == 0
    pairs = [(confidence[k] + confidence[k + 1] - 1) / 30 for k in range(0, 30, 2)]
    order = np.random.default_rng(0).permutation(30)
    found = expected_calibration_error(confidence[order], right[order], "equal-mass")
    assert found == pytest.approx(sum(map(abs, pairs)))
    assert expected_calibration_error(np.array([0.25, 0.5]), np.array([True, True]), "equal-mass") == pytest.approx(
        0.625
    )


def test_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match="empty"):
        expected_calibration_error(np.array([]), np.array([], bool))


def test_scores_of_photographs_are_those_of_all_their_logits() -> None:
    logits, labels = photographs()
    scores, p = stored(logits, labels), softmax(logits.astype(np.float64))
    right = p.argmax(axis=1) == labels
    one_hot = np.eye(CLASSES)[labels]
    assert value(scores, "nll") == pytest.approx(-np.log(p[np.arange(len(p)), labels]).mean(), rel=1e-5)
    assert value(scores, "brier") == pytest.approx(((p - one_hot) ** 2).sum(axis=1).mean(), rel=1e-5)
    assert value(scores, "brier_top1") == pytest.approx(((p.max(axis=1) - right) ** 2).mean(), rel=1e-5)
    for binning in ("equal-width", "equal-mass"):
        expected = expected_calibration_error(p.max(axis=1), right, binning)
        assert value(scores, "ece", protocol=binning) == pytest.approx(expected, abs=1e-6)


def test_the_temperature_is_that_by_which_the_logits_are_too_large() -> None:
    logits, labels = photographs(4000, sureness=1.7)
    scores = stored(logits, labels)
    (found,) = (score for score in scores if score.metric == "temperature")
    assert found.interval is not None
    assert found.n == 800
    assert found.interval.low < 1.7 < found.interval.high
    assert value(scores, "ece", protocol="equal-width", decision="temperature-scaled") < 0.4 * value(
        scores, "ece", protocol="equal-width"
    )
    # The others, after the same temperature, from their logits: which they are follows from their number.
    nll = value(scores, "nll", decision="temperature-scaled")
    p = softmax(logits.astype(np.float64) / found.value)
    whole = -np.log(p[np.arange(len(p)), labels])
    assert nll == pytest.approx(whole.mean(), abs=4 * whole.std() / np.sqrt(3200))


def test_a_temperature_is_exact_to_what_the_spline_gives() -> None:
    from hardiness.benchmarks.temperature import at

    logits, _ = photographs(300)
    sums = log_sums(logits).astype(np.float64)
    assert INVERSE_TEMPERATURES[ONE] == 1
    assert INVERSE_TEMPERATURES[TWO] == 2
    for inverse in (0.31, 0.57, 1.0, 1.23, 1.9):
        expected = softmax(inverse * logits.astype(np.float64)).max(axis=1)
        np.testing.assert_allclose(np.exp(-at(sums, inverse)), expected, atol=3e-4)


def test_a_very_sure_model_keeps_its_digits() -> None:
    logits = np.zeros((1, CLASSES), np.float32)
    logits[0, 3] = 25.0
    found = log_sums(logits)[0]
    assert found[ONE] == pytest.approx(11 * np.exp(-25.0), rel=1e-4)
    assert (np.diff(found[: ONE + 1]) < 0).all()


def test_rows_without_the_columns_give_what_they_can() -> None:
    logits, labels = photographs()
    whole = {(s.metric, s.condition): s.value for s in stored(logits, labels)}
    older = {(s.metric, s.condition): s.value for s in stored(logits, labels, log_sums=True)}
    assert {metric for metric, _ in whole.keys() - older.keys()} == {"brier", "temperature", "ece", "brier_top1", "nll"}
    assert ("nll", Condition()) in older
    oldest = {(s.metric, s.condition): s.value for s in stored(logits, labels, log_sums=True, logsumexp=True)}
    assert ("nll", Condition()) not in oldest
    for known in (older, oldest):
        assert all(whole[key] == pytest.approx(found) for key, found in known.items())


def test_too_few_photographs_have_no_temperature() -> None:
    logits, labels = photographs(49)
    (found,) = (score for score in stored(logits, labels) if score.metric == "temperature")
    assert found.value is None
    assert "needs 50 images" in said(found.lack)


class TestBySeverity:
    CONDITIONS = (
        Condition(),
        *(Condition(corruption=name, severity=severity) for name in ("fog", "snow") for severity in (1, 2)),
    )

    def rows(self, n: int = 600) -> Records:
        generator = np.random.default_rng(1)
        cells = len(self.CONDITIONS)
        confidence = generator.random((n, cells)).astype(np.float32)
        right = generator.random((n, cells)) < confidence ** np.array([1, 1.5, 2, 2.5, 3])
        return Records(
            {
                "sample": np.repeat([f"n/{k:04d}" for k in range(n)], cells),
                "condition": np.tile(np.arange(cells, dtype=np.int16), n),
                "label": np.zeros(n * cells, np.int32),
                "prediction": np.where(right, 0, 1).ravel().astype(np.int32),
                "confidence": confidence.ravel(),
                "logsumexp": np.full(n * cells, 3.0, np.float32),
                "label_logit": np.tile(np.arange(cells), n).astype(np.float32),
            }
        )

    def test_each_cell_counts_alike(self) -> None:
        run, rows = Run(conditions=self.CONDITIONS), self.rows()
        table = cards.get("corruption").table(rows, run)
        scores = shift_calibration(table, ["fog", "snow"], whole=True)
        cells = [rows.where(rows["condition"] == k) for k in range(5)]
        ece = [expected_calibration_error(c["confidence"], c["prediction"] == 0) for c in cells]
        assert value(scores, "mean_ece", protocol="equal-width") == pytest.approx(np.mean(ece[1:]))
        at = {
            s.condition["severity"]: s.value
            for s in scores
            if s.condition.get("protocol") == "equal-width" and s.metric == "ece"
        }
        assert at == pytest.approx({0: ece[0], 1: (ece[1] + ece[3]) / 2, 2: (ece[2] + ece[4]) / 2})
        nll = {s.condition["severity"]: s.value for s in scores if s.metric == "nll"}
        assert nll == pytest.approx({0: 3.0, 1: 3 - (1 + 3) / 2, 2: 3 - (2 + 4) / 2})

    def test_intervals_are_as_wide_as_those_of_resampled_images(self) -> None:
        run = Run(conditions=self.CONDITIONS)
        table = cards.get("corruption").table(self.rows(), run)
        found = {
            s.metric: s
            for s in shift_calibration(table, ["fog", "snow"], whole=True)
            if s.condition.get("severity") == 2
        }
        right, confidence = table["right"] == 1, table["confidence"]
        generator = np.random.default_rng(2)
        drawn = []
        for _ in range(300):
            rows = generator.integers(0, len(table), len(table))
            drawn.append(
                [expected_calibration_error(confidence[rows, k], right[rows, k], "equal-mass") for k in (2, 4)]
            )
        low, high = np.percentile(np.mean(drawn, axis=1), [2.5, 97.5])
        interval = found["ece"].interval  # of equal mass, the later of the two
        assert interval is not None
        assert interval.high - interval.low == pytest.approx(high - low, rel=0.25)
