"""Noise: numbers drawn for each pixel, and fields of a given spectrum."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled, compiled_with

Float64 = NDArray[np.float64]


class AliasTables(NamedTuple):
    """Walker's alias tables, one row per value of a pixel.

    Attributes:
        limits: ``uint32 (256, columns)``, below which the low bits of a word keep the column's own outcome.
        others: ``uint8 (256, columns)``, the outcome otherwise, as a column.
        outcomes: ``uint8 (columns,)``, the value that each column stands for.
        shift: how far a word is shifted right to give the column; ``columns`` is ``2 ** (32 - shift)``.
    """

    limits: NDArray[np.uint32]
    others: NDArray[np.uint8]
    outcomes: NDArray[np.uint8]
    shift: int


def alias_tables(probabilities: Float64, outcomes: NDArray[np.uint8]) -> AliasTables:
    """Tables for 256 distributions over the same outcomes.

    Args:
        probabilities: ``float64 (256, n)``, rows of sum 1; ``n`` is at most 256.
        outcomes: ``uint8 (n,)``.

    Source: Walker 1977; the construction in linear time is Vose's, 1991.
    """
    count = probabilities.shape[1]
    bits = max(1, math.ceil(math.log2(count)))
    columns = 1 << bits
    padded = np.zeros((256, columns))
    padded[:, :count] = probabilities
    limits, others = np.empty((256, columns), np.uint32), np.empty((256, columns), np.uint8)
    top = 1 << (32 - bits)
    for value in range(256):
        kept, other = _vose(padded[value] * columns)
        limits[value] = np.minimum(np.rint(kept * top), 2**32 - 1).astype(np.uint32)
        others[value] = other
    values = np.zeros(columns, np.uint8)
    values[:count] = outcomes
    return AliasTables(limits, others, values, 32 - bits)


def _vose(scaled: Float64) -> tuple[Float64, NDArray[np.int64]]:
    """Kept share and other column of each column, from probabilities times their number."""
    kept, other = np.ones(scaled.size), np.arange(scaled.size)
    rest = scaled.tolist()
    small = [i for i, share in enumerate(rest) if share < 1.0]
    large = [i for i, share in enumerate(rest) if share >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        kept[low], other[low] = rest[low], high
        rest[high] -= 1.0 - rest[low]
        if rest[high] < 1.0:
            small.append(large.pop())
    return kept, other


def poisson_tables(rate: float) -> AliasTables:
    """Tables for Poisson counts of mean ``rate * value / 255``, as grey levels ``255 count / rate`` cut at 255.

    Args:
        rate: mean count of a white pixel.
    """
    count = math.ceil(rate) + 1
    means = rate * np.arange(256) / 255.0
    counts = np.arange(count)
    factorials = np.array([math.lgamma(k + 1.0) for k in range(count)])
    probabilities = np.zeros((256, count))
    probabilities[0, 0] = 1.0  # black gives no photons, and has no logarithm
    probabilities[1:] = np.exp(counts * np.log(means[1:, None]) - means[1:, None] - factorials)
    probabilities[:, -1] = np.maximum(0.0, 1.0 - probabilities[:, :-1].sum(axis=1))
    levels = (np.clip(counts / rate, 0.0, 1.0) * 255.0).astype(np.uint8)
    outcomes, first = np.unique(levels, return_index=True)  # above 255 photons, several counts give one grey level
    return alias_tables(np.add.reduceat(probabilities, first, axis=1), outcomes)


@compiled
def sample(
    image: NDArray[np.uint8],
    words: NDArray[np.uint32],
    limits: NDArray[np.uint32],
    others: NDArray[np.uint8],
    outcomes: NDArray[np.uint8],
    shift: int,
) -> NDArray[np.uint8]:
    """Each value of the image replaced by a draw from its own distribution.

    Args:
        image: ``uint8``, any shape.
        words: ``uint32`` of the same shape, uniform over all 32 bits.
        limits, others, outcomes, shift: of `AliasTables`.
    """
    values, draws = image.ravel(), words.ravel()
    out = np.empty_like(image)
    flat = out.ravel()
    bits = np.uint32(shift)
    low = np.uint32((1 << shift) - 1)
    for i in range(values.size):
        value, word = np.uint64(values[i]), draws[i]
        column = np.uint64(word >> bits)
        other = np.uint64(others[value, column])  # read either way: a choice of two values needs no branch
        flat[i] = outcomes[column if (word & low) < limits[value, column] else other]
    return out


Float32 = NDArray[np.float32]

BLOCK = 4096
"""Words at a time, so that what lies between the two passes stays in the nearest cache."""

_INDEX_BITS = 8
_OCTAVES = 32


class QuantileTable(NamedTuple):
    """Upper quantiles of the normal distribution at log-spaced probabilities.

    Attributes:
        values: ``float32 (32 * 2**8 + 1,)``, the quantile at each knot, from probability ``2**-33`` to 1/2.
        steps: ``float32``, as many: from each knot to the next, and 0.
    """

    values: Float32
    steps: Float32


@cache
def quantile_table() -> QuantileTable:
    """The table, made once; between knots the straight line is off by less than 3e-6."""
    import scipy.special

    octaves, fractions = np.divmod(np.arange(_OCTAVES * 2**_INDEX_BITS + 1), 2**_INDEX_BITS)
    probabilities = np.ldexp(1.0 + fractions / 2**_INDEX_BITS, octaves - _OCTAVES - 1)
    values = -scipy.special.ndtri(probabilities)
    return QuantileTable(values.astype(np.float32), np.append(np.diff(values), 0.0).astype(np.float32))


@compiled
def normals_from_words(words: NDArray[np.uint32], values: Float32, steps: Float32) -> Float32:
    """Standard normal numbers, ``float32``, one for each word: its lowest bit is the sign, the rest a probability.

    The probability ``(2 k + 1) / 2**33``, ``k`` the upper 31 bits, lies in the middle of its cell; its floating-point
    exponent and leading mantissa bits are the place in the table, the other bits the way to the next knot.

    Args:
        words: ``uint32``, any shape, uniform over all 32 bits.
        values, steps: of a `QuantileTable`.
    """
    flat = words.ravel()
    out = np.empty(words.shape, np.float32)
    line = out.ravel()
    centres = np.empty(BLOCK, np.float32)
    bits = centres.view(np.uint32)
    rest, shift, first = np.uint32(2**15 - 1), np.uint32(15), np.uint32(127 << 8)
    for start in range(0, flat.size, BLOCK):
        block, into = flat[start : start + BLOCK], line[start : start + BLOCK]
        for i in range(block.size):
            centres[i] = np.float32(block[i] | np.uint32(1))
        for i in range(block.size):
            place = np.uint64((bits[i] >> shift) - first)
            share = np.float32(bits[i] & rest) * np.float32(2.0**-15)
            value = values[place] + steps[place] * share
            into[i] = value if block[i] & np.uint32(1) else -value
    return out


Bytes = NDArray[np.uint8]


def cumulated_poisson(means: Float64, count: int) -> Float64:
    """Probabilities of at most 0, 1, … counts, ``float64 (N, count)``; the last column is 1.

    Args:
        means: ``float64 (N,)``, 0 or more.
        count: how many outcomes are told apart; the last stands for itself and all above.
    """
    counts = np.arange(count)
    factorials = np.array([math.lgamma(k + 1.0) for k in range(count)])
    logs = np.log(np.where(means > 0.0, means, 1.0))
    chances = np.exp(counts * logs[:, None] - means[:, None] - factorials)
    chances[means == 0.0] = counts == 0
    cumulated: Float64 = np.cumsum(chances, axis=1)
    cumulated[:, -1] = 1.0
    return cumulated


@compiled
def sensor_noise(
    image: Bytes, cumulated: Float64, uniforms: Float32, normals: Float32, noise: tuple[float, float]
) -> Bytes:
    """Counts of photons over those of white, plus normal noise, cut to 0-1; ``uint8``, truncated.

    Args:
        image: ``uint8 (H, W, 3)``.
        cumulated: ``float64 (256, N)``: chances of at most so many photons, by the value of a pixel.
        uniforms: ``float32`` of the image's shape, in [0, 1).
        normals: likewise, standard normal.
        noise: photons of a white pixel, and deviation of the normal noise.
    """
    values, chances, errors = image.ravel(), uniforms.ravel(), normals.ravel()
    white, deviation = noise
    out = np.empty_like(image)
    flat = out.ravel()
    last = cumulated.shape[1] - 1
    for i in range(values.size):
        row, chance = cumulated[values[i]], chances[i]
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            if row[middle] > chance:
                high = middle
            else:
                low = middle + 1
        value = min(low / white, 1.0) + deviation * errors[i]
        flat[i] = np.uint8(min(max(value, 0.0), 1.0) * 255.0)
    return out


Indices = NDArray[np.int64]

CELLS = 256
"""Cells of the lattice along an axis, after which it repeats."""

OFFSET = 4096
"""Added to coordinates, so that none is negative."""


@compiled
def permutation(partners: Indices) -> Indices:
    """The order ``int64 (514,)`` in which slopes are looked up: 0 to 255 shuffled, then its beginning again.

    Args:
        partners: ``int64 (256,)``, from 0 to 255: what 255, 254, … 0 change places with, in that turn.
    """
    order = np.empty(2 * CELLS + 2, np.int64)
    for i in range(CELLS):
        order[i] = i
    for turn in range(CELLS):
        i, j = CELLS - 1 - turn, partners[turn]
        order[i], order[j] = order[j], order[i]
    for i in range(CELLS + 2):
        order[CELLS + i] = order[i]
    return order


@compiled
def turbulence(height: int, width: int, step: float, order: Indices, slopes: Float64) -> Float64:
    """Five octaves of the absolute noise, each half as strong as the one before: ``float64 (H, W)``, 0 or more.

    Args:
        height, width: in pixels.
        step: cells of the lattice to a pixel, in the first octave.
        order: from `permutation`.
        slopes: ``float64 (256, 2)``, of length 1.

    Source: Perlin 1985; the factor 1.5 and the octaves are those of Mintun et al. 2021, arXiv:2102.11273.
    """
    out = np.zeros((height, width))
    cell, ahead, smooth = np.empty(width, np.int64), np.empty(width), np.empty(width)
    upper, upper_slope = np.empty(CELLS + 1), np.empty(CELLS + 1)
    frequency = 1.0
    for _ in range(5):
        for x in range(width):
            at = frequency * (x * step) + OFFSET
            cell[x], ahead[x] = np.int64(at) % CELLS, at % 1.0
            smooth[x] = ahead[x] * ahead[x] * (3.0 - 2.0 * ahead[x])
        last = min(CELLS, int(frequency * ((width - 1) * step)) + 2)
        for y in range(height):
            at = frequency * (y * step) + OFFSET
            i0 = np.int64(at) % CELLS
            i1, below = (i0 + 1) % CELLS, at % 1.0
            blend = below * below * (3.0 - 2.0 * below)
            # Along a row, the mean of the slopes above and below is linear in x within a cell.
            for j in range(last):
                above, under = order[order[i0] + j % CELLS] % CELLS, order[order[i1] + j % CELLS] % CELLS
                first, second = below * slopes[above, 0], (below - 1.0) * slopes[under, 0]
                upper[j] = first + blend * (second - first)
                upper_slope[j] = slopes[above, 1] + blend * (slopes[under, 1] - slopes[above, 1])
            row = out[y]
            for x in range(width):
                j = cell[x]
                following = (j + 1) % CELLS
                left = upper[j] + ahead[x] * upper_slope[j]
                right = upper[following] + (ahead[x] - 1.0) * upper_slope[following]
                row[x] += abs(1.5 * (left + smooth[x] * (right - left))) / frequency
        frequency *= 2.0
    return out


@compiled
def blend_grey(image: NDArray[np.uint8], layer: Float64, share: float) -> NDArray[np.uint8]:
    """``(1 - share) * image + 255 * share * layer``, cut to 0-255 and truncated.

    Args:
        image: ``uint8 (H, W, 3)``; its share is rounded to float32, as the published pictures have it.
        layer: ``float64 (H, W)`` in [0, 1].
        share: of the layer.
    """
    height, width, _ = image.shape
    left = np.empty(256)
    for value in range(256):
        left[value] = np.float64(np.float32(1.0 - share) * np.float32(value))
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            added = 255.0 * share * layer[y, x]
            for c in range(3):
                out[y, x, c] = np.uint8(min(max(left[image[y, x, c]] + added, 0.0), 255.0))
    return out


@compiled
def plasma_fractal(draws: Float64, size: int, decay: float) -> Float64:
    """A height map ``float64 (size, size)`` scaled to [0, 1].

    Each level fills the centres of the squares, then the upper and the left middles of their sides, and divides the
    amplitude by ``decay``. The amplitude enters squared, as in the generator: the deviation is its product with a
    number drawn between minus and plus itself.

    Args:
        draws: ``float64 (size**2 - 1,)``, uniform in [0, 1), in the order of filling.
        size: a power of two.
        decay: above 1; the larger, the smoother.

    Source: Hendrycks & Dietterich 2019, the generator's fog (after FLHerne's diamondsquare).
    """
    heights = np.empty((size, size), np.float64)
    heights[0, 0] = 0.0
    amplitude, step, drawn = 100.0, size, 0
    while step >= 2:
        half, count = step // 2, size // step
        power = amplitude * amplitude
        for i in range(count):
            top, bottom = heights[i * step], heights[(i + 1) % count * step]
            for j in range(count):
                left, right = j * step, (j + 1) % count * step
                mean = ((top[left] + bottom[left]) + (top[right] + bottom[right])) / 4.0
                heights[i * step + half, left + half] = mean + power * (2.0 * draws[drawn] - 1.0)
                drawn += 1
        for i in range(count):
            row = heights[i * step]
            above, below = heights[(i - 1) % count * step + half], heights[i * step + half]
            for j in range(count):
                left, right = j * step, (j + 1) % count * step
                mean = ((below[left + half] + above[left + half]) + (row[left] + row[right])) / 4.0
                row[left + half] = mean + power * (2.0 * draws[drawn] - 1.0)
                drawn += 1
        for i in range(count):
            top, row, bottom = heights[i * step], heights[i * step + half], heights[(i + 1) % count * step]
            for j in range(count):
                here, before = j * step, (j - 1) % count * step
                mean = ((row[here + half] + row[before + half]) + (top[here] + bottom[here])) / 4.0
                row[here] = mean + power * (2.0 * draws[drawn] - 1.0)
                drawn += 1
        step = half
        amplitude /= decay
    lowest, highest = heights[0, 0], heights[0, 0]
    for y in range(size):
        for x in range(size):
            lowest, highest = min(lowest, heights[y, x]), max(highest, heights[y, x])
    for y in range(size):
        for x in range(size):
            heights[y, x] = (heights[y, x] - lowest) / (highest - lowest)
    return heights


@compiled
def veil(image: NDArray[np.uint8], layer: Float64, strength: float) -> NDArray[np.uint8]:
    """The image ``uint8 (H, W, 3)`` plus a grey layer, scaled back to its own brightest value; truncated.

    Args:
        image: RGB.
        layer: ``float64``, at least ``(H, W)``, in [0, 1].
        strength: by which the layer is multiplied; image values count as [0, 1].
    """
    height, width, channels = image.shape
    out = np.empty_like(image)
    largest = np.uint8(0)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                largest = max(largest, image[y, x, c])
    brightest = largest / 255.0
    scale = 255.0 * brightest / (brightest + strength)
    fraction = np.empty(256)  # a table, because a division takes longer than all the rest
    for value in range(256):
        fraction[value] = value / 255.0
    for y in range(height):
        for x in range(width):
            added = layer[y, x] * strength
            for c in range(channels):
                out[y, x, c] = np.uint8(min((fraction[image[y, x, c]] + added) * scale, 255.0))
    return out


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


def nearer_fifth_root(root: float, number: float) -> float:
    """One step of Newton's method towards the fifth root."""
    square = root * root
    return 0.8 * root + 0.2 * number / (square * square)


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


