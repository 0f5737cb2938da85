"""Pictures without an object keep their rules, and the shares that pass for photographs, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.ood_unit_tests import NOISE, PLAIN, OodUnitTests
from hardiness.core.condition import Condition
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.core.table import Records
from hardiness.distortions.objectless import TESTS, objectless
from hardiness.report.charts import Dots
from hardiness.report.section import section_of

PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def ood_unit_tests(given: Records, conditions: tuple[Condition, ...]) -> list[Score]:
    card, run = cards.get("ood_unit_tests"), Run(conditions=conditions)
    return card.scores(card.table(given, run), run, None)


def drawn(name: str, id_: str = "a") -> np.ndarray:
    return objectless(name, PHOTOGRAPH, id=id_)


def colours(image: np.ndarray) -> int:
    return len(np.unique(image.reshape(-1, 3), axis=0))


def test_there_are_seventeen() -> None:
    assert len(TESTS) == 17
    assert len(OodUnitTests().conditions()) == 18


@pytest.mark.parametrize("name", TESTS)
def test_each_has_the_photographs_size_and_depends_on_the_id_alone(name: str) -> None:
    image = drawn(name)
    assert image.shape == PHOTOGRAPH.shape
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, drawn(name))
    others = [drawn(name, f"{k}") for k in range(6)]
    assert all(np.array_equal(image, other) for other in others) == (name in ("black", "white"))


def test_plain_and_striped_ones_have_their_colours() -> None:
    assert (drawn("black") == 0).all()
    assert (drawn("white") == 255).all()
    assert colours(drawn("monochrome")) == 1
    assert np.ptp(drawn("grey")) == 0
    assert {colours(drawn("tricolour", f"{k}")) for k in range(8)} == {3}
    assert set(np.unique(drawn("tricolour_primary"))) <= {0, 255}
    across, upright = drawn("horizontal_stripes"), drawn("vertical_stripes")
    assert (across == across[:, :1]).all()
    assert (upright == upright[:1]).all()
    counts = {colours(drawn("horizontal_stripes", f"{k}")) for k in range(60)}
    assert counts == {4, 5, 7, 10, 15, 20}


def test_noises_have_their_values() -> None:
    assert set(np.unique(drawn("Rademacher"))) == {0, 255}
    assert drawn("uni").mean() == pytest.approx(127.5, abs=3)
    np.testing.assert_array_equal(
        np.sort(drawn("pixel_perm").reshape(-1, 3), axis=0), np.sort(PHOTOGRAPH.reshape(-1, 3), axis=0)
    )
    assert (drawn("low_freq").min(), drawn("low_freq").max()) == (0, 255)
    full = drawn("low_freq_channelfullscale")
    assert (full.min(axis=(0, 1)) == 0).all()
    assert (full.max(axis=(0, 1)) == 255).all()
    rough, smooth = (
        np.abs(np.diff(drawn(n).astype(int), axis=1)).mean() for n in ("pixel_perm", "low_freq_pixel_perm")
    )
    assert smooth < rough / 2
    assert set(np.unique(drawn("blobs"))) <= {0, *range(191, 256)}


def scored(sure_of: set[str], method: str = "msp") -> Result:
    """A model that is as sure of these tests as of photographs, and of no other."""
    conditions, count = OodUnitTests().conditions(), 40
    spread = np.linspace(0.5, 0.9, count)
    passing = [not condition or condition["test"] in sure_of for condition in conditions]
    confidence = np.concatenate([spread if passes else 0.1 * spread for passes in passing])
    records = Records(
        {
            "sample": np.tile([f"n/{k}" for k in range(count)], len(conditions)),
            "label": np.zeros(count * len(conditions), np.int32),
            "prediction": np.zeros(count * len(conditions), np.int32),
            "condition": np.repeat(np.arange(len(conditions)), count),
            "confidence": confidence,
            "logsumexp": confidence,
            "top5_logit": np.tile(confidence[:, None], 5),
        }
    )
    run = Run(ModelIdentity("m"), BenchmarkIdentity("ood-unit-tests", "ood_unit_tests", "p"), conditions=conditions)
    scores = ood_unit_tests(records, conditions)
    return Result("m", "ood-unit-tests", "imagenet", "p", scores, Counts(1, 1, 0, count), run, {})


def test_the_two_kinds_hold_every_test() -> None:
    assert sorted([*NOISE, *PLAIN]) == sorted(TESTS)


def test_a_model_that_flags_nothing_and_one_that_flags_noise_are_told_apart() -> None:
    nothing, noise, both, plain = scored(set(TESTS)), scored(set(PLAIN)), scored(set()), scored(set(NOISE))
    assert [s.metric for s in nothing.scores[:3]] == ["mean_fpr95_msp", "mean_fpr95_max_logit", "mean_fpr95_energy"]
    # 95 % of the photographs are accepted, and so is as large a share of pictures that are as sure.
    assert nothing.score("fpr95", test="black", method="msp").value == pytest.approx(0.95)
    assert noise.score("fpr95", test="black", method="energy").value == pytest.approx(0.95)
    assert noise.score("fpr95", test="uni", method="msp").value == 0.0
    kinds = [noise.score("kind_fpr95", kind=kind, method="msp") for kind in ("noise", "plain and striped")]
    assert [score.value for score in kinds] == pytest.approx([0.0, 0.95])
    assert noise.score("mean_fpr95_msp").value == pytest.approx(0.95 * len(PLAIN) / 17)
    assert all(score.interval for score in nothing.scores)
    said = {}
    for name, result in {"nothing": nothing, "noise": noise, "both": both, "plain": plain}.items():
        charts = section_of([result]).charts
        assert [chart.name for chart in charts] == ["passing_msp", "passing_max_logit", "passing_energy"]
        said[name] = charts[0].title.partition(": m ")[2]
    assert said == {
        "nothing": "flags hardly anything",
        "noise": "flags noise alone",
        "both": "flags most of both kinds",
        "plain": "flags plain and striped pictures alone",
    }


def test_several_models_that_flag_alike_are_one_sentence() -> None:
    results = [
        replace(scored(passing), model=name) for name, passing in zip("abc", (set(), set(), set(PLAIN)), strict=True)
    ]
    first, *_ = section_of(results).charts
    assert first.title.endswith(": a and b flag most of both kinds; c flags noise alone")


def test_the_figure_has_a_row_for_each_test_below_the_mean_of_its_kind() -> None:
    first, *_ = section_of([scored(set(PLAIN))]).charts
    assert isinstance(first, Dots)
    assert first.rows == ("mean of noise", *NOISE, "mean of plain and striped", *PLAIN)
    assert first.bars
    assert all(name in first.observers[0].by_row for name in first.rows)
