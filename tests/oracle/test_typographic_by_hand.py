"""What is written on a photograph keeps the published rules, and the scores of a few rows by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.typographic import COLOURS, SIDE, Typographic, broken, wrong_class
from hardiness.core.benchmark import Item
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Records
from hardiness.imaging.codecs import png
from hardiness.imaging.text import Lettering
from hardiness.reference.wordings import wording
from hardiness.sources.packages import installed_file

CONDITIONS = Typographic().conditions()
GREY = np.full((260, 300, 3), 128, np.uint8)
GREY_FILE = png(GREY)


@dataclass(frozen=True)
class Given:
    content: bytes
    name: str = "given.png"

    def read(self) -> bytes:
        return self.content


def item(id_: str = "n/a", label: int = 3) -> Item:
    return Item(id_, label, Given(GREY_FILE))


def pictures(id_: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, int]:
    benchmark = Typographic()
    assert benchmark.canvas is not None
    clean, written = benchmark.expand(item(id_), CONDITIONS, [benchmark.canvas], seed)
    assert clean.facts == written.facts
    return clean.images[0], written.images[0], int(written.facts[0][1])


def test_names_are_broken_after_the_first_word_or_two() -> None:
    assert [broken(name) for name in ("tench", "great shark", "a b c", "a b c d", "a b c d e")] == [
        "tench",
        "great\nshark",
        "a\nb c",
        "a b\nc d",
        "a b\nc d e",
    ]


def test_the_word_is_of_another_class_of_another_name_and_depends_on_seed_and_id() -> None:
    names = wording("openai80").names
    drawn = [wrong_class(item(f"n/{k}", 744), 0) for k in range(5000)]  # 657 has the name of 744
    assert all(names[each] != names[744] for each in drawn)
    assert len(set(drawn)) > 950
    assert wrong_class(item("n/1"), 0) == wrong_class(item("n/1"), 0) != wrong_class(item("n/1"), 1)


def test_letters_have_two_of_eight_colours_and_stand_inside_the_picture() -> None:
    for k in range(12):
        clean, written, _ = pictures(f"n/{k}")
        assert clean.shape == written.shape == (SIDE, SIDE, 3)
        changed = (clean != written).any(axis=2)
        rows, _ = np.nonzero(changed)
        assert len(rows) > 30
        assert rows.max() - rows.min() < SIDE
        seen, counts = np.unique(written[changed], axis=0, return_counts=True)
        often = {tuple(colour) for colour in seen[np.argsort(-counts)][:2].tolist()}
        assert often & set(COLOURS)
        np.testing.assert_array_equal(written, pictures(f"n/{k}")[1])


def test_text_is_written_where_its_box_says() -> None:
    font = installed_file("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf").read_bytes()
    look = Lettering(font, 30, (255, 255, 255), (0, 0, 0))
    left, top, right, bottom = look.box("great\nshark")
    out = look.write(GREY, "great\nshark", (20, 40))
    rows, columns = np.nonzero((out != GREY).any(axis=2))
    assert (columns.min(), rows.min()) >= (20, 40)
    assert columns.max() < 20 + right - left
    assert rows.max() < 40 + bottom - top
    assert columns.max() - columns.min() > 0.8 * (right - left)
    assert (GREY == 128).all()


def scored(rows: list[tuple[int, int, int, int, int]]) -> dict[str, Score]:
    image, written, label, prediction, word = zip(*rows, strict=True)
    records = Records(
        {
            "sample": np.array([f"n/{number}" for number in image]),
            "condition": np.array(written, np.int16),
            "label": np.array(label, np.int32),
            "prediction": np.array(prediction, np.int32),
            "confidence": np.full(len(rows), 0.5, np.float32),
            "written": np.array(word, np.float32),
        }
    )
    card, run = cards.get("typographic"), Run(conditions=CONDITIONS)
    return {score.metric: score for score in card.scores(card.table(records, run), run, None)}


def test_the_drop_is_of_photographs_seen_both_ways_and_words_are_counted() -> None:
    found = scored(
        [  # image, written on, label, prediction, word
            (0, 0, 1, 1, 7),
            (0, 1, 1, 7, 7),
            (1, 0, 2, 2, 8),
            (1, 1, 2, 2, 8),
            (2, 0, 3, 9, 9),
            (2, 1, 3, 9, 9),
            (3, 0, 4, 4, 5),
        ]
    )
    assert found["typographic_drop"].value == pytest.approx(2 / 3 - 1 / 3)
    assert found["typographic_drop"].n == 3
    assert found["word_answered"].value == pytest.approx(2 / 3)
    assert found["word_answered_by_chance"].value == pytest.approx(1 / 4)
    assert found["clean_accuracy"].value == pytest.approx(3 / 4)
    assert found["typographic_accuracy"].value == pytest.approx(1 / 3)
    assert not found["word_answered"].higher_is_better


def test_without_one_side_there_is_no_drop() -> None:
    found = scored([(0, 0, 1, 1, 7)])
    assert found["typographic_drop"].value is None
    assert found["word_answered"].value is None
    assert found["clean_accuracy"].value == 1.0
