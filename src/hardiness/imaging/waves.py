"""Fields made of sines: plasma, rings around a point, rays of a star, caustics of water.

Sines and angles are computed by polynomials, which the compiler turns into vector instructions, and which give the
same bits on every processor. They are off by a few units in the last place of a float64.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled_with

Bytes = NDArray[np.uint8]
Float64 = NDArray[np.float64]

PI_HIGH, PI_MIDDLE, PI_LOW = 3.1415926534682512, 1.2154201012607932e-10, 4.044532497591901e-21
"""Parts of pi of 33 bits each, and the rest: a whole or half number of them, up to 20 bits, is exact."""

TAN_EIGHTH = math.tan(math.pi / 8)


def sine(x: float, lead: float) -> float:
    """``sin(x + lead * pi)`` for ``|x|`` below 1e5; ``lead`` is 0 for a sine and 0.5 for a cosine."""
    turns: float = np.rint(x * 0.3183098861837907 + lead)
    half = turns - lead
    r = ((x - half * PI_HIGH) - half * PI_MIDDLE) - half * PI_LOW
    z = r * r
    p = 1.0 / 51090942171709440000.0
    p = p * z - 1.0 / 121645100408832000.0
    p = p * z + 1.0 / 355687428096000.0
    p = p * z - 1.0 / 1307674368000.0
    p = p * z + 1.0 / 6227020800.0
    p = p * z - 1.0 / 39916800.0
    p = p * z + 1.0 / 362880.0
    p = p * z - 1.0 / 5040.0
    p = p * z + 1.0 / 120.0
    p = p * z - 1.0 / 6.0
    value = r + r * z * p
    odd = turns - 2.0 * np.floor(turns * 0.5)
    return float(value - 2.0 * odd * value)


def sine_and_cosine(x: float) -> tuple[float, float]:
    """``sin(x)`` and ``cos(x)`` for ``|x|`` below 1e5, in two thirds of the time of both by `sine`."""
    quarters: float = np.rint(x * 0.6366197723675814)
    half = 0.5 * quarters
    r = ((x - half * PI_HIGH) - half * PI_MIDDLE) - half * PI_LOW
    z = r * r
    p = -1.0 / 1307674368000.0
    p = p * z + 1.0 / 6227020800.0
    p = p * z - 1.0 / 39916800.0
    p = p * z + 1.0 / 362880.0
    p = p * z - 1.0 / 5040.0
    p = p * z + 1.0 / 120.0
    p = p * z - 1.0 / 6.0
    up = r + r * z * p
    p = 1.0 / 20922789888000.0
    p = p * z - 1.0 / 87178291200.0
    p = p * z + 1.0 / 479001600.0
    p = p * z - 1.0 / 3628800.0
    p = p * z + 1.0 / 40320.0
    p = p * z - 1.0 / 720.0
    p = p * z + 1.0 / 24.0
    along = 1.0 + z * (z * p - 0.5)
    turned = quarters - 2.0 * np.floor(half)  # 1 where sine and cosine change places
    opposite = half - 2.0 * np.floor(0.5 * half)  # 0, 1/2, 1 or 3/2 half turns
    first = along if turned > 0.5 else up
    second = -up if turned > 0.5 else along
    return (-first, -second) if opposite > 0.75 else (first, second)


def angle(y: float, x: float) -> float:
    """``atan2(y, x)``.

    Source: the rational approximation of Cephes (S. Moshier), on arguments reduced to at most tan(pi / 8).
    """
    up, along = abs(y), abs(x)
    low, high = min(up, along), max(up, along)
    steep = low > TAN_EIGHTH * high
    below = (high + low) if steep else high
    t = ((low - high) if steep else low) / (below if below > 0.0 else 1.0)
    z = t * t
    p = (((-0.8750608600031904 * z - 16.157537187333652) * z - 75.00855792314705) * z - 122.88666844901361) * z
    q = ((((z + 24.858464901423062) * z + 165.02700983169885) * z + 432.88106049129027) * z + 485.3903996359137) * z
    value = t + t * z * ((p - 64.85021904942025) / (q + 194.5506571482614))
    value = value + (0.7853981633974483 if steep else 0.0)
    value = (1.5707963267948966 - value) if up > along else value
    value = (3.141592653589793 - value) if x < 0.0 else value
    return math.copysign(value, y)  # not a comparison: -0.0 has a side, too


@compiled_with(sine)
def sines(values: Float64, lead: float) -> Float64:
    """``sin(values + lead * pi)``, ``float64 (N,)``.

    Args:
        values: ``float64 (N,)``, each below 1e5.
        lead: 0 for sines, 0.5 for cosines.
    """
    out = np.empty_like(values)
    for i in range(values.size):
        out[i] = sine(values[i], lead)
    return out


@compiled_with(angle)
def angles(y: Float64, x: Float64) -> Float64:
    """``atan2(y, x)``, ``float64 (N,)``."""
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = angle(y[i], x[i])
    return out


@compiled_with(sine)
def plane_wave(image: Bytes, along: float, down: float, phase: float, intensity: float) -> Bytes:
    """The image ``uint8 (H, W, 3)`` plus ``intensity * sin(along x + down y + phase)``, cut to 0-255 and truncated."""
    height, width, _ = image.shape
    sine_x, cosine_x = np.empty(width), np.empty(width)
    for x in range(width):
        sine_x[x], cosine_x[x] = sine(x * along, 0.0), sine(x * along, 0.5)
    out = np.empty_like(image)
    for y in range(height):
        sine_y, cosine_y = sine(y * down + phase, 0.0), sine(y * down + phase, 0.5)
        for x in range(width):
            added = intensity * (sine_x[x] * cosine_y + cosine_x[x] * sine_y)
            for c in range(3):
                out[y, x, c] = np.uint8(min(max(image[y, x, c] + added, 0.0), 255.0))
    return out


@compiled_with(sine, angle)
def rings(image: Bytes, centre: tuple[float, float], rays: float, sway: tuple[float, float], intensity: float) -> Bytes:
    """The image ``uint8 (H, W, 3)`` plus rings around a point, dark inside and bright outside; truncated.

    Args:
        image: RGB.
        centre: x and y, in pixels.
        rays: how often the rings sway on their way round.
        sway: by how much they sway, and the width of a ring, in pixels.
        intensity: from the dark to the bright side of a ring, of 255.
    """
    height, width, _ = image.shape
    amplitude, ring = sway
    out = np.empty_like(image)
    added = np.empty(width)
    for y in range(height):
        dy = y - centre[1]
        for x in range(width):
            dx = x - centre[0]
            distance = np.sqrt(dx * dx + dy * dy) + sine(angle(dx, dy) * rays, 0.0) * amplitude
            added[x] = distance
        for x in range(width):
            value = intensity * ((added[x] % ring) / ring - 0.5)
            for c in range(3):
                out[y, x, c] = np.uint8(min(max(image[y, x, c] + value, 0.0), 255.0))
    return out


@compiled_with(sine)
def plasma(image: Bytes, time: float, iterations: int, sharpness: float, blend: tuple[float, float]) -> Bytes:
    """The image ``uint8 (H, W, 3)`` mixed with coloured plasma; cut to 0-255 and truncated.

    Args:
        image: RGB.
        time: of the plasma, which moves.
        iterations: how often the plane is folded.
        sharpness: from 0.5 to 1; the larger, the finer.
        blend: pixels to a unit of the plasma, and its intensity, of 255.
    """
    height, width, _ = image.shape
    scale, intensity = blend
    share = 1.0 - intensity / 255.0
    middle = sine(time, 0.0)
    out = np.empty_like(image)
    across, down = np.empty(width), np.empty(width)
    red, green, blue = np.empty(width), np.empty(width), np.empty(width)
    for y in range(height):
        for x in range(width):
            across[x], down[x] = x / scale, y / scale
        fold, pace, damping = 1.0, 1.0, 1.0
        for _ in range(iterations):
            shift = time / pace
            for x in range(width):
                right = sine(down[x] * fold + shift, 0.5) / damping
                below = sine(across[x] * fold + shift, 0.0) / damping
                across[x] += right - 0.3 * below
                down[x] += below + 0.3 * right
            fold, pace, damping = fold * 1.93, pace * 1.15, damping * (2.25 - sharpness)
        for x in range(width):
            red[x] = sine(across[x] - time, 0.0)
            green[x] = sine((across[x] + down[x] + middle) * 0.5, 0.0)
            blue[x] = sine(down[x] + time, 0.0)
        for x in range(width):
            out[y, x, 0] = np.uint8(min(max(share * image[y, x, 0] + intensity * red[x], 0.0), 255.0))
            out[y, x, 1] = np.uint8(min(max(share * image[y, x, 1] + intensity * green[x], 0.0), 255.0))
            out[y, x, 2] = np.uint8(min(max(share * image[y, x, 2] + intensity * blue[x], 0.0), 255.0))
    return out


@compiled_with(angle)
def stars(
    image: Bytes, centres: Float64, rays: tuple[Float64, NDArray[np.int64]], exponent: float, inverse: bool
) -> Bytes:
    """The image ``uint8 (H, W, 3)`` under the light of stars, one over another: white at their centres, or around them.

    Args:
        image: RGB.
        centres: of each star, y and x in pixels, ``float64 (N, 2)``.
        rays: lengths in pixels of all rays, star by star, ``float64``, and where each star's begin and the last end,
            ``int64 (N + 1,)``.
        exponent: how fast light falls off.
        inverse: the picture is seen inside a star, and white outside.
    """
    height, width, _ = image.shape
    lengths, ends = rays
    out = np.empty_like(image)
    turn, row = np.empty(width), np.empty((width, 3))
    for y in range(height):
        for x in range(width):
            for c in range(3):
                row[x, c] = image[y, x, c]
        for star in range(centres.shape[0]):
            dy, middle = y - centres[star, 0], centres[star, 1]
            begin, count = ends[star], ends[star + 1] - ends[star]
            for x in range(width):
                turn[x] = (angle(x - middle, dy) + np.pi) / (2.0 * np.pi) * count
            for x in range(width):
                dx = x - middle
                ray = int(turn[x])
                between = turn[x] - ray
                ray = ray if ray < count else 0  # after a whole turn
                first, second = lengths[begin + ray], lengths[begin + (ray + 1 if ray + 1 < count else 0)]
                length = first + between * (second - first)
                glow = length * length / (dx * dx + dy * dy + 1e-4)
                if exponent != 1.0:
                    glow = glow**exponent
                weight = min(max((1.0 - (between - 0.5) * (between - 0.5)) * glow, 0.0), 1.0)
                for c in range(3):
                    value = row[x, c]
                    row[x, c] = 255.0 + weight * (value - 255.0) if inverse else value + weight * (255.0 - value)
        for x in range(width):
            for c in range(3):
                out[y, x, c] = np.uint8(min(max(row[x, c], 0.0), 255.0))
    return out


def nearer_fifth_root(root: float, of: float) -> float:
    """One step of Newton's method towards the fifth root."""
    square = root * root
    return 0.8 * root + 0.2 * of / (square * square)


