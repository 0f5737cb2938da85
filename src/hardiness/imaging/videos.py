"""Video files decoded to RGB, and written from it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, SampleError

REPRODUCIBLE = "cpu-independent=1"
"""Without it x264 sometimes writes other bytes for the same frames, depending on where its buffers lie in memory."""


def decode_video(data: bytes, name: str, frames: int, side_px: int) -> list[Image]:
    """Every frame of a video, each ``uint8 (side_px, side_px, 3)``, RGB, 0–255.

    Runs without the GIL for the greater part, on one thread; several videos are decoded by several callers.

    Args:
        data: the bytes of its file.
        name: what to call the file in a message.
        frames: how many it must have.
        side_px: width and height that it must have.

    Raises:
        ArgumentError: PyAV is not installed.
        SampleError: the file is empty, no video, damaged, or has another size or number of frames.

    Source: FFmpeg; colours by BT.601 in the limited range where the file does not say, as OpenCV reads them.
    """
    av = _video_library()

    if not data:
        raise SampleError(f"{name}: must be a video, but is empty (0 bytes); fetch it again")
    try:
        with av.open(io.BytesIO(data)) as container:
            if not container.streams.video:
                raise SampleError(f"{name}: must be a video, but has no picture in it; fetch it again")
            stream = container.streams.video[0]
            _check_size(stream.codec_context, name, side_px)
            stream.codec_context.thread_count = 1
            images = _frames(container.decode(stream), name, frames)
    except av.FFmpegError as error:
        raise SampleError(f"{name}: must be a whole video, but is damaged ({error.strerror}); fetch it again") from None
    if len(images) != frames:
        raise SampleError(f"{name}: must have {frames} frames, had {_count(len(images), frames)}; fetch it again")
    return images


def _check_size(context: Any, name: str, side_px: int) -> None:
    if (context.width, context.height) != (side_px, side_px):
        raise SampleError(f"{name}: must be {side_px}x{side_px} pixels, was {context.width}x{context.height}")


def _frames(decoded: Iterable[Any], name: str, count: int) -> list[Image]:
    """The frames, and one more where there are more than wanted: memory is bounded whatever the file says."""
    images: list[Image] = []
    for frame in decoded:
        if frame.is_corrupt:
            raise SampleError(f"{name}: must be a whole video, but frame {len(images)} is damaged; fetch it again")
        images.append(frame.to_ndarray(format="rgb24"))
        if len(images) > count:
            break
    return images


def _count(count: int, expected: int) -> str:
    return f"more than {expected}" if count > expected else str(count)


def _video_library() -> Any:
    """PyAV, which few need: it is as large as all else that reads pictures."""
    try:
        import av
    except ImportError:
        raise ArgumentError("video files need PyAV; pip install 'hardiness[video]'") from None
    return av


def encode_video(frames: Iterable[Image], options: Mapping[str, str]) -> bytes:
    """An MP4 file of one frame a second, H.264, colours at full resolution (yuv444p, BT.601).

    Args:
        frames: at least one, ``uint8 (H, W, 3)`` of one size, RGB.
        options: of x264, e.g. ``{"crf": "20", "preset": "veryslow"}``.

    Raises:
        ArgumentError: PyAV is not installed.

    Returns:
        The bytes of the file, the same on every processor.

    Source: what ``ffmpeg -framerate 1 -i %d.png -vcodec libx264`` makes of RGB pictures.
    """
    av = _video_library()

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
