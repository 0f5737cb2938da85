"""The two entry points: what they refuse, and that they agree."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.distortions.apply import corrupt
from hardiness.distortions.transform import Corrupt

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (IMAGE.astype(np.uint16), "image must be of dtype uint8 with values 0–255, was uint16"),
        (IMAGE.astype(np.float32) / 255, "image must be of dtype uint8 with values 0–255, was float32"),
        (IMAGE[:, :, 0], r"image must be of shape \(H, W, 3\), RGB, was \(40, 36\)"),
        (np.dstack([IMAGE, IMAGE[:, :, :1]]), r"image must be of shape \(H, W, 3\), RGB, was \(40, 36, 4\)"),
        (IMAGE[:31], "image must have sides of 32 pixels or more, was 31x36"),
        (IMAGE.tolist(), "image must be a numpy array uint8"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(image: np.ndarray, told: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{told}") as caught:
        corrupt(image, "contrast", 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5, "3", None, True])
def test_a_severity_outside_1_to_5_is_refused(severity: int) -> None:
    with pytest.raises(ArgumentError, match=r"^severity must be a whole number from 1 to 5, was "):
        corrupt(IMAGE, "contrast", severity)


def test_an_unknown_name_is_refused_with_close_ones() -> None:
    with pytest.raises(UnknownNameError, match="unknown corruption 'fogg'; did you mean 'fog'"):
        corrupt(IMAGE, "fogg", 1)


def test_a_protocol_has_strengths_of_its_own() -> None:
    """CIFAR-10-C's contrast is 0.75 at severity 1, and a level is the same whatever the protocol."""
    image = IMAGE.astype(np.float64)
    expected = np.clip((image - image.mean((0, 1))) * 0.75 + image.mean((0, 1)), 0, 255)
    mild = corrupt(IMAGE, "contrast", 1, protocol="cifar10-c")
    assert np.abs(mild - expected).max() <= 1
    np.testing.assert_array_equal(mild, corrupt(IMAGE, "contrast", factor=0.75))
    np.testing.assert_array_equal(mild, Corrupt("contrast", 1, protocol="cifar10-c")(IMAGE))
    assert not np.array_equal(mild, corrupt(IMAGE, "contrast", 1))


def test_an_unknown_protocol_and_a_corruption_without_strengths_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown protocol of corruptions 'cifar-10-c'; did you mean"):
        corrupt(IMAGE, "fog", 1, protocol="cifar-10-c")
    with pytest.raises(ArgumentError, match=r"^protocol cifar10-c has no strengths of sparkles, but of gaussian_noise"):
        corrupt(IMAGE, "sparkles", 1, protocol="cifar10-c")
    with pytest.raises(ArgumentError, match=r"^protocol cifar10-c has no strengths of sparkles"):
        Corrupt("sparkles", 1, protocol="cifar10-c")


def test_views_of_other_layout_give_the_same_bytes() -> None:
    turned = np.asfortranarray(IMAGE)
    np.testing.assert_array_equal(corrupt(turned, "motion_blur", 2), corrupt(IMAGE, "motion_blur", 2))
    np.testing.assert_array_equal(
        corrupt(IMAGE[:, ::-1], "glass_blur", 2), corrupt(IMAGE[:, ::-1].copy(), "glass_blur", 2)
    )


def test_a_read_only_image_will_do() -> None:
    image = IMAGE.copy()
    image.setflags(write=False)
    for name in ("gaussian_noise", "glass_blur", "fog", "pixelate", "jpeg_compression", "spatter"):
        np.testing.assert_array_equal(corrupt(image, name, 3), corrupt(IMAGE, name, 3))