Complex = NDArray[np.complex128]


@lru_cache(maxsize=8)
def amplitudes(height: int, width: int, exponent: int) -> Float64:
    """Amplitudes ``float64 (H, W)`` by the distance r from the middle: r for exponent 1, 1 / (r**2 + 1) for -2."""
    y, x = np.arange(height) - height // 2, np.arange(width) - width // 2
    squared: Float64 = ((y**2)[:, None] + (x**2)[None]).astype(np.float64)
    # Left writable, though nobody writes: read-only arrays are another type to the compiler, and a copy takes longer
    # than the spectrum.
    found: Float64 = np.sqrt(squared) if exponent == 1 else 1.0 / (squared + 1.0)
    return found


@compiled
def half_spectrum(sine: Float64, cosine: Float64, amplitude: Float64) -> Complex:
    """The half spectrum ``complex128 (H, W / 2 + 1)`` whose inverse real transform is the noise.

    The phases fill the left half, and, turned round, the right half; the middle then moves to the corner. The real part
    of such a transform is that of the mean of the spectrum and its mirrored conjugate.

    Args:
        sine, cosine: of the phases, ``float64 (H, W / 2)``.
        amplitude: ``float64 (H, W)``; H and W are even.
    """
    height, half = sine.shape
    middle = height // 2
    out = np.empty((height, half + 1), np.complex128)
    for y in range(height):
        # Of a place and its mirror image: the rows of the shifted spectrum, and those of the phases in its right half.
        here, there = (y + middle) % height, (2 * height - y + middle) % height
        turned_here, turned_there = height - 1 - here, height - 1 - there
        for x in range(1, half):
            first, second = 0.5 * amplitude[here, x + half], 0.5 * amplitude[there, half - x]
            real = first * cosine[turned_here, half - 1 - x] + second * cosine[there, half - x]
            imaginary = first * sine[turned_here, half - 1 - x] - second * sine[there, half - x]
            out[y, x] = complex(real, imaginary)
        first, second = 0.5 * amplitude[here, half], 0.5 * amplitude[there, half]
        real = first * cosine[turned_here, half - 1] + second * cosine[turned_there, half - 1]
        imaginary = first * sine[turned_here, half - 1] - second * sine[turned_there, half - 1]
        out[y, 0] = complex(real, imaginary)
        first, second = 0.5 * amplitude[here, 0], 0.5 * amplitude[there, 0]
        real = first * cosine[here, 0] + second * cosine[there, 0]
        out[y, half] = complex(real, first * sine[here, 0] - second * sine[there, 0])
    return out


