"""Perlin and plasma noise as the published code of ImageNet-C-bar computes them: a function call for every pixel.

Written from the published description (Mintun et al. 2021, arXiv:2102.11273), as in `c_bar_reference`. The published
functions call numpy on single numbers; these call `math`, which is several times faster, so that what they take is
less than what the published ones do.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from c_bar_reference import LATTICE, OFFSET, lattice, truncated

Array = np.ndarray[Any, Any]


def plasma_noise(image: Array, time: float, iterations: int, sharpness: float, scale: float, intensity: float) -> Array:
    def colour(x: float, y: float) -> tuple[float, float, float]:
        fold = pace = damping = 1.0
        for _ in range(iterations):
            right, below = math.cos(y * fold + time / pace) / damping, math.sin(x * fold + time / pace) / damping
            x, y = x + (right - 0.3 * below), y + (below + 0.3 * right)
            fold, pace, damping = fold * 1.93, pace * 1.15, damping * (2.25 - sharpness)
        return math.sin(x - time), math.sin((x + y + math.sin(time)) * 0.5), math.sin(y + time)

    height, width, _ = image.shape
    noise = np.array([[colour(x / scale, y / scale) for x in range(width)] for y in range(height)])
    return truncated((1 - intensity / 255) * image + intensity * noise)


def perlin_noise(image: Array, m: Any, turbulence: float, seed: int, gain: float, bias: float, alpha: float) -> Array:
    order, slopes = (table.tolist() for table in lattice(seed))

    def noise(a: float, b: float) -> float:
        a0, b0 = int(a + OFFSET) % LATTICE, int(b + OFFSET) % LATTICE
        a1, b1 = (a0 + 1) % LATTICE, (b0 + 1) % LATTICE
        ra, rb = (a + OFFSET) % 1.0, (b + OFFSET) % 1.0
        sa, sb = ra * ra * (3 - 2 * ra), rb * rb * (3 - 2 * rb)
        near, far = order[a0], order[a1]

        def corner(place: int, along: float, down: float) -> float:
            slope = slopes[order[place]]
            return float(along * slope[0] + down * slope[1])

        u, v = corner(near + b0, ra, rb), corner(far + b0, ra - 1, rb)
        upper = u + sa * (v - u)
        u, v = corner(near + b1, ra, rb - 1), corner(far + b1, ra - 1, rb - 1)
        lower = u + sa * (v - u)
        return 1.5 * (upper + sb * (lower - upper))

    def grey(a: float, b: float) -> float:
        total, frequency = 0.0, 1.0
        while frequency <= turbulence:
            total += abs(noise(frequency * a, frequency * b)) / frequency
            frequency *= 2
        return min(max(gain * total + bias, 0.0), 1.0)

    height, width, _ = image.shape
    step = 7 / min(height, width)
    layer = np.array([[grey(y * step, x * step) for x in range(width)] for y in range(height)])[..., None]
    return truncated((np.float32(1 - alpha) * image.astype(np.float32)) + 255 * alpha * layer)
