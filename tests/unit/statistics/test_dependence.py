"""Columns whose pictures are answered alike: told where they are, and silent where pictures are independent."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from hardiness.core.stems import STEMS, stem_column
from hardiness.statistics.dependence import LEVEL, dependences

Codes = NDArray[np.int64]


def answers_of(
    generator: np.random.Generator, clusters: Codes, icc: float, rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Right answers (1) and wrong ones of pictures whose clusters share a part ``icc`` of their difficulty."""
    shared = generator.standard_normal(clusters.max() + 1)[clusters]
    ease = np.sqrt(icc) * shared + np.sqrt(1 - icc) * generator.standard_normal(len(clusters))
    return np.asarray(ease < ndtri(rate), np.float64)


def share_told(count: int, icc: float, *, rate: float, unequal: bool = False, beside: int = 0) -> float:
    """The share of data sets of 41 patients in which a column is told, with other columns at random beside it."""
    generator, told = np.random.default_rng(41), 0
    for _ in range(count):
        sizes = np.maximum(np.rint(generator.exponential(10, 41)), 1).astype(int) if unequal else np.full(41, 10)
        patient = np.repeat(np.arange(41), sizes)
        label = generator.integers(0, 3, len(patient))
        right = answers_of(generator, patient, icc, np.clip(rate + 0.04 * (label - 1), 0, 0.995))
        others = {f"other{k}": generator.integers(0, 60, len(patient)) for k in range(beside)}
        told += bool(dependences(right, label, {"patient": patient, **others}))
    return told / count


def test_forty_one_patients_of_ten_pictures_are_told_with_how_much_too_narrow_intervals_are() -> None:
    generator = np.random.default_rng(3)
    patient, label = np.repeat(np.arange(41), 10), np.tile(np.arange(2), 205)
    right = np.where(generator.random(41)[patient] < 0.3, generator.random(410) < 0.4, generator.random(410) < 0.95)
    (name, found), *others = dependences(right.astype(float), label, {"patient": patient}).items()
    assert (name, found.values, others) == ("patient", 41, [])
    sums = np.bincount(patient, right - right.mean())
    by_hand = np.sqrt((sums @ sums) * 41 / 40 / (np.sum((right - right.mean()) ** 2) * 410 / 409))
    assert found.too_narrow == pytest.approx(by_hand)
    pairs = ((right - right.mean()) @ (right - right.mean())) / 410
    alike = ((sums @ sums) - 410 * pairs) / (41 * 90 * pairs)
    assert found.correlation == pytest.approx(alike, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.8, 0.9])
def test_dependent_pictures_are_told_in_four_of_five_data_sets(rate: float) -> None:
    assert share_told(50, 0.3, rate=rate) >= 0.8


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize(("rate", "unequal", "beside"), [(0.9, False, 0), (0.97, True, 0), (0.8, True, 2)])
def test_independent_pictures_are_told_in_one_data_set_of_twenty(rate: float, unequal: bool, beside: int) -> None:
    count = 200
    assert share_told(count, 0.0, rate=rate, unequal=unequal, beside=beside) <= LEVEL + 2 * np.sqrt(0.05 * 0.95 / count)


def test_a_column_that_the_class_fixes_or_with_few_values_or_none_twice_is_left_out() -> None:
    generator = np.random.default_rng(5)
    label = np.repeat(np.arange(50), 8)
    right = answers_of(generator, label, 0.5, np.full(400, 0.7))
    columns = {"class": label, "animal": label // 2, "hospital": np.arange(400) // 16 % 25, "id": np.arange(400)}
    assert dependences(right, label, columns) == {}
    assert set(dependences(right, np.zeros(400, int), columns)) == {"class"}


def test_classes_of_one_picture_each_say_nothing() -> None:
    label = np.append(np.arange(97), [97, 97])
    assert dependences(np.append(np.ones(98), 0.0), label, {"kilobytes": np.arange(99) % 40}) == {}


def test_pictures_without_a_value_stand_alone_and_those_that_were_not_evaluated_count_nowhere() -> None:
    generator = np.random.default_rng(6)
    patient, label = np.repeat(np.arange(60), 10), np.tile(np.arange(3), 200)
    right = answers_of(generator, patient, 0.6, np.full(600, 0.7))
    all_alike = dependences(right, label, {"patient": patient})["patient"]
    right[patient < 10], with_gaps = np.nan, np.where(patient < 20, -1, patient)
    some_alike = dependences(right, label, {"patient": with_gaps})["patient"]
    assert (all_alike.values, some_alike.values) == (60, 40)
    assert some_alike.too_narrow < all_alike.too_narrow


def test_of_two_columns_of_which_one_lies_within_the_other_one_is_told() -> None:
    generator = np.random.default_rng(7)
    patient = np.repeat(np.arange(40), 12)
    scan = patient * 3 + np.tile(np.repeat(np.arange(3), 4), 40)
    right = answers_of(generator, patient, 0.5, np.full(480, 0.8))
    found = dependences(right, np.tile(np.arange(2), 240), {"scan": scan, "patient": patient})
    assert list(found) == ["patient"]


@pytest.mark.parametrize(
    "name",
    ["n{c:08d}/ILSVRC2012_val_{k:08d}", "n{c:08d}/{style}_{k}", "n{c:08d}/sketch_{k}", "n{c:08d}/n{c:08d}_{k}"],
    ids=["ImageNet", "ImageNet-R", "Sketch", "training"],
)
def test_the_names_of_published_sets_have_no_stem_that_is_tested(name: str) -> None:
    generator = np.random.default_rng(8)
    styles = ("art", "cartoon", "deviantart", "embroidery", "graffiti", "graphic", "misc", "origami", "painting", "toy")
    label = np.repeat(np.arange(200), 10)
    ids = [name.format(c=1440764 + c, k=k, style=styles[generator.integers(10)]) for k, c in enumerate(label.tolist())]
    columns = {}
    for column in STEMS:
        stems = stem_column(ids, column)
        places = {value: place for place, value in enumerate(dict.fromkeys(stems.tolist()))}
        columns[column] = np.array([-1 if value is None else places[value] for value in stems.tolist()])
    right = answers_of(generator, label, 0.9, np.full(2000, 0.7))
    assert dependences(right, label, columns) == {}
