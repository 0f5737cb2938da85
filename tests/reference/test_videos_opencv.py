"""Videos encoded as the published ones are decode to what OpenCV gives, to the last bit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from hardiness.core.model import CANVAS_224
from hardiness.distortions.apply import perturb, perturbations
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import before_crop
from hardiness.imaging.videos import decode_video, encode_video
from hardiness.trees.perturbations import ENCODERS


@pytest.mark.parametrize("name", ["gaussian_noise", "rotate", "snow"])
def test_frames_are_those_of_opencv(photographs: list[Path], tmp_path: Path, name: str) -> None:
    photograph = before_crop(decode(photographs[7].read_bytes(), "photograph"), CANVAS_224)
    frames = list(perturb(photograph, name, seed=0, id="a"))[:8]
    content = encode_video(frames, ENCODERS[perturbations.get(name).group == "noise"])
    file = tmp_path / "v.mp4"
    file.write_bytes(content)
    capture = cv2.VideoCapture(str(file))
    ours = decode_video(content, "v", len(frames), CANVAS_224.crop_px)
    for frame in ours:
        there, theirs = capture.read()
        assert there
        np.testing.assert_array_equal(frame, theirs[:, :, ::-1])
    assert not capture.read()[0]
    capture.release()
