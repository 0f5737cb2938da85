"""The published frost pictures, read in place from whichever package carries them."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import PIL.Image

from hardiness.core.benchmark import Image
from hardiness.core.errors import DataError
from hardiness.sources.packages import cache_folder, file_sha256, installed_file
from hardiness.sources.wheels import PackagedFile, obtain_packaged

PICTURES = (
    ("frost1.png", "ff9f907860bd7a835d459e32f9d588062b7f61ee267343cc7222b56753a14755"),
    ("frost2.png", "fe211a89b336999c207a852ce05818d4545d0b57c5beadd824b4cc9d9a9b6137"),
    ("frost3.png", "2d0d50b4a9bb213f38b024ef7768731bb83cc08d2f26b5766bbc167cdfa0e504"),
    ("frost4.jpg", "3f8b91ca1a9fa7167b09e773da53f5ae60d0a1fd88f02a783f6e328a72887f6e"),
    ("frost5.jpg", "5fc6a19df4a429ba68abdcc8f8a4278d4c9f81c9ccafd2c92ab0c8cf8992ebd2"),
)
"""Name and sha256 of the five frost pictures that are used, in the generator's order."""

PACKAGES = (
    ("imagecorruptions-imaug", "imagecorruptions/frost"),
    ("imagecorruptions", "imagecorruptions/frost"),
    ("corrupt-tta", "corrupt_tta/assets/frost"),
)
"""Distributions that carry the frost pictures, and where; the first that is installed is read."""


def frost_cache() -> Path:
    """The folder into which `hardiness data get frost` puts the pictures: ``frost`` in the cache folder."""
    return cache_folder() / "frost"


def locate_frost(index: int) -> Path:
    """The file of one picture, its hash checked.

    Args:
        index: 0 to 4.

    Raises:
        DataError: no package and no cache holds it, or the bytes are others; the message says how to get it.
    """
    name, sha256 = PICTURES[index]
    cached = frost_cache() / name
    if cached.is_file() and file_sha256(cached) == sha256:
        return cached
    for package, folder in PACKAGES:
        if _installed(package):
            return installed_file(package, f"{folder}/{name}", sha256)
    raise DataError(
        f"frost needs the published picture {name}, which no installed package carries; run: "
        "hardiness data get frost (or pip install --no-deps imagecorruptions-imaug)"
    )


def fetch_frost() -> tuple[Path, int, str | None]:
    """The folder that holds all pictures, their number, and the package that had them; ``None`` if they were there.

    Raises:
        DataError: no package index has them.
    """
    folder, files = frost_cache(), [PackagedFile(*picture) for picture in PICTURES]
    return folder, len(files), obtain_packaged(PACKAGES, files, folder)


def require_frost() -> None:
    """Raise unless all pictures are there and are the published ones.

    Raises:
        DataError: one is not; the message says how to get it.
    """
    for index in range(len(PICTURES)):
        locate_frost(index)


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


@cache
def _decoded(index: int) -> Image:
    with PIL.Image.open(locate_frost(index)) as picture:
        return np.asarray(picture.convert("RGB"))


@cache
def _sampled(index: int, scale: float) -> Image:
    """One picture at a share of its size, read between its pixels without smoothing, as OpenCV's resize does."""
    picture = _decoded(index).astype(np.float64)
    for axis in (0, 1):
        size = picture.shape[axis]
        places = np.clip((np.arange(round(size * scale)) + 0.5) / scale - 0.5, 0, size - 1)
        low = np.minimum(places.astype(np.int64), size - 2)
        share = np.expand_dims(places - low, (1 - axis, 2))
        picture = np.take(picture, low, axis) * (1.0 - share) + np.take(picture, low + 1, axis) * share
    return np.rint(picture).astype(np.uint8)


@lru_cache(maxsize=16)
def frost_picture(index: int, height: int, width: int, scale: float = 1.0) -> Image:
    """One picture, ``uint8 (h, w, 3)``, at least as large as asked for.

    Args:
        index: 0 to 4.
        height, width: size of the image that it must cover.
        scale: share of its own size to which it is reduced first.

    Raises:
        DataError: it is not there.
    """
    picture = _decoded(index) if scale == 1.0 else _sampled(index, scale)
    enlargement = max(height / picture.shape[0], width / picture.shape[1])
    if enlargement <= 1.0:
        return picture
    size = math.ceil(picture.shape[1] * enlargement), math.ceil(picture.shape[0] * enlargement)
    return np.asarray(PIL.Image.fromarray(picture).resize(size, PIL.Image.Resampling.BILINEAR))
