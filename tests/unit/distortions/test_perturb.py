"""The entry point: what it refuses, and that it does so before a frame is asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import hardiness
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.distortions.apply import Perturbation, SequenceSource, no_frame_draws, perturb, perturbations

IMAGE = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (IMAGE.astype(np.uint16), "image must be of dtype uint8 with values 0–255, was uint16"),
        (IMAGE[:, :, 0], r"image must be of shape \(H, W, 3\), RGB, was \(256, 300\)"),
        (IMAGE[:223], "image must have sides of 224 pixels or more, was 223x300"),
        (IMAGE.tolist(), "image must be a numpy array uint8"),
    ],
)
def test_what_is_no_image_is_refused_in_one_line(image: np.ndarray, told: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{told}") as caught:
        perturb(image, "rotate")
    assert "\n" not in str(caught.value)


def test_names_and_difficulties_are_checked() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'rotate'"):
        perturb(IMAGE, "rotat")
    with pytest.raises(ArgumentError, match=r"^rotate has difficulty 1 alone, was asked for 2"):
        perturb(IMAGE, "rotate", difficulty=2)
    for difficulty in (0, 4, True, "2", 1.5):
        with pytest.raises(ArgumentError, match=r"^shot_noise has difficulties 1 to 3"):
            perturb(IMAGE, "shot_noise", difficulty=difficulty)


def test_frames_are_made_when_they_are_asked_for() -> None:
    first = next(iter(perturb(IMAGE, "spatter")))
    assert first.shape == (224, 224, 3)
    few = list(itertools.islice(perturb(IMAGE, "gaussian_noise"), 3))
    all_of_them = list(perturb(IMAGE, "gaussian_noise"))
    for one, other in zip(few, all_of_them, strict=False):
        np.testing.assert_array_equal(one, other)


def test_a_perturbation_of_ones_own_may_write_into_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def blackened(source: SequenceSource, level: Any, draws: None) -> Iterator[np.ndarray]:
        source.whole[...] = 0
        yield source.crop

    entry = Perturbation("blackened", "light", (), 2, no_frame_draws, blackened)
    monkeypatch.setattr(Perturbation, "level", lambda *_: None)
    monkeypatch.setitem(perturbations._entries, "blackened", (entry, "here"))
    image = IMAGE.copy()
    assert len(list(perturb(image, "blackened"))) == 1
    np.testing.assert_array_equal(image, IMAGE)


def test_it_is_part_of_the_surface() -> None:
    assert hardiness.perturb is perturb


def test_read_only_and_turned_arrays_will_do() -> None:
    frozen = IMAGE.copy()
    frozen.setflags(write=False)
    turned = np.asfortranarray(IMAGE)
    for name in perturbations.names():
        expected = list(itertools.islice(perturb(IMAGE, name), 2))[1]
        for image in (frozen, turned):
            np.testing.assert_array_equal(list(itertools.islice(perturb(image, name), 2))[1], expected)
