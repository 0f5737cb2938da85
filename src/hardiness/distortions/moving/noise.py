"""Gaussian, shot and speckle noise: the clean picture, then thirty draws of noise on it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import SIDE_PX, SequenceSource, perturbation
from hardiness.imaging.colour import add_noise, multiply_noise
from hardiness.imaging.noise import AliasTables, normals_from_words, poisson_tables, quantile_table, sample

NOISY_FRAMES = 30
SHAPE = (SIDE_PX, SIDE_PX, 3)


class FrameNoise(NamedTuple):
    """Standard deviation of the noise; values count as [0, 1]."""

    sigma: float


class FramePhotons(NamedTuple):
    """Mean photon count of a white pixel."""

    rate: float


def draw_words(rng: np.random.Generator, level: FramePhotons) -> Iterator[NDArray[np.uint32]]:
    """Random words of 32 bits, one for each value, for each noisy frame."""
    return (rng.integers(0, 2**32, SHAPE, dtype=np.uint32) for _ in range(NOISY_FRAMES))


def draw_normals(rng: np.random.Generator, level: FrameNoise) -> Iterator[NDArray[np.float32]]:
    """Standard normal numbers, one for each value, for each noisy frame."""
    words = (rng.integers(0, 2**32, SHAPE, dtype=np.uint32) for _ in range(NOISY_FRAMES))
    return (normals_from_words(frame, *quantile_table()) for frame in words)


@perturbation(
    "noise",
    tuple(map(FrameNoise, (0.03, 0.05, 0.08))),
    draw_normals,
    summary="Normal noise added to each value, anew in every frame.",
)
def gaussian_noise(source: SequenceSource, level: FrameNoise, draws: Iterator[NDArray[np.float32]]) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py."""
    yield source.crop
    for noise in draws:
        yield add_noise(source.crop, noise, level.sigma)


@lru_cache(maxsize=8)
def _photon_tables(rate: float) -> AliasTables:
    return poisson_tables(rate)


@perturbation(
    "noise",
    tuple(map(FramePhotons, (300.0, 120.0, 60.0))),
    draw_words,
    summary="Poisson counts of photons in place of each value, anew in every frame.",
)
def shot_noise(source: SequenceSource, level: FramePhotons, draws: Iterator[NDArray[np.uint32]]) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py.

    Differs: counts come from alias tables at one random word a value, not from numpy's rejection sampler, so they
        equal the generator's in distribution (to 2**-24 of a probability) and not draw by draw.
    """
    yield source.crop
    for words in draws:
        yield sample(source.crop, words, *_photon_tables(level.rate))


@perturbation(
    "noise",
    tuple(map(FrameNoise, (0.05, 0.1, 0.15))),
    draw_normals,
    summary="Normal noise in proportion to each value, anew in every frame.",
)
def speckle_noise(source: SequenceSource, level: FrameNoise, draws: Iterator[NDArray[np.float32]]) -> Iterator[Image]:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_p.py."""
    yield source.crop
    for noise in draws:
        yield multiply_noise(source.crop, noise, level.sigma)