def spectral_noise(phases: Float64, exponent: int) -> Float64:
    """Noise of unit deviation, ``float64 (H, W)``; see `spectral_field`."""
    noise, deviation = spectral_field(phases, exponent)
    return np.asarray(noise / deviation)


def spectral_field(phases: Float64, exponent: int) -> tuple[Float64, float]:
    """Noise ``float64 (H, W)`` and its deviation.

    Args:
        phases: ``float64 (H, W / 2)``, from 0 to 2 pi; H and W are even.
        exponent: as in `amplitudes`.

    Source: Mintun et al. 2021, arXiv:2102.11273: the two halves are no mirrored conjugates, and the imaginary part is
        dropped; this is kept as it is.
    """
    import scipy.fft

    flat = phases.ravel()
    sine, cosine = sines(flat, 0.0).reshape(phases.shape), sines(flat, 0.5).reshape(phases.shape)
    amplitude = amplitudes(phases.shape[0], 2 * phases.shape[1], exponent)
    noise: Float64 = scipy.fft.irfft2(half_spectrum(sine, cosine, amplitude))
    return noise, float(noise.std())


@compiled
def add_fields(image: Bytes, fields: tuple[Float64, ...], deviations: tuple[float, ...], intensity: float) -> Bytes:
    """The image ``uint8 (H, W, 3)`` plus noise of a deviation for each channel, cut to 0-255 and truncated.

    Args:
        image: RGB.
        fields: three, ``float64 (H', W')``, at least as large as the image.
        deviations: of each field.
        intensity: deviation of the noise, of 255.
    """
    height, width, _ = image.shape
    out = np.empty_like(image)
    for c in range(3):
        field, deviation = fields[c], deviations[c]
        for y in range(height):
            for x in range(width):
                added = intensity * (field[y, x] / deviation)
                out[y, x, c] = np.uint8(min(max(image[y, x, c] + added, 0.0), 255.0))
    return out


@compiled
def keep_above(image: Bytes, field: Float64, threshold: float) -> Bytes:
    """The image ``uint8 (H, W, 3)`` where the field ``float64 (H', W')`` is above the threshold, else black."""
    height, width, _ = image.shape
    out = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            keep = np.uint8(1) if field[y, x] > threshold else np.uint8(0)
            for c in range(3):
                out[y, x, c] = image[y, x, c] * keep
    return out