def to_seven_fifths(x: float) -> float:
    """``x ** 1.4`` for x from 0.15 to 0.9: x times the fifth root of its square."""
    square = x * x
    root = nearer_fifth_root(0.55 + 0.6 * square, square)
    root = nearer_fifth_root(nearer_fifth_root(root, square), square)
    return x * nearer_fifth_root(nearer_fifth_root(root, square), square)


@compiled_with(sine, sine_and_cosine, nearer_fifth_root, to_seven_fifths)
def caustics(height: int, width: int, time: float, size: float) -> Float64:
    """Light on the ground of moving water, ``float64 (H, W)`` in [0, 1].

    Args:
        height, width: in pixels.
        time: of the water, which moves.
        size: of one pattern, in pixels.
    """
    out = np.empty((height, width))
    start_y, start_x = np.empty(height), np.empty(width)
    for y in range(height):
        start_y[y] = (y / size % 1.0) * 6.28318530718 - 250.0
    for x in range(width):
        start_x[x] = (x / size % 1.0) * 6.28318530718 - 250.0
    first_sine, first_cosine = np.empty(width), np.empty(width)
    for x in range(width):
        first_sine[x], first_cosine[x] = sine(start_x[x], 0.0), sine(start_x[x], 0.5)
    total = np.empty(width)
    sine_down, cosine_down, sine_across, cosine_across = np.empty((4, width))
    for y in range(height):
        p = start_y[y]
        row_sine, row_cosine = sine(p, 0.0), sine(p, 0.5)
        for x in range(width):
            sine_down[x], cosine_down[x], total[x] = row_sine, row_cosine, 1.0
            sine_across[x], cosine_across[x] = first_sine[x], first_cosine[x]
        for n in range(5):
            t = time * (1.0 - 3.5 / (n + 1.0))
            sine_t, cosine_t = sine(t, 0.0), sine(t, 0.5)
            for x in range(width):
                q = start_x[x]
                # cos(t - down) + sin(t + across) and sin(t - across) + cos(t + down), by the sums of angles
                even, odd = cosine_t * cosine_down[x], sine_t * sine_down[x]
                plus, minus = sine_t * cosine_across[x], cosine_t * sine_across[x]
                down, across = p + (even + odd) + (plus + minus), q + (plus - minus) + (even - odd)
                sine_down[x], cosine_down[x] = sine_and_cosine(down)
                sine_across[x], cosine_across[x] = sine_and_cosine(across)
                # 1 / hypot(p / (sin(down + t) / 0.005), q / (cos(across + t) / 0.005)), without a division by zero
                s = sine_down[x] * cosine_t + cosine_down[x] * sine_t
                c = cosine_across[x] * cosine_t - sine_across[x] * sine_t
                first, second = p * 0.005 * c, q * 0.005 * s
                length = np.sqrt(first * first + second * second)
                total[x] += abs(s * c) / (length if length > 0.0 else 1.0)
        for x in range(width):
            light = abs(1.17 - to_seven_fifths(total[x] / 5.0))
            light *= light
            light *= light
            light *= light
            out[y, x] = min(light, 1.0)
    return out
