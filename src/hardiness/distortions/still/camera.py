"""Faults of a camera in poor light and with few bits: three of ImageNet-3DCC's corruptions."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption, no_draws
from hardiness.imaging.noise import cumulated_poisson, normals_from_words, quantile_table, sensor_noise

ISO_PHOTONS = 25.0
LOW_LIGHT_PHOTONS = 120.0
LOW_LIGHT_SIGMA = 0.018
"""Standard deviation of the noise of low light, the same at every severity."""


class Bits(NamedTuple):
    """Bits that are kept of each value."""

    bits: int


class SensorSigma(NamedTuple):
    """Standard deviation of the normal noise; values count as [0, 1]."""

    sigma: float


class Light(NamedTuple):
    """Light to which the brightest pixel is dimmed, of 1."""

    light: float


class Sensor(NamedTuple):
    """Uniform numbers in [0, 1) and standard normal ones, ``float32 (H, W, 3)`` each."""

    uniforms: NDArray[np.float32]
    normals: NDArray[np.float32]


def draw_sensor(rng: np.random.Generator, shape: Shape, level: SensorSigma | Light) -> Sensor:
    """Chance for each value's photons and for its electronics."""
    words = rng.integers(0, 2**32, shape, dtype=np.uint32)
    return Sensor(rng.random(shape, dtype=np.float32), normals_from_words(words, *quantile_table()))


@lru_cache(maxsize=1)
def _iso_table() -> NDArray[np.float64]:
    return cumulated_poisson(np.asarray(ISO_PHOTONS * np.arange(256) / 255.0), int(ISO_PHOTONS) + 1)


@corruption(
    "digital",
    tuple(map(Bits, (5, 4, 3, 2, 1))),
    no_draws,
    units=("bits",),
    summary="Fewer bits for each value: the lower ones become 0.",
)
def color_quant(image: Image, level: Bits, draws: None) -> Image:
    """Source: Kar et al. 2022, arXiv:2203.01441, and its published code; PIL's posterize."""
    return image & np.uint8(256 - (1 << (8 - level.bits)))


@corruption(
    "noise",
    tuple(map(SensorSigma, (0.056, 0.084, 0.126, 0.182, 0.266))),
    draw_sensor,
    units=("of the range of values",),
    summary="The noise of a sensitive film: few photons, then normal noise.",
)
def iso_noise(image: Image, level: SensorSigma, draws: Sensor) -> Image:
    """Source: Kar et al. 2022, arXiv:2203.01441, and its published code.

    Differs: counts come from cumulated probabilities at one uniform number a value, so they equal the published ones
        in distribution and not draw by draw.
    """
    return sensor_noise(image, _iso_table(), draws.uniforms, draws.normals, (ISO_PHOTONS, level.sigma))


@corruption(
    "weather",
    tuple(map(Light, (0.6, 0.5, 0.4, 0.3, 0.2))),
    draw_sensor,
    units=("of full light",),
    summary="A dimmed picture with the noise of few photons.",
)
def low_light(image: Image, level: Light, draws: Sensor) -> Image:
    """Source: Kar et al. 2022, arXiv:2203.01441, and its published code, whose noise is the same at every severity.

    Differs: counts as for ``iso_noise``; a picture of one value, where the published code divides by zero, is black.
    """
    darkest, brightest = int(image.min()), int(image.max())
    values = np.clip(np.arange(256) - darkest, 0, max(brightest - darkest, 1)) / max(brightest - darkest, 1)
    table = cumulated_poisson(LOW_LIGHT_PHOTONS * values**2 * level.light, int(LOW_LIGHT_PHOTONS) + 1)
    return sensor_noise(image, table, draws.uniforms, draws.normals, (LOW_LIGHT_PHOTONS, LOW_LIGHT_SIGMA))
