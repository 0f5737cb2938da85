"""Which of a model's classes a data set's labels are."""

import pytest

from hardiness.core.benchmark import DataSet
from hardiness.core.errors import ModelError
from hardiness.engine.label_map import label_map


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
    with pytest.raises(ModelError, match=r"m has 10 classes and data set 'pets' .* has 3.*classes=FILE"):
        label_map("m", 10, None, pets("a", "b", "c"))


def stimuli(classes: int = 1000, names: tuple[str, ...] | None = None) -> DataSet:
    return DataSet("cue-conflict", (), classes, "f", "/stimuli", names, categories={"cat": (0,), "dog": (1, 2)})


def test_categories_of_imagenet_need_imagenet_s_classes() -> None:
    assert label_map("m", 1000, None, stimuli()).tolist() == list(range(1000))
    with pytest.raises(ModelError, match=r"m has 10 classes .* has 1000.*categories\.csv"):
        label_map("m", 10, None, stimuli())
    with pytest.raises(ModelError, match=r"m has classes of its own .*made of ImageNet's 1,000"):
        label_map("m", 1000, tuple(f"pet {index}" for index in range(1000)), stimuli())


def test_categories_of_a_model_s_own_classes_are_taken_by_position() -> None:
    assert label_map("m", 3, None, stimuli(3, ("0", "1", "2"))).tolist() == [0, 1, 2]
