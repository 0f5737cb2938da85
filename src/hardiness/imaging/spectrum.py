"""Noise of a given spectrum: random phases, amplitudes by distance from the middle, and the inverse transform."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hardiness.imaging.compiled import compiled
from hardiness.imaging.waves import sines

Bytes = NDArray[np.uint8]
Float64 = NDArray[np.float64]
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
