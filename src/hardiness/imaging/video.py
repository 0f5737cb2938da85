"""Short videos in memory: H.264 in MP4, decoded to RGB frames and written from them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hardiness.core import Image, SampleError

REPRODUCIBLE = "cpu-independent=1"
"""Without it x264 sometimes writes other bytes for the same frames, depending on where its buffers lie in memory."""

_HEADER = struct.Struct(">I4s")


def decode_video(data: bytes, name: str, frames: int, side_px: int) -> list[Image]:
    """Every frame of a video, each ``uint8 (side_px, side_px, 3)``, RGB, 0–255.

    Runs without the GIL for the greater part, on one thread; several videos are decoded by several callers.

    Args:
        data: the bytes of its file.
        name: what to call the file in a message.
        frames: how many it must have.
        side_px: width and height that it must have.

    Raises:
        SampleError: the file is empty, no video, damaged, or has another size or number of frames.

    Source: FFmpeg; colours by BT.601 in the limited range where the file does not say, as OpenCV reads them.
    """
    import av

    if not data:
        raise SampleError(f"{name}: must be a video, but is empty (0 bytes); fetch it again")
    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.video:
                raise SampleError(f"{name}: must be a video, but has no picture in it; fetch it again")
            stream = container.streams.video[0]
            _check_size(stream.codec_context, name, side_px)
            stream.codec_context.thread_count = 1
            found = _frames(container.decode(stream), name, frames)
    except av.FFmpegError as error:
        raise SampleError(f"{name}: must be a whole video, but is damaged ({error.strerror}); fetch it again") from None
    if len(found) != frames:
        raise SampleError(f"{name}: must have {frames} frames, had {_count(len(found), frames)}; fetch it again")
    return found


def _check_size(context: Any, name: str, side_px: int) -> None:
    if (context.width, context.height) != (side_px, side_px):
        raise SampleError(f"{name}: must be {side_px}x{side_px} pixels, was {context.width}x{context.height}")


def _frames(decoded: Iterable[Any], name: str, wanted: int) -> list[Image]:
    """The frames, and one more where there are more than wanted: memory is bounded whatever the file says."""
    found: list[Image] = []
    for frame in decoded:
        if frame.is_corrupt:
            raise SampleError(f"{name}: must be a whole video, but frame {len(found)} is damaged; fetch it again")
        found.append(frame.to_ndarray(format="rgb24"))
        if len(found) > wanted:
            break
    return found


def _count(found: int, wanted: int) -> str:
    return f"more than {wanted}" if found > wanted else str(found)


def encode_video(frames: Iterable[Image], options: Mapping[str, str]) -> bytes:
    """An MP4 file of one frame a second, H.264, colours at full resolution (yuv444p, BT.601).

    Args:
        frames: at least one, ``uint8 (H, W, 3)`` of one size, RGB.
        options: of x264, e.g. ``{"crf": "20", "preset": "veryslow"}``.

    Returns:
        The bytes of the file, the same on every processor.

    Source: what ``ffmpeg -framerate 1 -i %d.png -vcodec libx264`` makes of RGB pictures.
    """
    import av

    stream, file = None, io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        for image in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=1, options={**options, "x264-params": REPRODUCIBLE})
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv444p"
                stream.codec_context.thread_count = 1
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(stream.encode(frame))
        assert stream is not None, "a video has at least one frame"
        container.mux(stream.encode())
    return file.getvalue()


def is_whole_video(content: bytes) -> bool:
    """Whether the boxes of an MP4 file end where it ends, its index among them; frames are not decoded.

    Source: ISO 14496-12, 4.2: each box begins with its size and type; size 1 is followed by 64 bits of size.
    """
    at, kinds = 0, set()
    while at + _HEADER.size <= len(content):
        size, kind = _HEADER.unpack_from(content, at)
        if size == 1 and at + 16 <= len(content):
            (size,) = struct.unpack_from(">Q", content, at + 8)
        if size < _HEADER.size:
            return False
        kinds.add(kind)
        at += size
    return at == len(content) and b"moov" in kinds
