"""Gaussian, shot, impulse and speckle noise."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.distortions.apply import Shape, corruption
from hardiness.distortions.levels import Quantity
from hardiness.imaging.colour import add_noise, multiply_noise, salt_and_pepper
from hardiness.imaging.noise import AliasTables, normals_from_words, poisson_tables, quantile_table, sample


class NoiseSigma(NamedTuple):
    """Standard deviation of the noise; values count as [0, 1]."""

    sigma: float


class PhotonRate(NamedTuple):
    """Mean photon count of a white pixel."""

    rate: float


class ReplacedShare(NamedTuple):
    """Share of the values that are replaced."""

    amount: float


def draw_normals(rng: np.random.Generator, shape: Shape, level: NoiseSigma) -> NDArray[np.float32]:
    """Standard normal numbers, one for each value of the image."""
    return normals_from_words(rng.integers(0, 2**32, shape, dtype=np.uint32), *quantile_table())


def draw_words(rng: np.random.Generator, shape: Shape, level: PhotonRate | ReplacedShare) -> NDArray[np.uint32]:
    """Random words of 32 bits, one for each value of the image."""
    return rng.integers(0, 2**32, shape, dtype=np.uint32)


@corruption(
    "noise",
    tuple(map(NoiseSigma, (0.08, 0.12, 0.18, 0.26, 0.38))),
    draw_normals,
    quantity=Quantity("sigma", "of the range of values", "up", 0.0, 10.0),
    summary="Normal noise added to each value, as in poor light.",
)
def gaussian_noise(image: Image, level: NoiseSigma, draws: NDArray[np.float32]) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py."""
    return add_noise(image, draws, level.sigma)


@corruption(
    "extra",
    tuple(map(NoiseSigma, (0.15, 0.2, 0.35, 0.45, 0.6))),
    draw_normals,
    quantity=Quantity("sigma", "of each value", "up", 0.0, 10.0),
    summary="Normal noise in proportion to each value.",
)
def speckle_noise(image: Image, level: NoiseSigma, draws: NDArray[np.float32]) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py."""
    return multiply_noise(image, draws, level.sigma)


@lru_cache(maxsize=8)
def _photon_tables(rate: float) -> AliasTables:
    return poisson_tables(rate)


@corruption(
    "noise",
    tuple(map(PhotonRate, (60.0, 25.0, 12.0, 5.0, 3.0))),
    draw_words,
    quantity=Quantity("rate", "photons at white", "down", 0.1, 500.0),
    summary="Poisson counts of photons in place of each value.",
)
def shot_noise(image: Image, level: PhotonRate, draws: NDArray[np.uint32]) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261, and its generator make_imagenet_c.py.

    Differs: counts come from alias tables at one random word a value, not from numpy's rejection sampler, so they
        equal the generator's in distribution (to 2**-24 of a probability) and not draw by draw.
    """
    return sample(image, draws, *_photon_tables(level.rate))


@corruption(
    "noise",
    tuple(map(ReplacedShare, (0.03, 0.06, 0.09, 0.17, 0.27))),
    draw_words,
    quantity=Quantity("amount", "of all values", "up", 0.0, 1.0),
    summary="Salt and pepper: some values, channel by channel, become 255 or 0.",
)
def impulse_noise(image: Image, level: ReplacedShare, draws: NDArray[np.uint32]) -> Image:
    """Source: Hendrycks & Dietterich 2019, arXiv:1903.12261; scikit-image's random_noise, mode ``s&p``.

    Differs: both choices are read from one word of 32 bits, not from two uniform numbers.
    """
    return salt_and_pepper(image, draws, int(level.amount * 2**31))
