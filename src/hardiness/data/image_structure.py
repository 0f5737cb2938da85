"""An image file as its header describes it, without decoding it."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import PIL.Image

from hardiness.core.benchmark import File
from hardiness.imaging.codecs import encode_jpeg
from hardiness.sources.files import DiskFile, TarMember, open_regular

HEAD_BYTES = 4096

_TAIL_BYTES = 4096

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"

_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))

_PNG_MODES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}

_MODES = {"L": "grey", "P": "palette", "CMYK": "CMYK", "RGBA": "RGB with alpha", "1": "black and white"}


@dataclass(frozen=True, slots=True)
class ByteWindow:
    """Bytes of one file, read where they are wanted.

    Attributes:
        size: bytes of the file.
        read: from a position, so many bytes.
    """

    size: int
    read: Callable[[int, int], bytes]

    def structure(self, head: bytes) -> Structure | None:
        """What a file's structure says; ``None`` where it is no image.

        Args:
            head: its first `HEAD_BYTES`.
        """
        if head.startswith(_JPEG):
            return self._jpeg(head)
        if head.startswith(_PNG):
            return self._png(head)
        return self._by_pil()

    def _jpeg(self, head: bytes) -> Structure | None:
        """Follows the markers to the frame header; the tables stand before it as a rule, and before the scan always."""
        at, tables, frame = 2, {}, None
        while at + 4 <= self.size:
            marker = self._bytes(head, at, 4)
            if len(marker) < 4 or marker[0] != 0xFF:
                break
            if marker[1] == 0xFF:  # fill bytes
                at += 1
                continue
            length = int.from_bytes(marker[2:4], "big")
            if marker[1] == 0xDB:
                tables.update(_quantisation(self._bytes(head, at + 4, length - 2)))
            elif marker[1] in _FRAMES:
                frame = self._bytes(head, at + 4, 6)
            elif marker[1] in (0xDA, 0xD9):
                break
            at += 2 + max(length, 2)
        if frame is None or len(frame) < 6:
            return Structure(0, 0, "RGB", 8, False) if self.size else None
        bits, height, width, channels = struct.unpack(">BHHB", frame)
        mode = {1: "grey", 3: "RGB", 4: "CMYK"}.get(channels, f"{channels} channels")
        return Structure(width, height, mode, bits, self._has_jpeg_end(), tuple(tables[key] for key in sorted(tables)))

    def _has_jpeg_end(self) -> bool:
        """Whether the end marker is there; cameras write further bytes behind it."""
        if self.read(self.size - 2, 2) == b"\xff\xd9":
            return True
        tail = self.read(max(self.size - _TAIL_BYTES, 0), _TAIL_BYTES)
        return b"\xff\xd9" in tail

    def _png(self, head: bytes) -> Structure | None:
        if head[12:16] != b"IHDR" or len(head) < 26:
            return Structure(0, 0, "RGB", 8, False)
        width, height, bits, kind = struct.unpack(">IIBB", head[16:26])
        tail = self.read(max(self.size - _TAIL_BYTES, 0), _TAIL_BYTES)
        return Structure(width, height, _PNG_MODES.get(kind, "unknown"), bits, b"IEND\xaeB`\x82" in tail)

    def _by_pil(self) -> Structure | None:
        """GIF, BMP, WebP, TIFF, PPM, as PIL reads their headers; rare enough to be read whole."""
        try:
            with PIL.Image.open(io.BytesIO(self.read(0, self.size))) as image:
                mode = _MODES.get(image.mode, image.mode)
                return Structure(*image.size, mode, 8, True, frames=getattr(image, "n_frames", 1))
        except Exception:  # noqa: BLE001 - PIL's readers raise anything on damaged files
            return None

    def _bytes(self, head: bytes, at: int, length: int) -> bytes:
        return head[at : at + length] if at + length <= len(head) else self.read(at, length)


@dataclass(frozen=True, slots=True)
class Structure:
    """The description of an image that its file gives.

    Attributes:
        width, height: in pixels; 0 where it is not said.
        mode: ``RGB``, ``grey``, ``CMYK``, ``palette`` …
        bits: of each channel.
        is_whole: whether its end is there.
        tables: the quantisation tables of a JPEG, 64 numbers each, in zigzag order.
        frames: pictures in the file.
    """

    width: int
    height: int
    mode: str
    bits: int
    is_whole: bool
    tables: tuple[tuple[int, ...], ...] = ()
    frames: int = 1


@contextmanager
def opened(file: File) -> Iterator[ByteWindow]:
    """A window on a file on disk or in a tar, or on one that is read as a whole.

    Raises:
        OSError, SampleError: it cannot be read.
    """
    if isinstance(file, TarMember):
        with open_regular(file.archive) as stream:
            handle = stream.fileno()
            yield ByteWindow(
                file.size, lambda at, n: os.pread(handle, max(min(n, file.size - at), 0), file.offset + at)
            )
        return
    if not isinstance(file, DiskFile):
        content = file.read()
        yield ByteWindow(len(content), lambda at, n: content[max(at, 0) : max(at, 0) + n])
        return
    with open_regular(file.path) as stream:
        handle = stream.fileno()
        yield ByteWindow(os.fstat(handle).st_size, lambda at, n: os.pread(handle, n, at))


@cache
def tables_of(quality: int) -> tuple[tuple[int, ...], ...]:
    """The quantisation tables, in zigzag order, that libjpeg uses for a quality from 1 to 100."""
    content = encode_jpeg(np.zeros((16, 16, 3), np.uint8), quality)
    found = ByteWindow(len(content), lambda at, n: content[at : at + n])._jpeg(content)
    assert found is not None
    return found.tables


def _quantisation(content: bytes) -> dict[int, tuple[int, ...]]:
    found, at = {}, 0
    while at < len(content):
        wide, number = content[at] >> 4, content[at] & 15
        length = 128 if wide else 64
        values = content[at + 1 : at + 1 + length]
        if len(values) == length:
            found[number] = struct.unpack(f">{64}{'H' if wide else 'B'}", values)
        at += 1 + length
    return found
