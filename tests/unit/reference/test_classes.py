"""The class files against their sources."""

from __future__ import annotations

import pytest
from timm.data import ImageNetInfo, infer_imagenet_subset

from hardiness.core.errors import UnknownNameError
from hardiness.reference.classes import class_name, subset, subset_wnids, wnids


def test_classes_are_timms() -> None:
    info = ImageNetInfo(infer_imagenet_subset({"num_classes": 1000}))
    assert wnids() == tuple(info.label_names())
    assert [class_name(i) for i in range(1000)] == [info.index_to_description(i) for i in range(1000)]


def test_wnids_are_sorted_and_a_thousand() -> None:
    assert len(wnids()) == 1000
    assert list(wnids()) == sorted(set(wnids()))
    assert class_name(0) == "tench, Tinca tinca"


@pytest.mark.parametrize(
    ("name", "first", "last"), [("imagenet-a", 6, 988), ("imagenet-o", 1, 996), ("imagenet-r", 1, 988)]
)
def test_subsets_are_200_ascending_indices(name: str, first: int, last: int) -> None:
    indices = subset(name)
    assert len(indices) == 200
    assert list(indices) == sorted(set(indices))
    assert (indices[0], indices[-1]) == (first, last)
    assert list(subset_wnids(name).values()) == list(indices)


@pytest.mark.parametrize("name", ["a", "r"])
def test_subsets_are_timms(name: str) -> None:
    from importlib.resources import files

    listed = files("timm.data").joinpath(f"_info/imagenet_{name}_indices.txt").read_text().split()
    assert subset(f"imagenet-{name}") == tuple(map(int, listed))


def test_another_subset_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        subset("imagenet-b")
