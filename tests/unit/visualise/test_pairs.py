"""Which shapes meet which textures, and what stimuli are called."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardiness.core.benchmark import Stimulus
from hardiness.core.errors import ArgumentError, DataError
from hardiness.visualise.pairs import CategoryPhotographs, classes_of, pairs, photographs

Make = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    """Makes a folder of tiny photographs: a folder for each name, so many in each."""

    def make(names: Sequence[str], count: int = 2, at: str = "photographs") -> str:
        for name in names:
            (tmp_path / at / name).mkdir(parents=True)
            for number in range(count):
                Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / at / name / f"p{number}.png")
        return str(tmp_path / at)

    return make


def side(place: str) -> CategoryPhotographs:
    return photographs("--shapes", place)


def test_every_shape_meets_textures_of_other_categories_each_another(folder: Make) -> None:
    given = side(folder(["ant", "bee", "cup", "dog"], 3))
    found = pairs(given, given, 3, None, 0)
    assert len(found) == 12 * 3
    assert len({str(pair.stimulus) for pair in found}) == len(found)
    for item in given.data.items:
        mine = [pair.stimulus for pair in found if pair.shape == item]
        assert sorted(s.texture for s in mine) == sorted({"ant", "bee", "cup", "dog"} - {given.category(item)})
    for pair in found:
        assert pair.stimulus.in_conflict
        assert Stimulus.parse(str(pair.stimulus)) == pair.stimulus
        assert pair.stimulus.shape_number == int(pair.shape.id[-1]) + 1
        assert pair.stimulus.texture_number == int(pair.texture.id[-1]) + 1


def test_more_textures_than_categories_are_as_many_as_there_are(folder: Make) -> None:
    given = side(folder(["ant", "bee"]))
    assert len(pairs(given, given, 9, None, 0)) == 4


def test_a_limit_is_a_prefix_and_covers_the_shapes(folder: Make) -> None:
    given = side(folder(["ant", "bee", "cup", "dog"], 2))
    every = pairs(given, given, 2, None, 5)
    for limit in (1, 4, 9, 16):
        assert pairs(given, given, 2, limit, 5) == every[:limit]
    assert pairs(given, given, 1, None, 5) == every[:8]
    assert {pair.stimulus.shape for pair in every[:4]} == {"ant", "bee", "cup", "dog"}
    assert pairs(given, given, 2, None, 6) != every


def test_textures_may_be_other_photographs_of_other_categories(folder: Make) -> None:
    shapes, textures = side(folder(["ant", "bee"])), side(folder(["bee", "moss"], at="textures"))
    found = pairs(shapes, textures, 2, None, 0)
    assert {(p.stimulus.shape, p.stimulus.texture) for p in found} == {("ant", "bee"), ("ant", "moss"), ("bee", "moss")}


def test_one_category_is_no_conflict(folder: Make) -> None:
    given = side(folder(["ant"]))
    with pytest.raises(DataError, match="shapes and textures are of one category, ant"):
        pairs(given, given, 1, None, 0)


@pytest.mark.parametrize(("each", "limit"), [(0, None), (1, 0)])
def test_nothing_is_not_asked_for(folder: Make, each: int, limit: int | None) -> None:
    given = side(folder(["ant", "bee"]))
    with pytest.raises(ArgumentError, match="must be at least 1, was 0"):
        pairs(given, given, each, limit, 0)


def test_names_are_made_to_keep_the_rule(folder: Make) -> None:
    given = side(folder(["my cat", "b-52", "3d printer", "dog"]))
    assert set(given.names.values()) == {"my_cat", "b_52_", "c3d_printer", "dog"}
    for pair in pairs(given, given, 3, None, 0):
        assert Stimulus.parse(str(pair.stimulus)) == pair.stimulus


def test_two_folders_of_one_name_are_told(folder: Make) -> None:
    with pytest.raises(DataError, match="folders a b and a-b would both be called a_b; rename one"):
        side(folder(["a-b", "a b", "c"]))


def test_wnids_are_called_by_their_names_and_namesakes_kept_apart(folder: Make) -> None:
    given = side(folder(["n01443537", "n02012849", "n03126707"]))
    assert sorted(given.names.values()) == ["crane_n02012849_", "crane_n03126707_", "goldfish"]
    assert classes_of(given, given) == {"crane_n02012849_": (134,), "crane_n03126707_": (517,), "goldfish": (1,)}
    for pair in pairs(given, given, 2, None, 0):
        assert Stimulus.parse(str(pair.stimulus)) == pair.stimulus


def test_classes_are_known_of_the_sixteen_and_of_unique_names(folder: Make) -> None:
    known = classes_of(*[side(folder(["elephant", "goldfish"]))] * 2)
    assert known is not None
    assert known["goldfish"] == (1,)
    assert known["elephant"] == (385, 386)
    assert classes_of(*[side(folder(["goldfish", "moss"], at="other"))] * 2) is None
    assert classes_of(*[side(folder(["crane", "goldfish"], at="another"))] * 2) is None, "two classes are called crane"


@pytest.mark.parametrize("what", ["missing", "empty", "flat"])
def test_what_is_no_folder_of_categories_is_named_as_the_option(folder: Make, tmp_path: Path, what: str) -> None:
    place = Path(folder(["ant"]))
    if what == "missing":
        place = tmp_path / "nowhere"
    elif what == "empty":
        shutil.rmtree(place / "ant")
    else:
        shutil.move(place / "ant" / "p0.png", place / "p0.png")
        shutil.rmtree(place / "ant")
    with pytest.raises(DataError) as told:
        photographs("--textures", str(place))
    assert str(told.value).startswith(f"--textures {place}")
    assert "--data" not in str(told.value)
