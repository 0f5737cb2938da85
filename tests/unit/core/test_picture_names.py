"""Names of pictures in tables: which picture each is of, however it is written."""

from __future__ import annotations

import time

import pytest

from hardiness.core.picture_names import match_names, plain_name

IDS = ["cat/1", "cat/2", "dog/1", "dog/sub/7"]


@pytest.mark.parametrize(
    "text", ["cat/1", "cat/1.png", "./cat/1.PNG", "cat\\1.jpg", " /data/val/cat/1.jpg ", "C:\\photos\\cat\\1.JPEG"]
)
def test_a_path_is_of_its_picture_however_it_is_written(text: str) -> None:
    match = match_names([plain_name(text)], IDS)
    assert match.places.tolist() == [0, -1, -1, -1]
    assert (match.unused, match.unclear) == ([], [])


def test_a_file_name_suffices_where_it_is_of_one_picture() -> None:
    match = match_names(["2.jpg", "1.jpg", "7", "9.jpg"], IDS)
    assert match.places.tolist() == [-1, 0, -1, 2]
    assert match.unclear == [1]
    assert match.unused == [3]


def test_of_two_names_of_one_picture_the_longer_counts_and_equal_ones_count_for_none() -> None:
    assert match_names(["elsewhere/1.jpg", "dog/1.jpg"], ["dog/1"]).places.tolist() == [1]
    match = match_names(["a/1.jpg", "b/1.jpg"], ["dog/1"])
    assert match.places.tolist() == [-1]
    assert match.unclear == [0, 1]


def test_ids_that_differ_in_their_suffix_alone_are_told_apart() -> None:
    match = match_names([plain_name("cat/1.PNG"), plain_name("cat/1.jpg")], ["cat/1.jpg", "cat/1.png"])
    assert match.places.tolist() == [1, 0]


def test_two_spellings_of_an_accent_are_one() -> None:
    assert match_names([plain_name("caf\u00e9/1.png")], ["cafe\u0301/1"]).places.tolist() == [0]


def test_fifty_thousand_file_names_take_well_under_a_second() -> None:
    ids = [f"n{number % 1000:08d}/ILSVRC2012_val_{number:08d}" for number in range(50_000)]
    names = [plain_name(f"{identifier.partition('/')[2]}.JPEG") for identifier in ids]
    began = time.process_time()
    match = match_names(names, ids)
    assert time.process_time() - began < 1
    assert match.places.tolist() == list(range(50_000))
