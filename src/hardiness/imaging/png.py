"""Images as PNG files."""

from __future__ import annotations

import io

from PIL import Image as Pictures

from hardiness.core import Image


def png(image: Image) -> bytes:
    """The image ``uint8 (H, W, 3)`` as the bytes of a PNG file."""
    stream = io.BytesIO()
    Pictures.fromarray(image).save(stream, "PNG", compress_level=3)
    return stream.getvalue()
