"""JPEG compression is PIL's, whichever library writes it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from hardiness.distortions.apply import corrupt, corruptions
from hardiness.reference.sets import SEVERITIES


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (225, 223)])
def test_the_pixels_are_those_of_pils_writer_and_reader(size: tuple[int, int], severity: int) -> None:
    rng = np.random.default_rng(severity)
    noise = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    rows, columns = np.mgrid[: size[0], : size[1]]
    smooth = np.stack([rows, columns, rows + columns], -1).astype(np.uint8)
    for image in (noise, smooth):
        stream = BytesIO()
        quality = corruptions.get("jpeg_compression").level(severity).quality
        PIL.Image.fromarray(image).save(stream, "JPEG", quality=quality)
        np.testing.assert_array_equal(corrupt(image, "jpeg_compression", severity), np.asarray(PIL.Image.open(stream)))
