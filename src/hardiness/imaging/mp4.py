"""MP4 files as their boxes describe them; no frame is decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = struct.Struct(">I4s")
_INSIDE = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl"))
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The first video of a file.

    Attributes:
        frames: how many.
        width, height: in pixels.
        is_whole: whether the file ends where its boxes say, with its index among them.
    """

    frames: int
    width: int
    height: int
    is_whole: bool


def video_facts(content: bytes) -> VideoFacts | None:
    """The facts of an MP4 file's video; ``None`` where it is no MP4 file.

    Source: ISO 14496-12: ``stsz`` holds the number of samples, ``avc1`` and its like width and height.
    """
    if content[4:8] != b"ftyp":
        return None
    frames = width = height = 0
    top, end = set(), 0
    for kind, start, stop, depth in _boxes(content, 0, len(content), 0):
        if depth == 0:
            top.add(kind)
            end = stop
        stop = min(stop, len(content))
        if kind == b"stsz" and stop - start >= 12:
            frames = frames or struct.unpack_from(">I", content, start + 8)[0]
        elif kind == b"stsd" and stop - start >= 8 + 36:
            width, height = struct.unpack_from(">HH", content, start + 8 + 32)
    return VideoFacts(frames, width, height, end == len(content) and {b"moov", b"mdat"} <= top)


def _boxes(content: bytes, start: int, stop: int, depth: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Each box with first and last position of its content and its depth; one that is cut off ends behind the file."""
    at = start
    while at + _HEADER.size <= min(stop, len(content)):
        size, kind = _HEADER.unpack_from(content, at)
        head = _HEADER.size
        if size == 1 and at + 16 <= len(content):
            (size,) = struct.unpack_from(">Q", content, at + 8)
            head = 16
        elif size == 0:
            size = stop - at
        if size < head:
            return
        yield kind, at + head, at + size, depth
        if kind in _INSIDE and depth < _MAX_DEPTH:
            yield from _boxes(content, at + head, min(at + size, len(content)), depth + 1)
        at += size
