"""Stems of file names: the part that pictures of one patient, scene or burst share."""

from __future__ import annotations

import pytest

from hardiness.core.stems import STEMS, stem, stem_column


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ("ill/patient012_frame003", "patient012_frame"),
        ("cat/IMG_0001_2", "IMG_0001"),
        ("road/scene-03-0007", "scene-03"),
        ("road/scene-03-0007_left", "scene-03"),
        ("ill/p01/frame_0003", "p01/frame"),
        ("ill/p01/0003", "p01"),
        ("cat/burst (3)", "burst"),
        ("patient012_frame003", "patient012_frame"),
        ("cat/000017", ""),
        ("cat/whiskers", ""),
        ("class7/whiskers", ""),
    ],
)
def test_a_stem_ends_before_the_last_number_of_the_name_within_its_class(picture: str, expected: str) -> None:
    assert stem(picture) == expected


def test_longer_stems_leave_out_more_numbers_and_a_picture_without_one_has_no_value() -> None:
    ids = ["ill/p01_scan2_frame003", "ill/p01_scan3_frame001", "well/p02"]
    columns = {name: stem_column(ids, name).tolist() for name in STEMS}
    assert columns == {
        "stem": ["p01_scan2_frame", "p01_scan3_frame", "p"],
        "stem:2": ["p01_scan", "p01_scan", None],
        "stem:3": ["p", "p", None],
    }
