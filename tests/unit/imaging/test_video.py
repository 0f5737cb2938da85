"""Videos written, read, and broken in every way."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from hardiness.core.errors import SampleError
from hardiness.imaging.mp4 import video_facts
from hardiness.imaging.videos import decode_video, encode_video

FAST = {"preset": "ultrafast", "crf": "12"}


def frames(count: int = 5, side: int = 48) -> list[np.ndarray]:
    """A coloured square that wanders over a ramp."""
    ramp = np.linspace(20, 220, side, dtype=np.uint8)
    out = []
    for index in range(count):
        frame = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], np.uint8(90)), axis=-1).copy()
        frame[8:24, 4 + 3 * index : 20 + 3 * index] = (250, 30, 30)
        out.append(frame)
    return out


def of_another_kind(codec: str, **options: str) -> bytes:
    """A file of the same frames by another encoder or without any picture."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        if codec == "aac":
            track = container.add_stream("aac", rate=44100)
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
            sound.sample_rate = 44100
            container.mux(track.encode(sound))
        else:
            track = container.add_stream(codec, rate=1, options=options)
            track.width = track.height = 48
            track.pix_fmt = "yuv420p"
            for frame in frames():
                container.mux(track.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(track.encode())
    return stream.getvalue()


def test_every_frame_comes_back_in_order_in_rgb() -> None:
    given = frames(7)
    found = decode_video(encode_video(given, FAST), "v", 7, 48)
    assert len(found) == 7
    for before, after in zip(given, found, strict=True):
        assert after.dtype == np.uint8
        assert after.shape == (48, 48, 3)
        assert np.abs(after.astype(int) - before).mean() < 4
        assert after[16, 10:14, 0].mean() > after[16, 10:14, 2].mean() or before[16, 12, 0] != 250


@pytest.mark.slow
def test_the_same_frames_are_the_same_bytes() -> None:
    """Without its switch x264 gives other bytes now and then, once other videos were written before."""
    rng = np.random.default_rng(0)
    still = [np.clip(frame + rng.normal(0, 8, frame.shape), 0, 255).astype(np.uint8) for frame in frames(6, 160)]
    grain = {"preset": "veryslow", "tune": "grain"}
    plain = {"preset": "veryslow", "crf": "20"}
    found = {0: set(), 1: set()}
    for turn in (0, 1, 0, 1, 1, 0, 1):
        found[turn].add(encode_video(still, grain) if turn else encode_video(frames(6, 160), plain))
    assert [len(each) for each in found.values()] == [1, 1]


def test_colours_at_half_resolution_are_read_too() -> None:
    found = decode_video(of_another_kind("libx264", crf="12"), "v", 5, 48)
    assert np.abs(found[2].astype(int) - frames()[2]).mean() < 8


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "v.mp4: must be a video, but is empty"),
        (b"no video at all" * 50, "v.mp4: must be a whole video, but is damaged"),
        (of_another_kind("aac"), "v.mp4: must be a video, but has no picture in it"),
        (encode_video(frames(4), FAST), "v.mp4: must have 5 frames, had 4"),
        (encode_video(frames(9), FAST), "v.mp4: must have 5 frames, had more than 5"),
        (encode_video(frames(5, 64), FAST), "v.mp4: must be 48x48 pixels, was 64x64"),
    ],
)
def test_what_cannot_be_read_is_one_line(content: bytes, says: str) -> None:
    with pytest.raises(SampleError) as told:
        decode_video(content, "v.mp4", 5, 48)
    assert str(told.value).startswith(says)
    assert "\n" not in str(told.value)


def is_whole(content: bytes) -> bool:
    facts = video_facts(content)
    return facts is not None and facts.is_whole


def test_a_file_cut_off_anywhere_is_damaged_and_not_whole() -> None:
    whole = encode_video(frames(), FAST)
    assert is_whole(whole)
    for length in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        assert not is_whole(whole[:length])
        if length < whole.index(b"stbl"):  # what comes after the index of frames is not needed to decode
            with pytest.raises(SampleError):
                decode_video(whole[:length], "v", 5, 48)


def test_a_frame_that_the_decoder_had_to_make_up_is_a_failure() -> None:
    """FFmpeg fills what it cannot decode from other frames, and says so beside the frame only."""
    whole = encode_video(frames(12, 96), {"preset": "ultrafast", "crf": "4"})
    start, made_up = whole.index(b"mdat") + 800, 0
    for at in range(start, len(whole) - 1500, (len(whole) - start) // 25):
        torn = whole[:at] + bytes(600) + whole[at + 600 :]
        try:
            with av.open(io.BytesIO(torn)) as container:
                flags = [frame.is_corrupt for frame in container.decode(video=0)]
        except av.FFmpegError:
            continue
        if len(flags) == 12 and any(flags):
            made_up += 1
            with pytest.raises(SampleError, match="is damaged"):
                decode_video(torn, "v", 12, 96)
    assert made_up > 0


def test_an_index_is_part_of_a_whole_file() -> None:
    whole = encode_video(frames(), FAST)
    assert not is_whole(whole.replace(b"moov", b"free"))
    assert not is_whole(b"")
    assert not is_whole(bytes(16))
