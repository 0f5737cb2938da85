"""What the boxes of an MP4 file say."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.imaging.mp4 import VideoFacts, video_facts
from hardiness.imaging.videos import encode_video

VIDEO = encode_video([np.full((48, 64, 3), 20 * n, np.uint8) for n in range(7)], {"preset": "ultrafast"})


def test_frames_and_size_are_read_from_the_boxes() -> None:
    assert video_facts(VIDEO) == VideoFacts(7, 64, 48, True)


@pytest.mark.parametrize("length", [len(VIDEO) - 1, len(VIDEO) // 2, 40, 12])
def test_a_cut_file_is_not_whole(length: int) -> None:
    facts = video_facts(VIDEO[:length])
    assert facts is not None
    assert not facts.is_whole


@pytest.mark.parametrize("content", [b"", b"RIFF....AVI ", b"\0" * 100])
def test_other_files_are_none(content: bytes) -> None:
    assert video_facts(content) is None
