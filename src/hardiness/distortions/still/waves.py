"""Plane waves, swaying rings and coloured plasma over the picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.imaging.noise import plane_wave, plasma, rings


class PatternIntensity(NamedTuple):
    """Intensity of the pattern, of 255."""

    intensity: float


class Wave(NamedTuple):
    """Radians to a pixel along x and y, and the phase."""

    along: float
    down: float
    phase: float


class Rings(NamedTuple):
    """Centre (x, y) in pixels, how often the rings sway on their way round, by how much, and their width in pixels."""

    x: float
    y: float
    rays: float
    amplitude: float
    width: float


class Plasma(NamedTuple):
    """Time, number of foldings, sharpness, and pixels to a unit."""

    time: float
    iterations: int
    sharpness: float
    scale: float


def draw_wave(rng: np.random.Generator, shape: Shape, level: PatternIntensity) -> Wave:
    """One frequency of either sign, a lower one for the other axis, and a phase."""
    high = rng.uniform(-math.pi, math.pi)
    low = rng.uniform(-abs(high), abs(high))
    along, down = (high, low) if rng.integers(2) else (low, high)
    return Wave(along, down, rng.uniform(0.0, 2.0 * math.pi))


@corruption(
    "noise",
    tuple(map(PatternIntensity, (19.6, 29.4, 39.2, 88.2, 98.0))),
    draw_wave,
    units=("of 255",),
    summary="One grey plane wave added, of a random direction and frequency.",
)
def single_frequency_greyscale(image: Image, level: PatternIntensity, draws: Wave) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code."""
    return plane_wave(image, draws.along, draws.down, draws.phase, level.intensity)


def draw_rings(rng: np.random.Generator, shape: Shape, level: PatternIntensity) -> Rings:
    """A centre in the picture, and the form of the rings."""
    side = min(shape[:2])
    x, y = rng.uniform(0.0, shape[1]), rng.uniform(0.0, shape[0])
    return Rings(x, y, rng.uniform(0.0, 10.0), rng.uniform(0.0, 0.1 * side), rng.uniform(0.0, 0.1 * side))


@corruption(
    "noise",
    tuple(map(PatternIntensity, (38.4, 64.0, 102.4, 115.2, 128.0))),
    draw_rings,
    units=("of 255",),
    summary="Grey rings around a random point, which sway on their way round.",
)
def cocentric_sine_waves(image: Image, level: PatternIntensity, draws: Rings) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code, whose spelling the name is."""
    return rings(image, (draws.x, draws.y), draws.rays, (draws.amplitude, draws.width), level.intensity)


def draw_plasma(rng: np.random.Generator, shape: Shape, level: PatternIntensity) -> Plasma:
    """A time, 4 to 6 foldings, a sharpness and a scale."""
    time, iterations = rng.uniform(0.0, 6.0 * math.pi), int(rng.integers(4, 7))
    return Plasma(time, iterations, rng.uniform(0.5, 1.0), rng.uniform(0.075, 0.2) * min(shape[:2]))


@corruption(
    "noise",
    tuple(map(PatternIntensity, (30.4, 44.8, 54.4, 59.2, 64.0))),
    draw_plasma,
    units=("of 255",),
    summary="The picture mixed with coloured plasma: a plane folded again and again by sines.",
)
def plasma_noise(image: Image, level: PatternIntensity, draws: Plasma) -> Image:
    """Source: Mintun et al. 2021, arXiv:2102.11273, and its published code."""
    return plasma(image, draws.time, draws.iterations, draws.sharpness, (draws.scale, level.intensity))
