"""Fixtures that every test may use: the real photographs, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardiness.core import DataError
from hardiness.distortions.frost_pictures import locate_frost


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The data root that HARDINESS_DATA names; without it the test is skipped, or fails where CI is set."""
    given = os.environ.get("HARDINESS_DATA", "")
    if given and Path(given, "imagenet", "val").is_dir():
        return Path(given)
    reason = f"HARDINESS_DATA must name a data root with imagenet/val, was {given!r}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def photographs(data_root: Path) -> list[Path]:
    """The JPEGs below ``imagenet/val``, sorted."""
    return sorted((data_root / "imagenet" / "val").rglob("*.JPEG"))


@pytest.fixture(scope="session")
def frost_pictures() -> Path:
    """The folder of the frost pictures; without a package that carries them the test is skipped, or fails under CI."""
    try:
        return locate_frost(0).parent
    except DataError as error:
        reason = str(error)
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
