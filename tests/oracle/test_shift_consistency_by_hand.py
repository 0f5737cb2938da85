"""Shift consistency from a few rows, by hand, and of crops that cannot differ."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.shift_consistency import OFFSETS, ShiftConsistency
from hardiness.core.benchmark import Item
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.imaging.codecs import png
from hardiness.reference.published_numbers import published_series
from hardiness.report.words import text as said

CONDITIONS = ShiftConsistency().conditions()


def records(rows: list[tuple[int, int, str, int]]) -> Records:
    """From (image, pass, crop, prediction); every label is 0."""
    index = [CONDITIONS.index(Condition(shift=shift, crop=crop)) for _, shift, crop, _ in rows]
    return Records(
        {
            "sample": np.array([f"n/{row[0]}" for row in rows]),
            "image": np.array([row[0] for row in rows], np.int32),
            "condition": np.array(index, np.int16),
            "label": np.zeros(len(rows), np.int32),
            "prediction": np.array([row[3] for row in rows], np.int32),
        }
    )


def shift_consistency(given: Records) -> list[Score]:
    card, run = cards.get("shift_consistency"), Run(conditions=CONDITIONS)
    return card.scores(card.table(given, run), run, None)


def test_two_of_three_pairs_agree_though_one_agrees_on_a_wrong_answer() -> None:
    given = records(
        [
            *((0, 1, "first", 0), (0, 1, "second", 0)),
            *((1, 1, "first", 7), (1, 1, "second", 7)),
            *((0, 2, "first", 0), (0, 2, "second", 3)),
            (1, 2, "first", 5),
        ]
    )
    found = {(s.metric, s.condition): s for s in shift_consistency(given)}
    assert found["consistency", Condition(shift=1)].value == 1.0
    assert found["consistency", Condition(shift=2)].value == 0.0
    assert found["consistency", Condition(shift=1)].n == 2
    assert found["consistency", Condition(shift=2)].n == 1
    assert found["consistency", Condition()].value == pytest.approx(0.5)
    assert found["consistency", Condition()].higher_is_better
    assert found["top1", Condition()].n == 2


def test_without_a_pair_there_is_no_consistency() -> None:
    (score,) = shift_consistency(records([(0, 1, "first", 0)]))
    assert score.value is None
    assert "both ways" in said(score.lack)


class Bytes:
    name = "picture"

    def read(self) -> bytes:
        rows, columns = np.mgrid[:256, :256]
        return png(np.stack([rows, columns, np.zeros_like(rows)], -1).astype(np.uint8))


def test_crops_lie_where_they_were_drawn_and_cover_all_offsets() -> None:
    benchmark, seen = ShiftConsistency(), set()
    for number in range(40):
        item = Item(f"n/{number}", 0, Bytes())
        pictures = list(benchmark.expand(item, CONDITIONS, [], seed=3))
        assert [picture.condition for picture in pictures] == list(CONDITIONS)
        corners = [tuple(picture.images[0][0, 0, :2].tolist()) for picture in pictures]
        assert all(picture.images[0].shape == (224, 224, 3) for picture in pictures)
        seen |= {offset for corner in corners for offset in corner}
        alone = next(iter(benchmark.expand(item, CONDITIONS[5:6], [], seed=3)))
        np.testing.assert_array_equal(alone.images[0], pictures[5].images[0])
    assert seen == set(range(OFFSETS))


def test_the_published_models_stand_beside() -> None:
    found = published_series("shift-consistency", "consistency")
    assert len(found) == 23
    assert found["alexnet"][0].value == 0.7818
    assert {"resnext50_32x4d", "resnext101_32x8d", "torchvision:resnet50"} <= set(found)
