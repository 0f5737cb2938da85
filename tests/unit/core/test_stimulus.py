"""The names of cue-conflict stimuli."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardiness.core.benchmark import Stimulus

CATEGORIES = st.from_regex(r"[a-z]([a-z0-9_ ]{0,8}[a-z])?", fullmatch=True)


@pytest.mark.slow
@given(CATEGORIES, st.integers(0, 999), CATEGORIES, st.integers(0, 999))
def test_a_name_is_read_back_as_it_was_written(shape: str, first: int, texture: str, second: int) -> None:
    stimulus = Stimulus(shape, first, texture, second)
    assert Stimulus.parse(str(stimulus)) == stimulus
    assert stimulus.in_conflict == (shape != texture)


OTHERS = (
    *(
        "",
        "cat",
        "cat1",
        "cat1-",
        "cat-dog",
        "cat1-dog",
        "cat-dog2",
        "1-2",
        "cat1_dog2",
        "cat1-dog2-car3",
        "cat1-dog2 ",
    ),
    *("7cat1-dog2", "cat1-dog2.png", "x/cat1-dog2", "_cat1-dog2", "-cat1-dog2", "cat1-dog²"),
)


@pytest.mark.parametrize("name", OTHERS)
def test_other_names_are_none(name: str) -> None:
    assert Stimulus.parse(name) is None


def test_numbers_belong_to_the_picture_and_letters_to_the_category() -> None:
    assert Stimulus.parse("t_shirt12-polar bear3") == Stimulus("t_shirt", 12, "polar bear", 3)
    assert Stimulus.parse("mp3player1-cat2") == Stimulus("mp3player", 1, "cat", 2)
