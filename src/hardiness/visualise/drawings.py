"""Drawings of photographs: silhouettes and edges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image

MARGIN = 0.06
"""Share of a side, at each border, that is background for certain."""

ROUNDS = 5
"""Rounds of GrabCut."""


def silhouette(image: Image) -> Image:
    """The thing in the middle in black on white, ``uint8 (H, W, 3)``, as far as its colours tell it from the border.

    The largest connected piece that GrabCut takes for foreground, holes filled. Good where the background is calm or
    unlike the thing, and poor elsewhere: look at the pictures before they are used.

    Source: Rother, Kolmogorov & Blake 2004, GrabCut.
    """
    import cv2

    # GrabCut draws from OpenCV's generator, which begins anew in every thread: so nothing is seeded, and nothing left.
    with ThreadPoolExecutor(1) as thread:
        mask = thread.submit(_foreground, image).result()
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawing = np.full_like(image, 255)
    if contours:
        cv2.drawContours(drawing, [max(contours, key=cv2.contourArea)], -1, (0, 0, 0), cv2.FILLED)
    return drawing


def edges(image: Image) -> Image:
    """The edges of a photograph in black on white, ``uint8 (H, W, 3)``.

    Source: Canny 1986, A computational approach to edge detection; its thresholds are the 80th and 92nd percentile of
        the gradient's strength, so that every photograph has about as many lines.
    """
    import cv2

    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.4)
    across, down = cv2.Sobel(grey, cv2.CV_16S, 1, 0), cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    strength = np.hypot(across.astype(np.float64), down.astype(np.float64))
    low, high = np.quantile(strength, (0.80, 0.92))
    lines = cv2.Canny(across, down, float(low), float(high), L2gradient=True)
    drawing: Image = np.repeat(255 - np.asarray(lines, np.uint8)[:, :, None], 3, axis=2)
    return drawing


def _foreground(image: Image) -> NDArray[np.uint8]:
    """1 where the picture shows a thing, ``(H, W)``; specks are left out."""
    import cv2

    height, width = image.shape[:2]
    top, left = max(1, round(MARGIN * height)), max(1, round(MARGIN * width))
    inside = (left, top, width - 2 * left, height - 2 * top)
    mask = np.zeros((height, width), np.uint8)
    background, thing = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(image[:, :, ::-1]), mask, inside, background, thing, ROUNDS, cv2.GC_INIT_WITH_RECT)
    is_thing = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(is_thing, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
