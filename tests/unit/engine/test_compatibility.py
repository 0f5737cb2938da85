"""Which of a model's classes a data set's labels are."""

import pytest

from hardiness.core import DataSet, ModelError
from hardiness.engine.compatibility import label_map


def pets(*names: str) -> DataSet:
    return DataSet("pets", (), len(names), "f", "/pets", names)


def test_without_names_positions_count() -> None:
    assert label_map("m", 3, None, pets("cat", "dog", "fish")).tolist() == [0, 1, 2]


def test_with_names_on_both_sides_names_count() -> None:
    assert label_map("m", 3, ("Fish", "cat", "DOG"), pets("cat", "dog", "fish")).tolist() == [1, 2, 0]


def test_names_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ModelError, match="no class 'dog', which is a folder of /pets"):
        label_map("m", 2, ("cat", "cow"), pets("cat", "dog"))


def test_numbers_that_differ_are_refused_with_advice() -> None:
    with pytest.raises(ModelError, match=r"m has 10 classes and data set 'pets' .* has 3.*classes=folders"):
        label_map("m", 10, None, pets("a", "b", "c"))
