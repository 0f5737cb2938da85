"""Sets of distortions read from TOML files, and what is said where a file is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardiness.core.errors import DataError, UnknownNameError
from hardiness.reference.sets import distortion_set, read_set, set_names

IMAGENET_C = distortion_set("imagenet-c")
IMAGENET_P = distortion_set("imagenet-p")

WHOLE = """
kind = "still"
question = "Is it so?"
paper = "none"
protocol = "example"
about = "An example."
source = "none"
levels = [1, 3]
members = ["fog", "contrast"]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "my-set.toml"
    file.write_text(text)
    return file


def test_a_file_is_a_set_of_its_name(tmp_path: Path) -> None:
    found = read_set(written(tmp_path, WHOLE + 'extra = ["snow"]\n'))
    assert (found.name, found.kind, found.members, found.levels) == ("my-set", "still", ("fog", "contrast"), (1, 3))
    assert found.published == ("fog", "contrast", "snow")
    assert (found.jpeg_quality, found.baseline, found.groups) == (0, False, {})


def test_groups_may_name_the_members(tmp_path: Path) -> None:
    text = WHOLE.replace('members = ["fog", "contrast"]', '[groups]\na = ["fog"]\nb = ["contrast", "snow"]')
    assert read_set(written(tmp_path, text)).members == ("fog", "contrast", "snow")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind =", "knid =", "has no 'knid'; did you mean 'kind'"),
        ('question = "Is it so?"\n', "", "must say question"),
        ('"still"', '"quiet"', "kind must be one of still, moving, was 'quiet'"),
        ('kind = "still"', 'kind = "still"\ntopic = "colour"', "topic must be one of clean, .* was 'colour'"),
        ('["fog", "contrast"]', "[]", "must name members"),
        ("levels = [1, 3]", "levels = [1", "must be TOML"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(DataError, match=says) as told:
        read_set(written(tmp_path, WHOLE.replace(old, new)))
    assert "my-set.toml" in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_set_is_told_with_close_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'imagenet-c'"):
        distortion_set("imagnet-c")


def test_the_published_sets() -> None:
    assert {"imagenet-c", "imagenet-p"} <= set(set_names())
    assert (IMAGENET_C.kind, IMAGENET_P.kind) == ("still", "moving")
    assert "imagenet-p" not in set_names("still")
    assert IMAGENET_C.jpeg_quality == 85


@pytest.mark.parametrize("name", set_names())
def test_a_topic_names_no_part_of_what_a_set_holds(name: str) -> None:
    """Weather would stand under "noise and blur"."""
    known = distortion_set(name)
    named = [group for group in known.groups if group in known.topic]
    assert named in ([], list(known.groups))
