"""Where tests find real photographs and the frost pictures; without them they are skipped, under CI they fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hardiness.core import DataError
from hardiness.corruptions.frost_pictures import locate_frost


def absent(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder that HARDINESS_DATA names."""
    root = Path(os.environ.get("HARDINESS_DATA", ""))
    if not os.environ.get("HARDINESS_DATA") or not root.is_dir():
        absent("HARDINESS_DATA names no folder of real data")
    return root


@pytest.fixture(scope="session")
def photographs(data_root: Path) -> list[Path]:
    """The photographs of the ImageNet sample, sorted."""
    found = sorted((data_root / "imagenet" / "val").glob("*/*.JPEG"))
    if not found:
        absent("there are no photographs in imagenet/val")
    return found


@pytest.fixture(scope="session")
def frost_pictures() -> Path:
    """The folder of the frost pictures."""
    try:
        return locate_frost(0).parent
    except DataError as error:
        absent(str(error))
        raise
