"""Where frost's pictures come from, and what is said when they are not there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from hardiness.core.errors import DataError
from hardiness.distortions import frost_pictures
from hardiness.distortions.apply import corrupt

IMAGE = np.full((40, 40, 3), 100, np.uint8)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(frost_pictures, "distribution", missing)
    monkeypatch.setenv("HARDINESS_CACHE", str(tmp_path))
    frost_pictures._decoded.cache_clear()
    frost_pictures.frost_picture.cache_clear()
    yield tmp_path
    frost_pictures._decoded.cache_clear()
    frost_pictures.frost_picture.cache_clear()


def test_missing_pictures_are_told_in_one_line_with_both_ways_out(nothing_installed: Path) -> None:
    with pytest.raises(DataError) as caught:
        corrupt(IMAGE, "frost", 1)
    assert "\n" not in str(caught.value)
    assert "hardiness data get frost" in str(caught.value)
    assert "pip install --no-deps imagecorruptions-imaug" in str(caught.value)


def test_the_cache_is_read_only_where_its_bytes_are_the_published_ones(
    frost_pictures: Path, nothing_installed: Path
) -> None:
    from hardiness.distortions.frost_pictures import locate_frost

    target = nothing_installed / "frost" / "frost1.png"
    target.parent.mkdir()
    target.write_bytes(b"other")
    with pytest.raises(DataError):
        locate_frost(0)
    target.write_bytes((frost_pictures / "frost1.png").read_bytes())
    assert locate_frost(0) == target


def test_a_picture_at_a_fifth_is_every_fifth_pixel(frost_pictures: Path) -> None:
    """OpenCV reads at 5 k + 2, which are pixels, and smooths nothing."""
    from hardiness.distortions.frost_pictures import frost_picture

    whole = frost_picture(1, 32, 32)
    np.testing.assert_array_equal(frost_picture(1, 32, 32, 0.2), whole[2::5, 2::5])


def test_a_larger_image_is_covered(frost_pictures: Path) -> None:
    from hardiness.distortions.frost_pictures import PICTURES, frost_picture

    for index in range(len(PICTURES)):
        picture = frost_picture(index, 700, 1300)
        assert picture.shape[0] >= 700
        assert picture.shape[1] >= 1300
    out = corrupt(np.zeros((700, 1300, 3), np.uint8), "frost", 5)
    assert out.shape == (700, 1300, 3)
    assert out[-1].any()
    assert out[:, -1].any()
