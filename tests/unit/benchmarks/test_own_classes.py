"""Which output means which class: what is told where that cannot be right; classes that few pictures show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from hardiness.benchmarks.own_classes import class_scores, class_warnings
from hardiness.core.answers import ANSWERS
from hardiness.core.condition import Condition
from hardiness.core.run import DataIdentity, Run
from hardiness.core.table import ImageTable, Records
from hardiness.report.words import text
from hardiness.report.words import text as said

NAMES = ("bird", "cat", "dog", "fish")


def lines_of(table: ImageTable, run: Run) -> list[str]:
    return list(map(text, class_warnings(table, run)))


def seen(label: NDArray[np.int64], answer: NDArray[np.int64], names: tuple[str, ...] = NAMES) -> tuple[ImageTable, Run]:
    n = len(label)
    rows = {
        "sample": np.array([f"{number:05d}" for number in range(n)]),
        "condition": np.zeros(n, np.int16),
        "label": label.astype(np.int32),
    }
    cells = {"right": label == answer, "answer": answer.astype(np.int16), "confidence": np.full(n, 0.9, np.float32)}
    run = Run(data=DataIdentity("mine", "", n, len(names), classes=names))
    return ImageTable.from_rows(Records(rows), (Condition(),), cells), run


def answers(n: int, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels and answers of a network that is right on about that share."""
    draws = np.random.default_rng(0)
    label = draws.integers(0, 4, n)
    return label, np.where(draws.random(n) < share, label, draws.integers(0, 4, n))


def test_a_class_that_moved_to_the_end_is_noticed_and_its_place_named() -> None:
    label, answer = answers(84, 0.75)
    moved = (label - 1) % 4  # bird is now called z_bird, so that every other class stands one place earlier
    table, run = seen(moved, answer, ("cat", "dog", "fish", "z_bird"))
    chance, order = lines_of(table, run)
    assert chance.startswith("near chance: right on ")
    assert "if the network's outputs were 0 z_bird, 1 cat, 2 dog, 3 fish (p = " in order
    assert "--data own=FOLDER:classes=FILE" in order


def test_the_outputs_are_named_as_the_network_has_them_and_not_as_the_data() -> None:
    label, answer = answers(84, 0.75)
    table, run = seen(label, (answer + 1) % 4)
    turned = replace(run, model=replace(run.model, classes=("dog", "bird", "cat", "fish")))
    (order,) = [line for line in lines_of(table, turned) if line.startswith("order of classes")]
    assert "if the network's outputs were 0 cat, 1 fish, 2 bird, 3 dog (p = " in order


def test_the_right_order_and_a_mere_confusion_are_not_doubted() -> None:
    label, answer = answers(400, 0.75)
    assert lines_of(*seen(label, answer)) == []
    confused = np.where((label == 1) & (np.arange(400) % 5 < 2), 2, label)  # a third of cats are taken for dogs
    assert lines_of(*seen(label, confused)) == []


def test_always_the_same_answer_is_near_chance() -> None:
    label = np.array([0] * 70 + [1] * 30)
    (line,) = lines_of(*seen(label, np.zeros(100, np.int64), ("common", "rare")))
    assert line.startswith(
        "near chance: right on 70.0 % of 100 pictures, and always answering common would be on 70.0 %"
    )


def test_a_chat_model_near_chance_is_asked_for_its_replies_and_not_for_an_order() -> None:
    label, answer = answers(84, 0.75)
    table, run = seen((label - 1) % 4, answer, ("cat", "dog", "fish", "z_bird"))
    chat = replace(run, model=replace(run.model, outputs=ANSWERS))
    assert chat.model.mark
    (line,) = lines_of(table, chat)
    assert line.endswith("check its replies and the names of the classes")


def test_classes_of_no_picture_and_of_one_are_told_and_the_first_is_in_no_mean() -> None:
    label = np.array([0] * 10 + [1] * 10 + [2])
    answer = np.array([0] * 10 + [1] * 5 + [0] * 5 + [2])
    table, run = seen(label, answer)
    none, single = lines_of(table, run)
    assert none == "no picture shows fish: means over classes are of the others"
    assert single == "a single picture shows dog: it counts as much as all of another class in such means"
    scores = {(each.metric, each.condition): each for each in class_scores(table, run)}
    assert scores["balanced_accuracy", Condition()].value == pytest.approx((1 + 0.5 + 1) / 3)
    fish = scores["recall", Condition(**{"class": "fish"})]
    assert (fish.value, said(fish.lack)) == (None, "the class has no picture")


def test_classes_of_imagenet_and_attacks_have_no_scores_by_class() -> None:
    label, answer = answers(20, 0.5)
    table, run = seen(label, answer)
    assert run.has_own_classes
    assert class_scores(table, Run()) == []
    assert not Run(data=run.data, conditions=(Condition(epsilon=0.1),)).has_own_classes
