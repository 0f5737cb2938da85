"""Silhouettes and edges of shapes that are known."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from hardiness.core.benchmark import Image
from hardiness.core.random import rng
from hardiness.visualise.drawings import edges, silhouette

YY, XX = np.mgrid[:224, :224]
DISK = np.hypot(YY - 120, XX - 100) < 60


@pytest.fixture
def photograph() -> Image:
    """A dark red disk on a light, noisy ground."""
    picture = np.where(DISK[:, :, None], (140, 30, 40), (190, 200, 180)) + rng(0).normal(0, 8, (224, 224, 3))
    return picture.clip(0, 255).astype(np.uint8)


def test_a_disk_is_found(photograph: Image) -> None:
    drawn = silhouette(photograph)
    assert set(np.unique(drawn)) == {0, 255}
    black = drawn[:, :, 0] == 0
    assert (black & DISK).sum() / (black | DISK).sum() > 0.97


def test_holes_are_filled(photograph: Image) -> None:
    photograph[110:130, 90:110] = (190, 200, 180)
    assert (silhouette(photograph)[110:130, 90:110] == 0).all()


def test_edges_lie_on_the_border(photograph: Image) -> None:
    drawn = edges(photograph)
    assert set(np.unique(drawn)) == {0, 255}
    lines = drawn[:, :, 0] == 0
    rim = np.abs(np.hypot(YY - 120, XX - 100) - 60)
    near = cv2.dilate(lines.astype(np.uint8), np.ones((7, 7), np.uint8)) == 1
    assert near[rim < 0.7].mean() > 0.98


@pytest.mark.slow
def test_the_same_every_time_and_on_every_thread(photograph: Image) -> None:
    first = silhouette(photograph)
    cv2.setRNGSeed(1234)
    assert np.array_equal(silhouette(photograph), first)
    found: list[Image] = []
    thread = threading.Thread(target=lambda: found.append(silhouette(photograph)))
    thread.start()
    thread.join()
    assert np.array_equal(found[0], first)


def test_the_input_is_left_as_it_is_and_a_plain_picture_is_drawn_too(photograph: Image) -> None:
    before = photograph.copy()
    silhouette(photograph)
    edges(photograph)
    assert np.array_equal(photograph, before)
    plain = np.full((64, 64, 3), 120, np.uint8)
    assert silhouette(plain).shape == plain.shape
    assert (edges(plain) == 255).all()
