"""An image file as Pillow reads its header, and whether its end is there; no pixel is decoded."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING

import numpy as np
import PIL.Image

from hardiness.core.benchmark import File
from hardiness.core.errors import SampleError
from hardiness.imaging.codecs import MAX_PIXELS, STILL_FORMATS, bits_per_channel, encode_jpeg
from hardiness.sources.files import DiskFile, TarMember, open_regular

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

END_BYTES = 4096
"""The length of the first and of the last part of a file that are looked at."""

_ENDS = {b"\xff\xd8\xff": b"\xff\xd9", b"\x89PNG\r\n\x1a\n": b"IEND\xaeB`\x82"}
"""The last bytes of a whole JPEG and PNG, by the first ones; cameras write further bytes behind them."""

_MODES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with alpha",
    "P": "palette",
    "RGBA": "RGB with alpha",
}


@dataclass(frozen=True, slots=True)
class Structure:
    """The description of an image that its file gives.

    Attributes:
        width, height: in pixels; 0 where it is not said.
        mode: ``RGB``, ``grey``, ``CMYK``, ``palette`` …
        bits: of each channel; 8 where there are fewer.
        is_whole: whether its end is there.
        tables: the quantisation tables of a JPEG, 64 numbers each, as Pillow orders them.
        frames: pictures in the file; 1 of a photograph with previews behind it.
    """

    width: int
    height: int
    mode: str
    bits: int
    is_whole: bool
    tables: tuple[tuple[int, ...], ...] = ()
    frames: int = 1


def structure(stream: IO[bytes], head: bytes, tail: bytes) -> Structure | None:
    """The structure of an image file; ``None`` where Pillow knows no such format.

    Args:
        stream: the file.
        head, tail: its first and last `END_BYTES`.

    Raises:
        SampleError: it has more pixels than are decoded.
    """
    end = next((end for start, end in _ENDS.items() if head.startswith(start)), b"")
    is_whole = end in tail
    try:
        stream.seek(0)
        with PIL.Image.open(stream) as image:
            width, height = image.size
            described = Structure(
                width,
                height,
                _MODES.get(image.mode, image.mode),
                bits_per_channel(image),
                is_whole,
                tuple(tuple(table) for _, table in sorted(getattr(image, "quantization", {}).items())),
                1 if image.format in STILL_FORMATS else getattr(image, "n_frames", 1),
            )
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_large() from None
    except Exception:  # noqa: BLE001  # Pillow's readers raise anything on damaged files
        return None if is_whole else Structure(0, 0, "RGB", 8, False)
    if width * height > MAX_PIXELS:
        raise _too_large()
    return described


def _too_large() -> SampleError:
    return SampleError(f"must have at most {MAX_PIXELS:,} pixels, has more; scale it down")


@contextmanager
def opened(file: File) -> Iterator[IO[bytes]]:
    """The bytes of a file on disk or in a tar, read where they are wanted, or of one that is read as a whole.

    Raises:
        OSError, SampleError: it cannot be read.
    """
    if isinstance(file, TarMember):
        with open_regular(file.archive) as archive:
            yield io.BufferedReader(_Member(archive.fileno(), file.offset, file.size), END_BYTES)
    elif isinstance(file, DiskFile):
        with open_regular(file.path) as stream:
            yield stream
    else:
        yield io.BytesIO(file.read())


class _Member(io.RawIOBase):
    """A part of an open file as a stream of its own.

    Args:
        descriptor: of the file.
        offset, size: where the part begins, and its bytes.
    """

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        self._descriptor, self._offset, self._size, self._at = descriptor, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        content = os.pread(self._descriptor, max(min(len(view), self._size - self._at), 0), self._offset + self._at)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)


@cache
def tables_of(quality: int) -> tuple[tuple[int, ...], ...]:
    """The quantisation tables, as Pillow orders them, that libjpeg uses for a quality from 1 to 100."""
    content = encode_jpeg(np.zeros((16, 16, 3), np.uint8), quality)
    of_grey = structure(io.BytesIO(content), content, content)
    assert of_grey is not None, "it was written here"
    return of_grey.tables
