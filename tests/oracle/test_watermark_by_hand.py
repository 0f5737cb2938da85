"""The watermark's pixels by the rule of blending, and the gaps of a few rows by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.imagenet_w import CARTON, ImagenetW
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.distortions.apply import corrupt

CONDITIONS = ImagenetW().conditions()


def watermark(given: Records) -> list[Score]:
    card, run = cards.get("watermark"), Run(conditions=CONDITIONS)
    return card.scores(card.table(given, run), run, None)


def test_inside_a_stroke_half_of_the_picture_is_white_and_outside_it_is_untouched() -> None:
    image = np.full((224, 224, 3), 100, np.uint8)
    marked = corrupt(image, "watermark", 1)
    inside = round((128 * 255 + 127 * 100) / 255)
    assert marked.max() == inside
    rows, columns = np.nonzero((marked != image).any(axis=2))
    assert 89 <= rows.min() <= 110
    assert rows.max() <= 89 + 2 * 36
    assert columns.min() <= 10
    assert 200 <= columns.max() <= 2 + 6 * 36
    assert (corrupt(np.full((224, 224, 3), 255, np.uint8), "watermark", 1) == 255).all()


@pytest.mark.parametrize(("side", "size_px"), [(224, 36), (384, 62), (518, 84), (300, 48)])
def test_the_text_grows_with_the_picture(side: int, size_px: int) -> None:
    marked = corrupt(np.zeros((side, side, 3), np.uint8), "watermark", 1)
    columns = np.nonzero(marked.any(axis=(0, 2)))[0]
    assert abs((columns.max() - columns.min()) - 6 * size_px) <= size_px // 4


def test_gaps_are_of_photographs_that_were_seen_both_ways() -> None:
    rows = [  # image, marked, label, prediction, probability of carton
        (0, 0, 1, 1, 0.1),
        (0, 1, 1, CARTON, 0.5),
        (1, 0, CARTON, 3, 0.2),
        (1, 1, CARTON, CARTON, 0.8),
        (2, 0, 2, 2, 0.0),
        (2, 1, 2, 2, 0.1),
        (3, 0, 2, 2, 0.0),
    ]
    image, marked, label, prediction, carton = zip(*rows, strict=True)
    records = Records(
        {
            "sample": np.array([f"n/{number}" for number in image]),
            "image": np.array(image, np.int32),
            "condition": np.array(marked, np.int16),
            "label": np.array(label, np.int32),
            "prediction": np.array(prediction, np.int32),
            "carton": np.array(carton, np.float32),
        }
    )
    found = {score.metric: score for score in watermark(records)}
    assert found["in_w_gap"].value == pytest.approx(0.0)
    assert found["in_w_gap"].n == 3
    assert found["carton_gap"].value == pytest.approx(1.0)
    assert found["carton_gap"].n == 1
    assert found["carton_probability_gap"].value == pytest.approx((0.4 + 0.6 + 0.1) / 3)
    assert found["carton_probability_gap_on_cartons"].value == pytest.approx(0.6)
    assert found["clean_accuracy"].value == pytest.approx(3 / 4)


def test_without_cartons_their_gap_is_undefined() -> None:
    given = {
        "sample": ["n/0", "n/0"],
        "image": [0, 0],
        "condition": [0, 1],
        "label": [1, 1],
        "prediction": [1, 1],
        "carton": [0.0, 0.1],
    }
    records = Records({name: np.array(values) for name, values in given.items()})
    found = {score.metric: score for score in watermark(records)}
    assert found["carton_gap"].value is None
    assert found["in_w_gap"].value == 0.0


def test_the_probability_of_carton_is_its_softmax() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 1000)).astype(np.float32)
    columns = ImagenetW().decide(logits, np.zeros(4, np.int32))
    shares = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(columns["carton"], shares[:, CARTON], rtol=1e-5)
    assert np.isnan(ImagenetW().decide(logits[:, :10], np.zeros(4, np.int32))["carton"]).all()
    assert (Condition(), Condition(corruption="watermark")) == CONDITIONS
