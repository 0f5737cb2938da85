"""Labels to ImageNet's order."""

from __future__ import annotations

import pytest

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import ModelSpec
from hardiness.core.random import rng
from hardiness.models.classes import is_generic, looks_like_imagenet, order_by_name, output_columns
from hardiness.reference.classes import class_name, wnids

IDENTITY = tuple(range(1000))


def _names() -> list[str]:
    return [class_name(index) for index in range(1000)]


def test_there_are_a_thousand_sorted_ids() -> None:
    assert len(wnids()) == 1000
    assert list(wnids()) == sorted(wnids())
    assert (wnids()[0], wnids()[999]) == ("n01440764", "n15075141")
    assert class_name(0) == "tench, Tinca tinca"


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(list(wnids()), id="wnids"),
        pytest.param(_names(), id="all names"),
        pytest.param([name.upper() for name in _names()], id="any case"),
        pytest.param([name.split(",")[0] for name in _names()], id="first name"),
        pytest.param([name.split(",")[0].lower().replace(" ", "_") for name in _names()], id="underscores"),
        pytest.param([name.split(",")[-1] for name in _names()], id="last name"),
    ],
)
def test_names_in_wnid_order_are_the_identity(labels: list[str]) -> None:
    assert order_by_name(labels, "net") == IDENTITY
    assert looks_like_imagenet(labels)


def test_shuffled_ids_are_put_in_order() -> None:
    shuffled = rng(0, "shuffle").permutation(1000)
    labels = [wnids()[position] for position in shuffled]
    order = order_by_name(labels, "net")
    assert [labels[output] for output in order] == list(wnids())


def test_a_background_class_is_dropped() -> None:
    assert order_by_name(["background", *_names()], "net") == tuple(range(1, 1001))
    assert order_by_name([*_names(), "Background"], "net") == IDENTITY


def test_names_that_two_classes_share_need_wnid_order() -> None:
    labels = _names()
    cranes = [position for position, name in enumerate(labels) if name == "crane"]
    assert cranes == [134, 517]
    labels[0], labels[1] = labels[1], labels[0]
    with pytest.raises(ModelError, match=r"net: label .* stands out of order.*class_order=wnid"):
        order_by_name(labels, "net")


def test_an_unknown_name_is_told() -> None:
    labels = _names()
    labels[3] = "sea monster"
    with pytest.raises(ModelError, match="net: label 'sea monster' is the name of no ImageNet class"):
        order_by_name(labels, "net")


def test_another_number_of_labels_is_told() -> None:
    with pytest.raises(ModelError, match="net: 3 labels cannot be ImageNet's 1000 classes"):
        order_by_name(["a", "b", "c"], "net")


@pytest.mark.parametrize(
    ("labels", "generic"),
    [(["LABEL_0", "LABEL_1"], True), (["0", "1"], True), (["class_3", "class 4"], True), (["tench", "LABEL_1"], False)],
)
def test_labels_without_meaning_are_recognised(labels: list[str], generic: bool) -> None:
    assert is_generic(labels) is generic


def test_own_classes_do_not_look_like_imagenet() -> None:
    assert not looks_like_imagenet([f"flower {n}" for n in range(1000)])
    assert not looks_like_imagenet(["tench", "goldfish"])


def test_a_stated_order_goes_before_names() -> None:
    def columns(order: str | None, width: int) -> tuple[int, ...] | None:
        options = (("class_order", order),) if order else ()
        return output_columns(ModelSpec("net", "", options=options), width, (5, 6))

    assert columns(None, 1000) == (5, 6)
    assert columns("wnid", 1000) is None
    assert columns("own", 3) is None
    assert columns("background+wnid", 1001) == tuple(range(1, 1001))
    for order, width in (("wnid", 1001), ("background+wnid", 1000)):
        with pytest.raises(ArgumentError, match=f"needs 100[01] outputs; net has {width}"):
            columns(order, width)
