"""From what a person types to units."""

from __future__ import annotations

import pytest

from hardiness.core.errors import ArgumentError
from hardiness.core.model import ModelSpec
from hardiness.visualise.units import channels, class_unit, neuron

IMAGENET = ModelSpec("net", "")
OWN = ModelSpec("own", "", num_classes=3, class_names=("cat", "Dog", "cup"))


@pytest.mark.parametrize(
    ("text", "numbers"), [("12", [12]), ("3,7", [3, 7]), ("0-2", [0, 1, 2]), ("5, 0-1", [5, 0, 1]), ("4-4", [4])]
)
def test_channels(text: str, numbers: list[int]) -> None:
    assert [each.channel for each in channels("layer", text)] == numbers


@pytest.mark.parametrize("text", ["", "a", "-1", "3-1", "1-2-3", "1,,2", "1.5"])
def test_other_channels_are_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="--channel must be a number, a list"):
        channels("layer", text)


def test_neurons() -> None:
    assert neuron("layer", "3, 0,12").indices == (3, 0, 12)
    for text in ("", "1,a", "-1,2", "1,"):
        with pytest.raises(ArgumentError, match="--neuron must be channel,row,column"):
            neuron("layer", text)


@pytest.mark.parametrize("text", ["goldfish", "Goldfish", "Carassius auratus", "1", "n01443537"])
def test_a_class_by_any_of_its_names(text: str) -> None:
    assert class_unit(IMAGENET, text).index == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("godlfish", "net has no class 'godlfish'; did you mean 'goldfish'"),
        ("1000", "class of net must be from 0 to 999, was 1000"),
        ("crane", r"2 classes of net are called 'crane'; give an index: 134 \(n02012849\), 517 \(n03126707\)"),
        ("qqqq", "net has no class 'qqqq'; give a name, a wnid or an index"),
    ],
)
def test_no_class_is_one_line(text: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        class_unit(IMAGENET, text)


def test_classes_of_one_s_own() -> None:
    assert (class_unit(OWN, "dog").index, class_unit(OWN, "2").name) == (1, "cup")
    with pytest.raises(ArgumentError, match="own has no class 'n01443537'"):
        class_unit(OWN, "n01443537")
    nameless = ModelSpec("few", "", num_classes=10)
    assert class_unit(nameless, "9").name == "class 9"
    with pytest.raises(ArgumentError, match="few has no class 'goldfish'"):
        class_unit(nameless, "goldfish")
